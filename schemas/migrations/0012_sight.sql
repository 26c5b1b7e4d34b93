-- The second wall of sight (rule 2): the database itself holds back rows out of sight from sessions
-- that act as leads_sight. The definitions are those of schemas/tables.

-- Whoever sees everything reads as leads_query. Limited callers read as leads_sight, which may do
-- the same, except that the restrictive policies below hold for it.
do $$
begin
  if not exists (select from pg_roles where rolname = 'leads_sight') then
    create role leads_sight nologin;
  end if;
  grant leads_sight to current_user;
exception when duplicate_object or unique_violation then null;
  -- another database of this cluster made it just now
end $$;
grant leads_query to leads_sight;

set local role leads_projections;

-- The tables in use may be of a later generation. Views ask as whoever reads them, not as their
-- owner, to whom no policy applies.
do $$
declare
  leads text;
  logs text;
begin
  select format('read.%I', 'lead_v' || generation) into leads from read.models where name = 'lead';
  select format('read.%I', 'lead_log_v' || generation) into logs
    from read.models where name = 'lead_log';
  alter view read.lead set (security_invoker = true);
  alter view read.lead_log set (security_invoker = true);
  execute format('alter table %s enable row level security', leads);
  execute format('create policy everybody on %s for select using (true)', leads);
  execute format($policy$
    create policy in_sight on %s as restrictive for select to leads_sight using (
      (owner in (select unnest(string_to_array(current_setting('leads.owners', true), ',')))
        and (active or (select current_setting('leads.inactive', true) = 'yes')))
      or (active and user_processed_by
        = (select nullif(current_setting('leads.processed_by', true), '')::uuid)))
  $policy$, leads);
  execute format('alter table %s enable row level security', logs);
  execute format('create policy everybody on %s for select using (true)', logs);
  execute format($policy$
    create policy in_sight on %s as restrictive for select to leads_sight using (
      (select true from read.lead l where l.lead_id = %I.lead_id)
      or lead_id in
        (select unnest(string_to_array(current_setting('leads.absorbed', true), ',')::uuid[])))
  $policy$, logs, split_part(logs, '.', 2));
end $$;

reset role;
