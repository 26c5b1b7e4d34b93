-- How far leads are: since when their status stands, which statuses they ever reached; and indexes
-- for what waits for somebody. The definitions are those of schemas/tables/lead.sql.
set local role leads_projections;

-- The table in use may be of a later generation. What is in it is filled by the rebuild that the
-- raised version of the fold asks for; where there is no lead yet there is nothing to rebuild.
do $$
declare
  place text;
begin
  select format('read.%I', 'lead_v' || generation) into place from read.models where name = 'lead';
  execute format('alter table %s
    add column status_since timestamptz,
    add column reached      jsonb not null default ''{}''', place);
  execute format('create index on %s (callback_at, lead_id) where callback_at is not null', place);
  execute format('create index on %s (reserved_for) where reserved_for is not null', place);
  execute format('create index on %s (locked_by) where locked_by is not null', place);
  execute format('create index on %s (last_modified_at, lead_id)
    where contract_icon is not null', place);
  execute format('create or replace view read.lead as select * from %s', place);
end $$;
update read.models set fold_version = 3
  where name = 'lead' and fold_version = 2 and not exists (select from read.lead);

reset role;
