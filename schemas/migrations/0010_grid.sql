-- Orders and conditions of the grid that had no index: leads by calls, by status and priority, by
-- chosen template fields, by what their log holds. The definitions are those of schemas/tables.
set local role leads_projections;

-- How often and when leads were called last, in those orders; beside the lead for the same reason.
create table read.lead_calls (
  lead_id        uuid primary key,
  call_attempts  int  not null,
  latest_call_at timestamptz
) with (fillfactor = 80);
create index on read.lead_calls (call_attempts, lead_id);
create index on read.lead_calls (latest_call_at, lead_id) where latest_call_at is not null;

-- Template fields that somebody chose to have an index, by import name (`leads index`); a rebuild
-- makes the same indexes again.
create table read.chosen_fields (
  name text primary key
);

-- After new and changed leads: set-wise, because nearly all of them have a new date.
create or replace function read.keep_beside() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into read.lead_search as s (lead_id, found)
      select n.lead_id,
             read.search_text(n.name, n.email, n.phone, n.whatsapp, n.contacts, n.fields)
        from new_rows n
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

-- The tables in use may be of a later generation.
do $$
declare
  leads text;
  logs  text;
  made  text;
begin
  select format('read.%I', 'lead_v' || generation) into leads from read.models where name = 'lead';
  select format('read.%I', 'lead_log_v' || generation) into logs
    from read.models where name = 'lead_log';

  execute format('insert into read.lead_calls (lead_id, call_attempts, latest_call_at)
    select lead_id, call_attempts, latest_call_at from %s', leads);

  -- Those that count every lead now leave the deleted ones out.
  for made in
    select i.indexrelid::regclass::text from pg_index i
      where i.indrelid = leads::regclass and not i.indisprimary and i.indpred is null
  loop
    execute 'drop index ' || made;
  end loop;
  execute format('create index on %s (last_modified_at, lead_id) where not deleted', leads);
  execute format('create index on %s (owner, last_modified_at, lead_id) where not deleted', leads);
  execute format('create index on %s (campaign_id, status, last_modified_at, lead_id)
    where not deleted', leads);
  execute format('create index on %s (status, priority desc, lead_id desc) where not deleted',
    leads);

  execute format($column$
    alter table %s add column end_cause text generated always as (
      case when kind = 'lead.call_recorded'
        then coalesce(data ->> 'end_cause', 'NotApplicable') end) stored$column$, logs);
  execute format('create index on %s (end_cause, happened_at, lead_id)
    where end_cause is not null', logs);
  execute format('create index on %s (kind, happened_at, lead_id) where end_cause is null', logs);
  execute format('create or replace view read.lead_log as select * from %s', logs);
end $$;

reset role;
