-- An event costs less in a large batch. The definitions are those of schemas/tables/search.sql,
-- dial_list.sql and progress.sql.
set local role leads_projections;

-- After new and changed leads: set-wise, because nearly all of them have a new date.
create or replace function read.keep_beside() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into read.lead_search as s (lead_id, found)
      select n.lead_id, t.found
        from new_rows n, read.search_texts(
          n.name, n.email, n.phone, n.whatsapp, n.contacts, n.fields) t
      on conflict (lead_id) do update set found = excluded.found where s.found <> excluded.found;
    insert into read.lead_due as d (lead_id, next_dial_at)
      select n.lead_id, n.next_dial_at from new_rows n where n.next_dial_at is not null
      on conflict (lead_id) do update set next_dial_at = excluded.next_dial_at
        where d.next_dial_at <> excluded.next_dial_at;
    insert into read.lead_calls as c (lead_id, call_attempts, latest_call_at)
      select n.lead_id, n.call_attempts, n.latest_call_at from new_rows n
      on conflict (lead_id) do update
        set call_attempts = excluded.call_attempts, latest_call_at = excluded.latest_call_at
        where (c.call_attempts, c.latest_call_at)
          is distinct from (excluded.call_attempts, excluded.latest_call_at);
  else
    -- A row of new_rows is wide, and what is joined is carried along whole.
    with changed as materialized (
      select lead_id, call_attempts, latest_call_at, next_dial_at from new_rows
    ), gone as (
      delete from read.lead_due d using changed n
        where d.lead_id = n.lead_id and n.next_dial_at is null
    ), due as (
      insert into read.lead_due as d (lead_id, next_dial_at)
        select n.lead_id, n.next_dial_at from changed n where n.next_dial_at is not null
        on conflict (lead_id) do update set next_dial_at = excluded.next_dial_at
          where d.next_dial_at <> excluded.next_dial_at
    )
    update read.lead_calls c
      set call_attempts = n.call_attempts, latest_call_at = n.latest_call_at from changed n
      where c.lead_id = n.lead_id and (c.call_attempts, c.latest_call_at)
        is distinct from (n.call_attempts, n.latest_call_at);
  end if;
  return null;
end $$;

-- Makes the rows of these leads anew; those that are not dialled have none.
create or replace function read.set_dial(leads uuid[]) returns void language plpgsql as $$
declare
  shut text[] := read.not_dialled();
begin
  with dialled as materialized (
    select l.lead_id, l.campaign_id,
           left(coalesce(l.phone, l.contacts -> 0 ->> 'phone', ''), 10) as begins,
           left(coalesce(
             case when l.phone is null then l.contacts -> 0 -> 'fields' ->> 'time_zone' end,
             l.fields ->> 'time_zone'), 64) as own_zone,
           l.owner, l.priority, coalesce(l.next_dial_at, 'infinity') as due_at,
           case when p.shuffle_seed is null then l.lead_id
             else md5(p.shuffle_seed::text || l.lead_id::text)::uuid end as place,
           coalesce(l.next_dial_at > clock_timestamp(), false) as waiting,
           not coalesce(p.active, true)
             and l.status not in ('manual_redial_private', 'manual_redial_vip') as held,
           l.status, l.segment_id, l.pool_id,
           coalesce(greatest(
             case when l.suppressed then coalesce(l.suppressed_until, 'infinity') end,
             l.calling_until, l.active_from), '-infinity') as free_at,
           coalesce(l.active_until, 'infinity') as ends_at,
           l.locked_by, l.locked_until, l.reserved_for
      -- Each by its key and nothing else: of a new table the planner believes that conditions leave
      -- no row, and reads the whole of an index for each lead.
      from unnest(leads) as asked(lead_id)
        cross join lateral (select * from read.lead l where l.lead_id = asked.lead_id offset 0) l
        left join read.pool p on p.pool_id = l.pool_id
      where l.campaign_id is not null and l.status <> all(shut)
        and l.active and not l.deleted and l.merged_into is null
        and (l.phone is not null or l.contacts <> '[]')
  ), gone as (
    -- "Not in", which is looked up: who has joins done row by row would compare each with each.
    delete from read.lead_dial d
      where d.lead_id = any(leads) and d.lead_id not in (select n.lead_id from dialled n)
  )
  insert into read.lead_dial
    select n.lead_id, n.campaign_id,
           case when k.begins = n.begins and k.own_zone is not distinct from n.own_zone then k.zone
             when n.own_zone is null
               then coalesce((select z.zone from read.zones_of(n.begins) z), 0)
             else read.dial_zone(n.begins, n.own_zone) end,
           n.begins, n.owner, n.priority, n.due_at, n.place, n.waiting, n.held, n.status,
           n.segment_id, n.pool_id, n.free_at, n.ends_at, n.locked_by, n.locked_until,
           n.reserved_for, n.own_zone
      from dialled n left join read.lead_dial k on k.lead_id = n.lead_id
      where (k.campaign_id, k.begins, k.owner, k.priority, k.due_at, k.place, k.waiting, k.held,
             k.status, k.segment_id, k.pool_id, k.free_at, k.ends_at, k.locked_by, k.locked_until,
             k.reserved_for, k.own_zone)
          is distinct from
            (n.campaign_id, n.begins, n.owner, n.priority, n.due_at, n.place, n.waiting, n.held,
             n.status, n.segment_id, n.pool_id, n.free_at, n.ends_at, n.locked_by, n.locked_until,
             n.reserved_for, n.own_zone)
    on conflict (lead_id) do update
      set (campaign_id, zone, begins, owner, priority, due_at, place, waiting, held, status,
           segment_id, pool_id, free_at, ends_at, locked_by, locked_until, reserved_for, own_zone)
        = (excluded.campaign_id, excluded.zone, excluded.begins, excluded.owner, excluded.priority,
           excluded.due_at, excluded.place, excluded.waiting, excluded.held, excluded.status,
           excluded.segment_id, excluded.pool_id, excluded.free_at, excluded.ends_at,
           excluded.locked_by, excluded.locked_until, excluded.reserved_for, excluded.own_zone);
end $$;

-- Move partitions on, as part of the transaction that applied what lies between. Returns the sum
-- of all generations, by
-- which a worker notices a switched read model, or null when somebody else holds one of them: then
-- nothing may be kept.
-- The events applied are named by position and hash, in the order of their positions: what the log
-- does not hold must never reach a read model.
-- The shared lock is what a switch waits for, so that no batch is written to a table that is just
-- being replaced.
create or replace function read.advance(
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

reset role;
