-- Read models: disposable, rebuilt from the log at any time. The definitions are those of
-- schemas/tables, in one go.
create schema read authorization leads_projections;
set local role leads_projections;
grant usage on schema read to leads_query;
alter default privileges in schema read grant select on tables to leads_query;

-- How far the read models have come, who works on which partition, and what had to be set aside.

-- Which physical table each read model lives in now. A rebuild fills the next generation beside it
-- and switches.
create table read.models (
  name         text        primary key,
  generation   int         not null default 1,
  fold_version int         not null,
  switched_at  timestamptz not null default clock_timestamp()
);

-- One row a partition. Everything of the partition up to `position` is applied, in the same
-- transaction that says so.
-- `source` names what `next_offset` counts in: `log`, or `kafka:<n>`, where n grows when the topic
-- had to be published anew.
-- `owner` may work until `lease_until`; whoever takes over raises `epoch`, which fences the one
-- before.
create table read.offsets (
  partition   int         primary key,
  source      text        not null default '',
  next_offset bigint      not null default 0,
  position    bigint      not null default 0,
  owner       uuid,
  epoch       bigint      not null default 0,
  lease_until timestamptz not null default '-infinity',
  polled_at   timestamptz
) with (fillfactor = 50);

-- Workers seen of late; each takes its share of the partitions.
create table read.workers (
  worker  uuid        primary key,
  seen_at timestamptz not null
) with (fillfactor = 50);

-- Streams whose event could not be applied. They stand still before `from_version` until unparked;
-- others flow.
-- `error` names the kind of failure and the place in the code, never a value.
create table read.parked (
  stream_id    uuid        primary key,
  partition    int         not null,
  from_version int         not null,
  position     bigint      not null,
  error        text        not null,
  waiting      bigint      not null default 1,
  attempts     int         not null default 1,
  parked_at    timestamptz not null default clock_timestamp()
);

-- Move partitions on, as part of the transaction that applied what lies between. Returns the sum
-- of all generations, by
-- which a worker notices a switched read model, or null when somebody else holds one of them: then
-- nothing may be kept.
-- The events applied are named by position and hash: what the log does not hold must never reach a
-- read model.
-- The shared lock is what a switch waits for, so that no batch is written to a table that is just
-- being replaced.
create function read.advance(
  p_source text,
  p_partitions int[], p_epochs bigint[], p_from bigint[], p_to bigint[], p_upto bigint[],
  p_positions bigint[], p_hashes bytea[]
) returns bigint language plpgsql as $$
declare
  held int;
  foreign_position bigint;
begin
  perform pg_advisory_xact_lock_shared(7005002);
  -- After a crash rows and offsets go back together, and what is missing is delivered again.
  perform set_config('synchronous_commit', 'off', true);
  update read.offsets o
    set next_offset = a.next, position = greatest(o.position, a.upto), polled_at = clock_timestamp()
    from unnest(p_partitions, p_epochs, p_from, p_to, p_upto)
      as a(partition, epoch, first, next, upto)
    where o.partition = a.partition and o.epoch = a.epoch and o.source = p_source
      and o.next_offset = a.first;
  get diagnostics held = row_count;
  if held <> cardinality(p_partitions) then
    return null;
  end if;
  select d.position into foreign_position
    from unnest(p_positions, p_hashes) as d(position, hash)
      left join log.events e on e.position = d.position
    where e.hash is distinct from d.hash limit 1;
  if found then
    raise exception 'history forked: the event delivered as position % is not in the log',
      foreign_position using errcode = 'LD002';
  end if;
  return (select sum(m.generation) from read.models m);
end $$;

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
  deleted            boolean     not null
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
-- Read backwards: newest first, the id breaks ties. None is on what every call changes
-- (next_dial_at, latest_call_at,
-- last_activity_at, counters), so that most calls update a row in place without touching an index.
create index on read.lead_v1 (last_modified_at, lead_id);
create index on read.lead_v1 (owner, last_modified_at, lead_id);
create index on read.lead_v1 (campaign_id, status, last_modified_at, lead_id);
create index on read.lead_v1 (user_processed_by, last_modified_at, lead_id)
  where user_processed_by is not null;
