-- One row an event of a lead: every call and change with who, when, before and after, as they were
-- then.
-- `data` and `personal` are the event's fields in today's shape (schemas/lead.py); `personal` goes
-- when the lead is erased.
create table read.lead_log_v1 (
  lead_id     uuid        not null,
  version     int         not null,
  position    bigint      not null,
  kind        text        not null,  -- the event's stored name, such as lead.owner_changed
  happened_at timestamptz not null,
  recorded_at timestamptz not null,
  actor       text        not null,
  cause       text        not null,
  data        jsonb       not null,
  personal    jsonb,
  -- of a call how it ended, of anything else nothing; a default is not stored in `data`
  end_cause   text generated always as (
    case when kind = 'lead.call_recorded' then coalesce(data ->> 'end_cause', 'NotApplicable') end
  ) stored,
  primary key (lead_id, version)
) with (fillfactor = 100, autovacuum_vacuum_insert_scale_factor = 0.1);
-- "Had a call with Busy this week" and "was moved today", without looking at the rows.
create index on read.lead_log_v1 (end_cause, happened_at, lead_id) where end_cause is not null;
create index on read.lead_log_v1 (kind, happened_at, lead_id) where end_cause is null;
-- "Was told this by somebody": whether anybody ever was, and whose leads if they are few. The value
-- alone, so that entries of one value share theirs.
create index on read.lead_log_v1 ((data ->> 'disposition'))
  where data ->> 'disposition' is not null;

-- What one command, bulk job or user changed. Hashes, because causes are long and each is written
-- once or a hundred thousand times.
create index on read.lead_log_v1 (hashtext(cause));
create index on read.lead_log_v1 (hashtext(actor), position);

-- The second wall of sight: entries of leads that a session of leads_sight sees, and of the leads
-- merged into one it sees, which the reader names in leads.absorbed. A scalar sub-select, because
-- the planner might otherwise read all leads in sight at once to look one up.
alter table read.lead_log_v1 enable row level security;
create policy everybody on read.lead_log_v1 for select using (true);
create policy in_sight on read.lead_log_v1 as restrictive for select to leads_sight using (
  nullif((select true from read.lead l where l.lead_id = lead_log_v1.lead_id)
    or lead_id in
      (select unnest(string_to_array(current_setting('leads.absorbed', true), ',')::uuid[])), false)
  is not null);
