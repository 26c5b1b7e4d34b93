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
