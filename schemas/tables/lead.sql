-- One row a lead: what the grid shows, filters and sorts by. Deleted leads keep a row without data
-- (rule 16).
-- Owners are `team:<uuid>` or `user:<uuid>`; `uploaded_by` and `last_modified_by` are actors,
-- `user:<uuid>` or
-- `service:<name>`; the other people are ids of users.
create table read.lead_v1 (
  lead_id            uuid        primary key,
  version            int         not null,
  position           bigint      not null,
  campaign_id        uuid,
  pool_id            uuid,
  segment_id         uuid,
  cloned_from        uuid,
  source             text,
  owner              text,
  original_owner     text,
  status             text        not null,
  previous_status    text,
  active             boolean     not null,
  active_from        timestamptz,
  active_until       timestamptz,
  suppressed         boolean     not null,
  suppressed_until   timestamptz,
  priority           smallint    not null,
  -- dialling
  passes             int         not null,  -- attempts since the last reset
  reset_at           timestamptz,           -- calls before do not count as passes
  call_attempts      int         not null,
  contact_attempts   int         not null,
  contact_sessions   jsonb       not null,  -- those counted in contact_attempts
  talk_seconds       int         not null,
  next_dial_at       timestamptz,
  callback_at        timestamptz,
  callback_agent     uuid,
  reserved_for       uuid,
  locked_by          uuid,
  locked_until       timestamptz,
  dial_from          text,                  -- HH:MM, with the next two the lead's own limit
  dial_until         text,
  dial_zone          text,
  calling_id         text,                  -- a started call holds the lead until `calling_until`
  calling_until      timestamptz,
  latest_call_id     text,
  latest_call_at     timestamptz,
  latest_call_by     uuid,
  latest_end_cause   text,
  latest_disposition text,
  last_contacted_at  timestamptz,           -- the latest call in which somebody talked
  -- people and times
  result             text,
  user_processed_by  uuid,
  user_processed_at  timestamptz,
  uploaded_by        text,
  uploaded_at        timestamptz,           -- the event's own time of creation
  created_at         timestamptz,           -- when it was recorded
  last_modified_by   text,
  last_modified_at   timestamptz,
  last_activity_at   timestamptz not null,  -- the latest event's own time
  -- personal data, erased with the lead
  phone              text,
  phone_typed        text,
  name               text,
  email              text,
  whatsapp           text,
  contacts           jsonb       not null,  -- [{"id", "phone", "typed", "fields"}], as dialled
  notes              jsonb       not null,  -- {"<number>": "<text>"}
  fields             jsonb       not null,  -- template fields by import name, also personal ones
  personal_fields    jsonb       not null,  -- which of `fields` are personal
  anonymised         boolean     not null,
  deleted            boolean     not null,
  -- dealings besides calls
  merged_into        uuid,
  absorbed           jsonb       not null default '[]',  -- ids of the leads merged into this one
  message_count      int         not null default 0,
  latest_message_at  timestamptz,
  contracts          jsonb       not null default '[]',  -- as in services/query/answers.py
  contract_icon      text,                               -- of the contract that moved last
  -- what came of it
  status_since       timestamptz,                        -- when the status was set
  reached            jsonb       not null default '{}',  -- statuses ever reached, and how often
  messages           jsonb       not null default '[]'   -- the latest, without what they say
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
-- Read backwards: newest first, the id breaks ties. None is on what every call changes
-- (next_dial_at, latest_call_at,
-- last_activity_at, counters), so that most calls update a row in place without touching an index.
-- Without the deleted leads, so that counting needs no look at the rows.
create index on read.lead_v1 (last_modified_at, lead_id) where not deleted;
create index on read.lead_v1 (owner, last_modified_at, lead_id) where not deleted;
create index on read.lead_v1 (campaign_id, status, last_modified_at, lead_id) where not deleted;
create index on read.lead_v1 (user_processed_by, last_modified_at, lead_id)
  where user_processed_by is not null;
create index on read.lead_v1 (segment_id, last_modified_at, lead_id) where segment_id is not null;
create index on read.lead_v1 (status, priority desc, lead_id desc) where not deleted;
create index on read.lead_v1 (pool_id, last_modified_at, lead_id) where pool_id is not null;
-- What waits for somebody: few leads at a time.
-- Callbacks with all that is counted of them, so that no row has to be looked at.
create index on read.lead_v1 (callback_at, lead_id) include (callback_agent, deleted)
  where callback_at is not null;
create index on read.lead_v1 (callback_agent, callback_at) where callback_agent is not null;
create index on read.lead_v1 (reserved_for) where reserved_for is not null;
create index on read.lead_v1 (locked_by) where locked_by is not null;
create index on read.lead_v1 (last_modified_at, lead_id) where contract_icon is not null;

-- The second wall of sight (rule 2): a session of leads_sight gets the leads whose owner is in the
-- transaction's setting leads.owners, or that leads.processed_by processed; without them none.
-- Sub-selects, so that settings are read once a statement, not once a row. Said as "not null",
-- because of that the planner believes that it holds for nearly every row: the statement's own
-- condition of sight tells it how many there are, and must not be counted twice.
alter table read.lead_v1 enable row level security;
create policy everybody on read.lead_v1 for select using (true);
create policy in_sight on read.lead_v1 as restrictive for select to leads_sight using (
  nullif((owner in (select unnest(string_to_array(current_setting('leads.owners', true), ',')))
      and (active or (select current_setting('leads.inactive', true) = 'yes')))
    or (active and user_processed_by
      = (select nullif(current_setting('leads.processed_by', true), '')::uuid)), false)
  is not null);

-- What a search looks at and what every call changes are kept beside the lead (search.sql).
create trigger inserted after insert on read.lead_v1
  referencing new table as new_rows for each statement execute function read.keep_beside();
create trigger updated after update on read.lead_v1
  referencing new table as new_rows for each statement execute function read.keep_beside();
create trigger searched after update on read.lead_v1 for each row
  when ((new.name, new.email, new.phone, new.whatsapp, new.contacts, new.fields)
    is distinct from (old.name, old.email, old.phone, old.whatsapp, old.contacts, old.fields))
  execute function read.keep_search();
create trigger dialled_inserted after insert on read.lead_v1
  referencing new table as new_rows for each statement execute function read.keep_dial();
create trigger dialled_updated after update on read.lead_v1
  referencing new table as new_rows for each statement execute function read.keep_dial();
