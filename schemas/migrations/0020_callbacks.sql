-- The callbacks of one agent among those of all. The definition is that of schemas/tables/lead.sql.
set local role leads_projections;

-- The table in use may be of a later generation.
do $$
declare
  place text;
begin
  select format('read.%I', 'lead_v' || generation) into place from read.models where name = 'lead';
  execute format('create index on %s (callback_agent, callback_at)
    where callback_agent is not null', place);
end $$;

reset role;
