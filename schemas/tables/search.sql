-- All that a search box looks at, in small letters, a line each. The index is on this very expression.
create function read.search_text(
  name text, email text, phone text, whatsapp text, contacts jsonb, fields jsonb
) returns text immutable parallel safe language sql
  return lower(
    concat_ws(E'\n', name, email, phone, whatsapp,
      (select string_agg(c.value ->> 'phone', E'\n') from jsonb_array_elements(contacts) c),
      (select string_agg(f.value, E'\n') from jsonb_each_text(fields) f)));
