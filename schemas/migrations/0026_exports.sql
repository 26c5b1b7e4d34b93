-- Exports as jobs. The definitions are those of schemas/tables.
set local role leads_projections;

-- One row an export, for good: who took which leads out, when, as of which log position.
create table read.export_job_v1 (
  export_id    uuid        primary key,
  version      int         not null,
  position     bigint      not null,
  by           uuid,                  -- the user who asked for it
  name         text        not null,
  state        text        not null,  -- requested, finished, failed, cancelled or removed
  view         text,                  -- a view's id or a default view's code, when it was of one
  filter       jsonb,                 -- a tree of schemas/filters.py
  columns      jsonb       not null,  -- names; none = all
  sort         jsonb       not null,  -- [{"field", "descending"}]
  contacts     boolean     not null,
  format       text        not null,
  recipients   jsonb       not null,  -- e-mail addresses
  mailed       jsonb       not null,  -- what became of the mail by place of the address, from "1"
  downloads    int         not null,
  shown        bigint,                -- the log position the file shows
  leads        bigint,
  size         bigint,
  digest       text,
  code         text,                  -- why there is no file
  detail       text,
  requested_at timestamptz not null,
  finished_at  timestamptz,
  expires_at   timestamptz
);
create index on read.export_job_v1 (by, requested_at);
create index on read.export_job_v1 (requested_at);
create index on read.export_job_v1 (requested_at) where state = 'requested';

create view read.export_job as select * from read.export_job_v1;

insert into read.models (name, fold_version) values ('export_job', 1);

reset role;

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

-- Reads write files; commands tell the log about them, hand them out and throw them away.
grant select, insert, update, delete on job.exports, job.export_pieces to leads_query;
grant select, update, delete on job.exports, job.export_pieces to leads_command;