create index on read.lead_v1 (segment_id, last_modified_at, lead_id) where segment_id is not null;

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

-- The organisation as one reads it: teams, users, keys, the status catalogue of its own.
create table read.team_v1 (
  team_id        text    primary key,
  version        int     not null,  -- of the organisation's stream, at the last change of this row
  position       bigint  not null,
  parent_id      text,              -- null: the top-level team
  name           text    not null,
  ownership_code text
);

create table read.app_user_v1 (
  user_id        text    primary key,
  version        int     not null,
  position       bigint  not null,
  team_id        text    not null,
  role           text    not null,
  rights         jsonb   not null,
  ownership_code text,
  active         boolean not null,
  name           text    not null,
  email          text    not null
);

create table read.api_key_v1 (
  key_id      text        primary key,
  version     int         not null,
  position    bigint      not null,
  user_id     text        not null,
  secret_hash text        not null,
  label       text        not null,
  issued_at   timestamptz not null,
  expires_at  timestamptz,
  revoked_at  timestamptz
);

-- Only what the organisation added or changed; the built-in rest is in schemas/statuses.py.
create table read.status_v1 (
  code          text    primary key,
  version       int     not null,
  position      bigint  not null,
  label         text    not null,
  dialable      boolean not null,
  status_group  text,             -- null: a built-in status, whose group and kind stay
  kind          text
);

-- One row a campaign: its template, rules and limits. Shapes as in schemas/campaign.py.
create table read.campaign_v1 (
  campaign_id   uuid        primary key,
  version       int         not null,
  position      bigint      not null,
  name          text        not null,
  code          text        not null,
  project       text        not null,
  duplicate_key text        not null,
  fields        jsonb       not null,  -- template fields in order
  rules         jsonb       not null,
  limits        jsonb,
  hours         jsonb,
  active        boolean     not null,
  active_from   timestamptz,
  active_until  timestamptz,
  copied_from   text,
  created_at    timestamptz,
  changed_at    timestamptz not null
);

-- Do-not-call entries: one row for each number, scope and campaign that ever had one. `number` is
-- null once erased.
create table read.dnc_v1 (
  stream_id   uuid        not null,  -- stands for the number: its keyed hash
  scope       text        not null,  -- campaign or global
  campaign_id text        not null,  -- '' for global
  version     int         not null,
  position    bigint      not null,
  number      text,
  reason      text        not null,
  added_by    text        not null,
  added_at    timestamptz not null,
  expires_at  timestamptz,
  removed_by  text,
  removed_at  timestamptz,           -- null: the entry stands, unless it has expired
  primary key (stream_id, scope, campaign_id)
);
create index on read.dnc_v1 (number) where number is not null;

-- Dialer payloads that could not be taken in, with their raw bytes: open -> mended -> reprocessed,
-- or discarded.
create table read.quarantine_v1 (
  quarantine_id uuid        primary key,
  version       int         not null,
  position      bigint      not null,
  state         text        not null,  -- open, mended, reprocessed, discarded
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

create view read.lead as select * from read.lead_v1;
create view read.lead_log as select * from read.lead_log_v1;
create view read.team as select * from read.team_v1;
create view read.app_user as select * from read.app_user_v1;
create view read.api_key as select * from read.api_key_v1;
create view read.status as select * from read.status_v1;
create view read.campaign as select * from read.campaign_v1;
create view read.dnc as select * from read.dnc_v1;
create view read.quarantine as select * from read.quarantine_v1;

insert into read.models (name, fold_version) values
  ('lead', 1),
  ('lead_log', 1),
  ('team', 1),
  ('app_user', 1),
  ('api_key', 1),
  ('status', 1),
  ('campaign', 1),
  ('dnc', 1),
  ('quarantine', 1);
insert into read.offsets (partition) select generate_series(0, 11);

reset role;
