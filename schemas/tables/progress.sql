-- How far the read models have come, who works on which partition, and what had to be set aside.

-- Which physical table each read model lives in now. A rebuild fills the next generation beside it
-- and switches. `unmended`: what stands beside the leads may not follow from the table in use.
create table read.models (
  name         text        primary key,
  generation   int         not null default 1,
  fold_version int         not null,
  switched_at  timestamptz not null default clock_timestamp(),
  unmended     boolean     not null default false
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
-- The events applied are named by position and hash, in the order of their positions: what the log
-- does not hold must never reach a read model.
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
  -- In one go, which is nearly always all there is to do; events that come twice are told below.
  if array(select e.hash from log.events e where e.position = any(p_positions) order by e.position)
      is distinct from p_hashes then
    select d.position into foreign_position
      from unnest(p_positions, p_hashes) as d(position, hash)
        left join log.events e on e.position = d.position
      where e.hash is distinct from d.hash limit 1;
    if found then
      raise exception 'history forked: the event delivered as position % is not in the log',
        foreign_position using errcode = 'LD002';
    end if;
  end if;
  return (select sum(m.generation) from read.models m);
end $$;
