-- The second wall of sight (rule 2) stands around what is beside the lead too, and the planner no
-- longer takes it for a second condition. The definitions are those of schemas/tables.
set local role leads_projections;

-- The tables in use may be of a later generation.
do $$
declare
  leads text;
  logs text;
begin
  select format('read.%I', 'lead_v' || generation) into leads from read.models where name = 'lead';
  select format('read.%I', 'lead_log_v' || generation) into logs
    from read.models where name = 'lead_log';
  execute format($policy$
    alter policy in_sight on %s using (
      nullif((owner in (select unnest(string_to_array(current_setting('leads.owners', true), ',')))
          and (active or (select current_setting('leads.inactive', true) = 'yes')))
        or (active and user_processed_by
          = (select nullif(current_setting('leads.processed_by', true), '')::uuid)), false)
      is not null)
  $policy$, leads);
  execute format($policy$
    alter policy in_sight on %s using (
      nullif((select true from read.lead l where l.lead_id = %I.lead_id)
        or lead_id in (select unnest(
          string_to_array(current_setting('leads.absorbed', true), ',')::uuid[])), false)
      is not null)
  $policy$, logs, split_part(logs, '.', 2));
end $$;

alter table read.lead_search enable row level security;
create policy everybody on read.lead_search for select using (true);
create policy in_sight on read.lead_search as restrictive for select to leads_sight using (
  (select true from read.lead l where l.lead_id = lead_search.lead_id) is not null);

alter table read.lead_due enable row level security;
create policy everybody on read.lead_due for select using (true);
create policy in_sight on read.lead_due as restrictive for select to leads_sight using (
  (select true from read.lead l where l.lead_id = lead_due.lead_id) is not null);

alter table read.lead_calls enable row level security;
create policy everybody on read.lead_calls for select using (true);
create policy in_sight on read.lead_calls as restrictive for select to leads_sight using (
  (select true from read.lead l where l.lead_id = lead_calls.lead_id) is not null);

-- The owner stands here too, and nearly always says enough: no look at the lead is needed then.
alter table read.lead_dial enable row level security;
create policy everybody on read.lead_dial for select using (true);
create policy in_sight on read.lead_dial as restrictive for select to leads_sight using (
  nullif(owner in (select unnest(string_to_array(current_setting('leads.owners', true), ',')))
    or (select true from read.lead l where l.lead_id = lead_dial.lead_id), false) is not null);

reset role;
