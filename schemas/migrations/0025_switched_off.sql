-- Teams and statuses can be switched off. The definitions are those of schemas/tables.
set local role leads_projections;

-- The tables in use may be of a later generation. What is there is on: nothing could go off yet.
do $$
declare
  model text;
  place text;
begin
  foreach model in array array['team', 'status'] loop
    select format('read.%I', name || '_v' || generation) into place
      from read.models where name = model;
    execute format('alter table %s add column active boolean not null default true', place);
    execute format('create or replace view read.%I as select * from %s', model, place);
  end loop;
end $$;

reset role;
