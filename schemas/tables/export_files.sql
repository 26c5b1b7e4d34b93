-- Files of exports, while they are written and for a day. `turn` counts who has begun to write it:
-- what an earlier one still writes does not count. Who writes holds an advisory lock. `told`: the
-- log has heard how it ended. `since`: when the last event the file shows was recorded; leads
-- erased later are looked for among those of its pieces. `wrapped`: the key of the pieces, itself
-- encrypted; it goes with the row.
create table job.exports (
  export_id uuid        primary key,
  turn      int         not null default 1,
  state     text        not null default 'writing' check (
    state in ('writing', 'written', 'failed')),
  began_at  timestamptz not null default clock_timestamp(),
  shown     bigint      not null default 0,
  since     timestamptz,
  wrapped   bytea       not null,
  selected  bigint      not null default 0,
  leads     bigint      not null default 0,
  size      bigint      not null default 0,
  digest    text        not null default '',
  code      text        not null default '',
  detail    text        not null default '',
  told      boolean     not null default false,
  mail_at   timestamptz,                      -- when to try the mail again
  tries     int         not null default 0
) with (fillfactor = 50);

-- A file in pieces, in the database, so that every machine that serves has it. `leads` are those
-- whose lines began in the piece.
create table job.export_pieces (
  export_id uuid   not null references job.exports on delete cascade,
  turn      int    not null,
  number    int    not null,
  bytes     bytea  storage external not null,  -- encrypted
  leads     uuid[] not null,
  primary key (export_id, turn, number)
);
