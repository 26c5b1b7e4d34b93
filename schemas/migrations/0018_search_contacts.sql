-- A search looks at the fields of contacts too. The definition is that of schemas/tables.
set local role leads_projections;

-- All that a search box looks at, in small letters, a line each.
create or replace function read.search_text(
  name text, email text, phone text, whatsapp text, contacts jsonb, fields jsonb
) returns text immutable parallel safe language sql
  return lower(
    concat_ws(E'\n', name, email, phone, whatsapp,
      (select string_agg(concat_ws(E'\n', c.value ->> 'phone', own.found), E'\n')
         from jsonb_array_elements(contacts) c, lateral (
           select string_agg(f.value, E'\n') as found from jsonb_each_text(
             case when jsonb_typeof(c.value -> 'fields') = 'object' then c.value -> 'fields'
               else '{}' end) f) own),
      (select string_agg(f.value, E'\n') from jsonb_each_text(fields) f)));

update read.lead_search s
  set found = read.search_text(l.name, l.email, l.phone, l.whatsapp, l.contacts, l.fields)
  from read.lead l where l.lead_id = s.lead_id and l.contacts <> '[]';

reset role;
