-- Dialer payloads that could not be taken in, with their raw bytes: open -> mended -> reprocessed,
-- or discarded; or erased with a number it held.
create table read.quarantine_v1 (
  quarantine_id uuid        primary key,
  version       int         not null,
  position      bigint      not null,
  state         text        not null,  -- open, mended, reprocessed, discarded, erased
  code          text        not null,  -- why, for machines
  reason        text        not null,  -- why, for people
  source        text        not null,
  call_id       text,
  raw           bytea       not null,  -- as it came
  mended        bytea,                 -- what somebody put in its place
  mended_by     text,
  lead_id       text,                  -- once reprocessed
  discarded_for text,
  held_at       timestamptz not null,
  changed_at    timestamptz not null
);
create index on read.quarantine_v1 (state, held_at, quarantine_id);
