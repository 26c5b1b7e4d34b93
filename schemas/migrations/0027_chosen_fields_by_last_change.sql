-- Leads of one value of a chosen field stand in the order of their last change
-- (services/projections/field_indexes.py).
set local role leads_projections;

do $$
declare
  made record;
begin
  for made in
    select indexname, indexdef from pg_indexes
      where schemaname = 'read' and indexname ~ '^lead_v[0-9]+_field_[0-9a-f]{16}$'
  loop
    execute format('drop index read.%I', made.indexname);
    execute replace(made.indexdef, ', lead_id)', ', last_modified_at, lead_id)');
  end loop;
end $$;

reset role;
