-- The event log: the only truth. Everything outside schema `log` can be rebuilt from it.
-- Roles have no right to change or remove an event; a trigger says so even to the owner.

do $$
declare name text;
begin
  foreach name in array array['leads_command', 'leads_projections', 'leads_query'] loop
    if not exists (select from pg_roles where rolname = name) then
      execute format('create role %I nologin', name);
    end if;
    execute format('grant %I to current_user', name);
  end loop;
exception when duplicate_object or unique_violation then null;
  -- another database of this cluster made them just now
end $$;

create schema log;

-- One row a fact. `position` counts from 1 in commit order without a gap; `version` counts within
-- the stream.
-- `hash` = sha256(hash of the stream's previous event || position || recorded_at || digest of the
-- stored bytes).
create table log.events (
  position       bigint      not null,
  recorded_at    timestamptz not null,
  happened_at    timestamptz not null,
  stream_id      uuid        not null,
  version        int         not null,
  schema_version smallint    not null,
  type           text        not null,
  hash           bytea       not null,
  data           bytea       not null,
  meta           bytea       not null,
  personal       bytea,
  constraint events_pkey primary key (position),
  constraint events_version unique (stream_id, version)
) with (autovacuum_vacuum_insert_scale_factor = 0.1);
alter table log.events alter column data set storage external;
alter table log.events alter column meta set storage plain;
alter table log.events alter column personal set storage external;

-- The head of every stream, checked and moved by every append.
create table log.streams (
  stream_id uuid  primary key,
  version   int   not null,
  hash      bytea not null,
  category  text  not null
) with (fillfactor = 70);

-- What was answered to which command, so that a repeat changes nothing and hears the same.
create table log.commands (
  command_id  uuid        primary key,
  request     bytea       not null,
  answer      bytea       not null,
  position    bigint      not null,
  recorded_at timestamptz not null
);

-- Values that one living lead may hold (duplicate keys), as keyed hashes.
create table log.claims (
  key       bytea primary key,
  stream_id uuid  not null
);
create index claims_stream on log.claims (stream_id);

-- Which leads a number belongs to, as keyed hashes: for dialers that only know the number, and for
-- erasing a number.
create table log.numbers (
  hash      bytea not null,
  stream_id uuid  not null,
  primary key (hash, stream_id)
);

-- The data key of every stream with personal fields, wrapped by the master key. Null = destroyed,
-- for ever.
create table log.lead_keys (
  stream_id    uuid primary key,
  wrapped      bytea,
  destroyed_at timestamptz
);
-- By this every process learns which keys to forget.
create index lead_keys_destroyed on log.lead_keys (destroyed_at) where destroyed_at is not null;

-- Signed Merkle roots: segment by segment, each head signing all before it.
create table log.roots (
  last_position  bigint      primary key,
  first_position bigint      not null,
  root           bytea       not null,
  head           bytea       not null,
  signature      bytea       not null,
  key_id         text        not null,
  signed_at      timestamptz not null default clock_timestamp(),
  constraint roots_first unique (first_position)
);

-- How far the relay has published; `partitions` holds each partition's last position and offset.
create table log.relay (
  id         int    primary key default 1 check (id = 1),
  position   bigint not null default 0,
  partitions jsonb  not null default '{}',
  epoch      bigint not null default 0,
  updated_at timestamptz not null default clock_timestamp()
);
insert into log.relay default values;

-- How far the dialer topic has been taken in. Moved only after the append of what it covers.
create table log.intake_offsets (
  topic       text        not null,
  partition   int         not null,
  next_offset bigint      not null default 0,
  owner       uuid,
  epoch       bigint      not null default 0,
  lease_until timestamptz not null default '-infinity',
  primary key (topic, partition)
) with (fillfactor = 50);

create function log.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the event log is append-only' using errcode = 'LD001';
end $$;
create trigger events_append_only before update or delete on log.events
  for each row execute function log.refuse_change();
create trigger events_no_truncate before truncate on log.events
  for each statement execute function log.refuse_change();
create trigger roots_append_only before update or delete on log.roots
  for each row execute function log.refuse_change();
create trigger roots_no_truncate before truncate on log.roots
  for each statement execute function log.refuse_change();

