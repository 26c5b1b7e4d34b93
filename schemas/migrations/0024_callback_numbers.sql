-- The numbers of all callbacks come from their index alone. The definition is that of
-- schemas/tables/lead.sql.
set local role leads_projections;

-- The table in use may be of a later generation.
do $$
declare
  place text;
  old regclass;
begin
  select 'lead_v' || generation into place from read.models where name = 'lead';
  for old in
    select format('read.%I', indexname)::regclass from pg_indexes
      where schemaname = 'read' and tablename = place
        and indexdef like '%(callback_at, lead_id) WHERE (callback_at IS NOT NULL)'
  loop
    execute format('drop index %s', old);
  end loop;
  execute format('create index on read.%I (callback_at, lead_id) include (callback_agent, deleted)
    where callback_at is not null', place);
end $$;

reset role;
