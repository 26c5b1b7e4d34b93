-- What stands beside the lead is written in fewer steps. The definitions are those of
-- schemas/tables/search.sql and dial_list.sql.
set local role leads_projections;

-- All that a search box looks at, in small letters, a line each: one row. Called after `from`, it
-- becomes part of the statement; a function of one value is started anew for each lead.
create function read.search_texts(
  name text, email text, phone text, whatsapp text, contacts jsonb, fields jsonb
) returns table (found text) immutable parallel safe language sql
begin atomic
  select lower(
    concat_ws(E'\n', name, email, phone, whatsapp,
      case when contacts <> '[]' then
        (select string_agg(concat_ws(E'\n', c.value ->> 'phone', own.found), E'\n')
           from jsonb_array_elements(contacts) c, lateral (
             select string_agg(f.value, E'\n') as found from jsonb_each_text(
               case when jsonb_typeof(c.value -> 'fields') = 'object' then c.value -> 'fields'
                 else '{}' end) f) own) end,
      (select string_agg(f.value, E'\n') from jsonb_each_text(fields) f)));
end;
create or replace function read.search_text(
  name text, email text, phone text, whatsapp text, contacts jsonb, fields jsonb
) returns text immutable parallel safe language sql
  return (select s.found from read.search_texts(name, email, phone, whatsapp, contacts, fields) s);

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
    update read.lead_calls c
      set call_attempts = n.call_attempts, latest_call_at = n.latest_call_at from new_rows n
      where c.lead_id = n.lead_id and (c.call_attempts, c.latest_call_at)
        is distinct from (n.call_attempts, n.latest_call_at);
    insert into read.lead_due as d (lead_id, next_dial_at)
      select n.lead_id, n.next_dial_at from new_rows n where n.next_dial_at is not null
      on conflict (lead_id) do update set next_dial_at = excluded.next_dial_at
        where d.next_dial_at <> excluded.next_dial_at;
    delete from read.lead_due d using new_rows n
      where d.lead_id = n.lead_id and n.next_dial_at is null;
  end if;
  return null;
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
create or replace function read.zone_of(phone text) returns int stable language plpgsql as $$
begin
  return coalesce((select z.zone from read.zones_of(phone) z), 0);
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
      from unnest(leads) as asked(lead_id)
        join read.lead l on l.lead_id = asked.lead_id
        left join read.pool p on p.pool_id = l.pool_id
      where l.campaign_id is not null and l.status <> all(shut)
        and l.active and not l.deleted and l.merged_into is null
        and (l.phone is not null or l.contacts <> '[]')
  ), gone as (
    delete from read.lead_dial d
      where d.lead_id = any(leads)
        and not exists (select from dialled n where n.lead_id = d.lead_id)
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

reset role;