-- Append a group of independent appends under one lock; each gets its own outcome, a failing one
-- never fails its neighbours.
--
-- The lock makes positions follow commit order, so that a reader may simply continue after the last
-- position it saw.
-- The caller promises that no two appends of a group touch the same stream, command or claim, and
-- that no append reads
-- (guards) a stream another one of the group writes. `event_of` is the place of the event's stream
-- in `stream_id`.
--
-- `command_last` is the ordinal, within the group, of the last event at or before the command's
-- own.
-- Outcomes of failed appends (all others are stored): repeated (id = command), conflict (id =
-- stream, number = its version),
-- stale (a guarded stream moved; the same fields), taken (bytes = claim key, id = its holder).
create function log.append(
  command_append int[], command_id uuid[], command_request bytea[], command_answer bytea[],
    command_last int[],
  stream_append int[], stream_id uuid[], stream_expected int[], stream_version int[],
    stream_category text[],
  read_append int[], read_id uuid[], read_version int[],
  claim_append int[], claim_key bytea[], claim_stream uuid[], claim_taken boolean[],
  number_append int[], number_hash bytea[], number_stream uuid[], number_added boolean[],
  key_append int[], key_stream uuid[], key_wrapped bytea[],
  event_of int[], event_version int[], event_type text[], event_schema smallint[],
  event_happened timestamptz[], event_data bytea[], event_personal bytea[], event_meta bytea[],
    event_digest bytea[],
  out first_position bigint, out recorded_at timestamptz,
  out failed_append int[], out failed_why text[], out failed_id uuid[], out failed_number bigint[],
  out failed_bytes bytea[], out failed_request bytea[]
) language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
    set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  base bigint;
  last bigint;
  micros bytea;
  heads bytea[];
  hashes bytea[];
  positions bigint[];
  place int;
