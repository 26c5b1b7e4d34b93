-- Do-not-call entries by file. The definitions are those of schemas/tables/dnc_file.sql.

-- Files of numbers for the do-not-call lists. A runner looks at one when `look_at` has come and
-- works on it while it holds the lease; whoever takes over raises `epoch`, which fences the one
-- before. Up to line `reached` every row is settled. `settings` are those of DncFileSettings.
create table job.dnc_files (
  id          uuid        primary key,
  made_by     uuid        not null,
  made_at     timestamptz not null default clock_timestamp(),
  settings    jsonb       not null,
  state       text        not null default 'uploading' check (state in
    ('uploading', 'planning', 'planned', 'executing', 'done', 'cancelled', 'stalled')),
  size        bigint      not null default 0,
  sha256      bytea       not null default '',
  wrapped     bytea,                          -- the key of its parts; gone once they are
  plan        jsonb,                          -- counts by outcome
  done        jsonb       not null default '{}',
  reached     int         not null default 0,
  look_at     timestamptz,
  epoch       bigint      not null default 0,
  lease_until timestamptz not null default '-infinity',
  faults      int         not null default 0,
  fault       text        not null default '',
  updated_at  timestamptz not null default clock_timestamp()
) with (fillfactor = 50);
create index dnc_files_look on job.dnc_files (look_at) where look_at is not null;
create index dnc_files_made_at on job.dnc_files (made_at, id);

-- The file as it came, encrypted with a key of its own. Gone when the file is done or cancelled, so
-- that no number stands here that nobody can erase.
create table job.dnc_file_parts (
  file_id uuid  not null,
  part    int   not null,
  body    bytea not null,
  primary key (file_id, part)
);

-- What became of the rows, by step and by runs of lines: a letter for each line (a accepted, t
-- there already, r refused, - empty), and of the refused ones [line, code, text]. No numbers.
create table job.dnc_file_rows (
  file_id  uuid  not null,
  step     text  not null check (step in ('plan', 'done')),
  first    int   not null,
  outcomes text  not null,
  reasons  jsonb not null default '[]',
  primary key (file_id, step, first)
) with (fillfactor = 100);

grant select, insert, update, delete on job.dnc_files, job.dnc_file_parts, job.dnc_file_rows
  to leads_command;
