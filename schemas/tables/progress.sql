-- How far the read models have come, who works on which partition, and what had to be set aside.

-- Which physical table each read model lives in now. A rebuild fills the next generation beside it and switches.
create table read.models (
  name         text        primary key,
  generation   int         not null default 1,
  fold_version int         not null,
  switched_at  timestamptz not null default clock_timestamp()
);

-- One row a partition. Everything of the partition up to `position` is applied, in the same transaction that says so.
-- `source` names what `next_offset` counts in: `log`, or `kafka:<n>`, where n grows when the topic had to be published anew.
-- `owner` may work until `lease_until`; whoever takes over raises `epoch`, which fences the one before.
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

-- Streams whose event could not be applied. They stand still before `from_version` until unparked; others flow.
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

-- Move a partition on, as part of the transaction that applied what lies between. Returns the sum of all generations, by
-- which a worker notices a switched read model, or null when somebody else holds the partition: then nothing may be kept.
-- The shared lock is what a switch waits for, so that no batch is written to a table that is just being replaced.
create function read.advance(
  p_partition int, p_epoch bigint, p_source text, p_from bigint, p_to bigint, p_position bigint
) returns bigint language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(7005002);
  update read.offsets o
    set next_offset = p_to, position = greatest(o.position, p_position), polled_at = clock_timestamp()
    where o.partition = p_partition and o.epoch = p_epoch and o.source = p_source and o.next_offset = p_from;
  if not found then
    return null;
  end if;
  if p_position > (select max(e.position) from log.events e) then
    raise exception 'history forked: an event at position % was delivered that the log does not have', p_position
      using errcode = 'LD002';
  end if;
  return (select sum(m.generation) from read.models m);
end $$;
