-- One row a lead pool. Leads name their pool; leads equally urgent are dialled in the order of
-- md5(shuffle_seed || lead_id), or as they came while it is null.
create table read.pool_v1 (
  pool_id      uuid        primary key,
  version      int         not null,
  position     bigint      not null,
  campaign_id  uuid,
  name         text        not null,
  source       text        not null,  -- upload, api or manual
  active       boolean     not null,
  shuffle_seed bigint,
  created_by   text        not null,
  created_at   timestamptz,
  changed_at   timestamptz not null
);
create index on read.pool_v1 (created_at, pool_id);

-- What is dialled next follows the pool (dial_list.sql).
create trigger dialled_new after insert on read.pool_v1 for each row
  when (not new.active or new.shuffle_seed is not null)
  execute function read.keep_dial_of_pool();
create trigger dialled_changed after update on read.pool_v1 for each row
  when ((new.active, new.shuffle_seed) is distinct from (old.active, old.shuffle_seed))
  execute function read.keep_dial_of_pool();
