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
  primary key (lead_id, version)
) with (fillfactor = 100, autovacuum_vacuum_insert_scale_factor = 0.1);
