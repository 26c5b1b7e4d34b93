-- What messages, contracts and merging add to a lead's row. The definitions are those of
-- schemas/tables/lead.sql.
set local role leads_projections;

-- The table in use may be of a later generation. No event stored so far touches these columns, so
-- their defaults are what the rows would be folded to, and nothing has to be rebuilt.
do $$
declare
  place text;
begin
  select format('read.%I', 'lead_v' || generation) into place from read.models where name = 'lead';
  execute format('alter table %s
    add column merged_into       uuid,
    add column absorbed          jsonb not null default ''[]'',
    add column message_count     int   not null default 0,
    add column latest_message_at timestamptz,
    add column contracts         jsonb not null default ''[]'',
    add column contract_icon     text', place);
  execute format('create or replace view read.lead as select * from %s', place);
end $$;
update read.models set fold_version = 2 where name = 'lead' and fold_version = 1;

reset role;
