-- What to dial next, in the order of dialling. Beside the lead for the same reason as
-- read.lead_due, and for leads that may be dialled at all: the dial list looks at nothing else.

-- Which zones a number may be in, by its longest known beginning; `zone` stands for `zones`.
-- Filled by the projections from what schemas/number_zones.py knows.
create table read.number_zone (
  prefix text   primary key,
  zone   int    not null,
  zones  text[] not null
);
create index on read.number_zone (zone);

-- Leads with a number, active, with a status that is dialled. `due_at` is infinity for those that
-- wait for no time. `waiting`: that time had not come when the row was written. `held`: the pool is
-- off, and this is no Private or VIP redial. `free_at`: until then a call, a suppression or the
-- lead's own range keep it. `place`: the order among leads that are equally urgent. `begins`: of
-- its number, by which the zone was found. `own_zone`: what the lead's field says, whether or not
-- there is such a zone.
create table read.lead_dial (
  lead_id      uuid        primary key,
  campaign_id  uuid        not null,
  zone         int         not null,
  begins       text        not null,
  owner        text        not null,
  priority     smallint    not null,
  due_at       timestamptz not null,
  place        uuid        not null,
  waiting      boolean     not null,
  held         boolean     not null,
  status       text        not null,
  segment_id   uuid,
  pool_id      uuid,
  free_at      timestamptz not null,
  ends_at      timestamptz not null,
  locked_by    uuid,
  locked_until timestamptz,
  reserved_for uuid,
  own_zone     text
) with (fillfactor = 80);
create index on read.lead_dial (campaign_id, zone, owner, priority desc, due_at, place)
  where not waiting and not held;
create index on read.lead_dial
  (segment_id, campaign_id, zone, owner, priority desc, due_at, place)
  where segment_id is not null and not waiting and not held;
create index on read.lead_dial (campaign_id, due_at) where waiting and not held;

-- Statuses whose leads are not dialled: the built-in ones but for what the organisation changed.
create function read.not_dialled() returns text[] stable language plpgsql as $$
begin
  return array(
    select code from unnest(array[
      'pending_validation', 'paused', 'cancelled', 'success', 'completed', 'not_interested',
      'unqualified', 'invalid', 'invalid_phone_number', 'wrong_number', 'duplicate',
      'max_call_attempts', 'max_retries', 'abandoned', 'expired', 'removed', 'anonymised',
      'in_do_not_call_list', 'in_global_do_not_call_list']) as built_in(code)
      where not exists (select from read.status s where s.code = built_in.code and s.dialable)
    union select code from read.status s where not s.dialable);
end $$;

-- The zone of a number: one row, none when it is not known.
create function read.zones_of(phone text) returns table (zone int) stable language sql
begin atomic
  select z.zone from read.number_zone z
    where z.prefix = any(array(
      select substr(phone, 2, length) from generate_series(1, 9) as length))
    order by length(z.prefix) desc limit 1;
end;

-- The zone of a number, 0 when it is not known.
create function read.zone_of(phone text) returns int stable language plpgsql as $$
begin
  return coalesce((select z.zone from read.zones_of(phone) z), 0);
end $$;

-- The zone of a row: of the number, or where the lead says another one, a negative number for that
-- and the number's zones together; all its leads are closed when one of those zones is.
create function read.dial_zone(begins text, own_zone text) returns int stable language plpgsql as $$
declare
  number int := read.zone_of(begins);
begin
  if own_zone is null or own_zone
      = any((select z.zones from read.number_zone z where z.zone = number limit 1)::text[]) then
    return number;
  end if;
  return -1 - (('x' || left(md5(number || ' ' || own_zone), 8))::bit(32)::int & 2147483647);
end $$;

-- Makes the rows of these leads anew; those that are not dialled have none.
create function read.set_dial(leads uuid[]) returns void language plpgsql as $$
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

-- After new and changed leads of the table in use: one that is being rebuilt tells nothing new.
create function read.keep_dial() returns trigger language plpgsql as $$
begin
  if not exists (select from read.models
      where name = 'lead' and tg_table_name = 'lead_v' || generation) then
    return null;
  end if;
  perform read.set_dial(array(select lead_id from new_rows));
  return null;
end $$;

-- After a pool was turned on, off or shuffled, or a status became dialled or not.
create function read.keep_dial_of_pool() returns trigger language plpgsql as $$
begin
  perform read.set_dial(array(select lead_id from read.lead where pool_id = new.pool_id));
  return null;
end $$;
create function read.keep_dial_of_status() returns trigger language plpgsql as $$
begin
  perform read.set_dial(array(select lead_id from read.lead where status = new.code));
  return null;
end $$;
