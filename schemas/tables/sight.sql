-- The second wall of sight (rule 2) around what stands beside the lead: a session of leads_sight
-- gets the rows of leads that it sees. A scalar sub-select, which the planner can only ask row by
-- row; and not null, so that it takes nearly every row for one in sight (lead.sql).
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
