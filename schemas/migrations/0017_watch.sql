-- The watch over the read models. The definitions are those of schemas/tables.
set local role leads_projections;

-- How far the watch over the read models has come (services/projections/watch.py): one row.
create table read.watch (
  id             int         primary key default 1 check (id = 1),
  next_stream    uuid        not null default '00000000-0000-0000-0000-000000000000',
  streams        bigint      not null default 0,  -- looked at in this round
  looked_at      timestamptz not null default '-infinity',
  rounds         bigint      not null default 0,  -- those that came to the end of the log
  round_streams  bigint      not null default 0,  -- looked at in the last of them
  round_ended_at timestamptz
) with (fillfactor = 50);

-- Rows that are not what the log says, as long as that is so. `key` is the row's primary key,
-- `what` is missing, extra, or the columns that differ; never a value.
create table read.differences (
  model     text        not null,
  key       text        not null,
  what      text        not null,
  stream_id uuid,
  found_at  timestamptz not null default clock_timestamp(),
  primary key (model, key)
);

insert into read.watch default values;

reset role;
