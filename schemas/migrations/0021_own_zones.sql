-- The zone a lead says it is in counts for the dial list besides the zones of its number. The
-- definitions are those of schemas/tables/dial_list.sql.
set local role leads_projections;

create index on read.number_zone (zone);
alter table read.lead_dial add column own_zone text;

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
  ), changed as (
    update read.lead_dial d
      set (campaign_id, zone, begins, owner, priority, due_at, place, waiting, held, status,
           segment_id, pool_id, free_at, ends_at, locked_by, locked_until, reserved_for, own_zone)
        = (n.campaign_id,
           case when d.begins = n.begins and d.own_zone is not distinct from n.own_zone then d.zone
             else read.dial_zone(n.begins, n.own_zone) end,
           n.begins, n.owner, n.priority, n.due_at, n.place, n.waiting, n.held, n.status,
           n.segment_id, n.pool_id, n.free_at, n.ends_at, n.locked_by, n.locked_until,
           n.reserved_for, n.own_zone)
      from dialled n
      where d.lead_id = n.lead_id
        and (d.campaign_id, d.begins, d.owner, d.priority, d.due_at, d.place, d.waiting, d.held,
             d.status, d.segment_id, d.pool_id, d.free_at, d.ends_at, d.locked_by, d.locked_until,
             d.reserved_for, d.own_zone)
          is distinct from
            (n.campaign_id, n.begins, n.owner, n.priority, n.due_at, n.place, n.waiting, n.held,
             n.status, n.segment_id, n.pool_id, n.free_at, n.ends_at, n.locked_by, n.locked_until,
             n.reserved_for, n.own_zone)
  )
  insert into read.lead_dial
    select n.lead_id, n.campaign_id, read.dial_zone(n.begins, n.own_zone), n.begins, n.owner,
           n.priority, n.due_at, n.place, n.waiting, n.held, n.status, n.segment_id, n.pool_id,
           n.free_at, n.ends_at, n.locked_by, n.locked_until, n.reserved_for, n.own_zone
      from dialled n
      where not exists (select from read.lead_dial d where d.lead_id = n.lead_id)
    on conflict (lead_id) do nothing;
end $$;

-- Only what says a zone changes.
select read.set_dial(array(
  select lead_id from read.lead
    where fields ? 'time_zone' or contacts -> 0 -> 'fields' ? 'time_zone'));

reset role;
