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
create function read.search_text(
  name text, email text, phone text, whatsapp text, contacts jsonb, fields jsonb
) returns text immutable parallel safe language sql
  return (select s.found from read.search_texts(name, email, phone, whatsapp, contacts, fields) s);

-- Beside the lead, because a call changes a lead's row and not this text: an index on parts of
-- words is dear to write. Kept by triggers of the lead table in use and of one being rebuilt.
create table read.lead_search (
  lead_id uuid primary key,
  found   text not null
);
create index on read.lead_search using gin (found public.gin_trgm_ops)
  with (gin_pending_list_limit = 16384);

-- Leads that wait for a dial, in that order. Beside the lead, because nearly every call changes it,
-- and an index on it would make each call write to every other index of the lead too.
create table read.lead_due (
  lead_id      uuid        primary key,
  next_dial_at timestamptz not null
) with (fillfactor = 80);
create index on read.lead_due (next_dial_at, lead_id);

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
create function read.keep_beside() returns trigger language plpgsql as $$
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

-- After a change of what a search looks at: row by row, because few changes are of that kind.
create function read.keep_search() returns trigger language plpgsql as $$
begin
  update read.lead_search
    set found = read.search_text(
      new.name, new.email, new.phone, new.whatsapp, new.contacts, new.fields)
    where lead_id = new.lead_id;
  return null;
end $$;