begin
  perform pg_advisory_xact_lock(7005001);

  select e.position, e.recorded_at into base, append.recorded_at
    from log.events e order by e.position desc limit 1;
  base := coalesce(base, 0);
  first_position := base + 1;
  recorded_at := greatest(clock_timestamp(), append.recorded_at);
  micros := int8send((extract(epoch from append.recorded_at) * 1000000)::bigint);

  select array_agg(f.i), array_agg(f.why), array_agg(f.id), array_agg(f.number),
    array_agg(f.bytes), array_agg(f.request)
    into failed_append, failed_why, failed_id, failed_number, failed_bytes, failed_request
    from (
      select c.i, 'repeated' as why, c.id, s.position as number, s.answer as bytes, s.request
        from unnest(command_append, append.command_id) as c(i, id)
          join log.commands s on s.command_id = c.id
      union all
      select w.i, 'conflict', w.id, coalesce(s.version, 0), null, null
        from unnest(stream_append, append.stream_id, stream_expected) as w(i, id, expected)
        left join log.streams s on s.stream_id = w.id
        where coalesce(s.version, 0) <> w.expected
      union all
      -- somebody else made or destroyed the stream's key first: what was encrypted with another
      -- could never be read
      select n.i, 'conflict', n.stream, coalesce(s.version, 0), null, null
        from unnest(key_append, key_stream, key_wrapped) as n(i, stream, wrapped)
        join log.lead_keys k on k.stream_id = n.stream
        left join log.streams s on s.stream_id = n.stream
        where n.wrapped is not null and k.wrapped is distinct from n.wrapped
      union all
      select r.i, 'stale', r.id, coalesce(s.version, 0), null, null
        from unnest(read_append, read_id, read_version) as r(i, id, version)
        left join log.streams s on s.stream_id = r.id
        where coalesce(s.version, 0) <> r.version
      union all
      select t.i, 'taken', s.stream_id, null, t.key, null
        from unnest(claim_append, claim_key, claim_stream, claim_taken) as t(i, key, stream, taken)
        join log.claims s on s.key = t.key
        where t.taken and s.stream_id <> t.stream
          -- not when the same append takes it from its holder
          and not exists (
            select from unnest(claim_append, claim_key, claim_stream, claim_taken)
              as u(i, key, stream, taken)
              where not u.taken and u.i = t.i and u.key = t.key and u.stream = s.stream_id)
    ) f;

  if cardinality(event_of) > 0 then
    select array_agg(coalesce(s.hash, '') order by w.o) into heads
      from unnest(append.stream_id) with ordinality as w(id, o)
        left join log.streams s on s.stream_id = w.id;
    last := base;
    -- Of full length from the start: an array that begins at its second place is read from its
    -- first.
    positions := array_fill(null::bigint, array[cardinality(event_of)]);
    hashes := array_fill(null::bytea, array[cardinality(event_of)]);
    for i in 1 .. cardinality(event_of) loop
      place := event_of[i];
      if failed_append is null or stream_append[place] <> all (failed_append) then
        last := last + 1;
        heads[place] := sha256(heads[place] || int8send(last) || micros || event_digest[i]);
        hashes[i] := heads[place];
      end if;
      positions[i] := last;
    end loop;

    insert into log.events
      (position, recorded_at, happened_at, stream_id, version, schema_version, type, hash, data,
        meta, personal)
    select e.position, append.recorded_at, e.happened, append.stream_id[e.place], e.version,
      e.schema, e.type, e.hash,
           e.data, e.meta, e.personal
      from unnest(positions, event_of, event_version, event_type, event_schema, event_happened,
                  event_data, event_personal, event_meta, hashes)
        as e(position, place, version, type, schema, happened, data, personal, meta, hash)
      where e.hash is not null;

    insert into log.streams (stream_id, version, hash, category)
    select w.id, w.version, w.head, w.category
      from unnest(stream_append, append.stream_id, stream_expected, stream_version, heads,
        stream_category)
        as w(i, id, expected, version, head, category)
      where w.expected = 0 and (failed_append is null or w.i <> all (failed_append));
    update log.streams s set version = w.version, hash = w.head
      from unnest(stream_append, append.stream_id, stream_expected, stream_version, heads)
        as w(i, id, expected, version, head)
      where s.stream_id = w.id and w.expected > 0
        and (failed_append is null or w.i <> all (failed_append));
  end if;

  if cardinality(append.command_id) > 0 then
    insert into log.commands (command_id, request, answer, position, recorded_at)
    select c.id, c.request, c.answer, coalesce(positions[c.last], base), append.recorded_at
      from unnest(command_append, append.command_id, command_request, command_answer, command_last)
        as c(i, id, request, answer, last)
      where failed_append is null or c.i <> all (failed_append);
  end if;

  if cardinality(claim_key) > 0 then
    delete from log.claims s
      using unnest(claim_append, claim_key, claim_stream, claim_taken) as t(i, key, stream, taken)
      where s.key = t.key and s.stream_id = t.stream and not t.taken
        and (failed_append is null or t.i <> all (failed_append));
    insert into log.claims (key, stream_id)
    select t.key, t.stream from unnest(claim_append, claim_key, claim_stream, claim_taken)
      as t(i, key, stream, taken)
      where t.taken and (failed_append is null or t.i <> all (failed_append))
    on conflict (key) do nothing;
  end if;

  if cardinality(number_hash) > 0 then
    delete from log.numbers s
      using unnest(number_append, append.number_hash, number_stream, number_added)
        as n(i, hash, stream, added)
      where s.hash = n.hash and s.stream_id = n.stream and not n.added
        and (failed_append is null or n.i <> all (failed_append));
    insert into log.numbers (hash, stream_id)
    select n.hash, n.stream
      from unnest(number_append, append.number_hash, number_stream, number_added)
        as n(i, hash, stream, added)
      where n.added and (failed_append is null or n.i <> all (failed_append))
    on conflict (hash, stream_id) do nothing;
  end if;

  if cardinality(key_stream) > 0 then
    insert into log.lead_keys as k (stream_id, wrapped, destroyed_at)
    select n.stream, n.wrapped, case when n.wrapped is null then append.recorded_at end
      from unnest(key_append, key_stream, key_wrapped) as n(i, stream, wrapped)
      where failed_append is null or n.i <> all (failed_append)
    on conflict (stream_id) do update set wrapped = null, destroyed_at = excluded.destroyed_at
      where excluded.wrapped is null;
  end if;
end $$;

-- Commands need to be known for at least seven days; what is older may go. Call ids stay: dialers
-- repeat themselves late.
create function log.forget_commands(before timestamptz) returns bigint language sql security definer
  set search_path = pg_catalog, pg_temp
  begin atomic
    with gone as (
      delete from log.commands c
        where c.recorded_at < least(before, clock_timestamp() - interval '7 days')
          and length(c.answer) > 0
        returning 1
    ) select count(*) from gone;
  end;

revoke all on function log.append, log.forget_commands from public;
grant usage on schema log to leads_command, leads_projections, leads_query;
grant select on all tables in schema log to leads_command;
grant execute on function log.append, log.forget_commands to leads_command;
grant update on log.relay, log.intake_offsets to leads_command;
grant insert on log.intake_offsets, log.roots to leads_command;
grant select on log.events, log.streams, log.lead_keys, log.relay, log.roots to leads_projections,
  leads_query;
