-- Imports, files of leads: what the log does not tell of them. What was asked for and what became
-- of it is the stream `import-<id>`. A worker looks at one when `look_at` has come and works on it
-- while it holds the lease; whoever takes over raises `epoch`, which fences the one before.
-- `steps` has how far each is: {"plan": {"reached": 0, "rows": {"created": 0}}}, done and undo.
create table job.imports (
  id          uuid        primary key,
  made_by     uuid        not null,
  made_at     timestamptz not null default clock_timestamp(),
  there       boolean     not null default false,   -- the whole file arrived
  encoding    text        not null default '',      -- as guessed from all of its bytes
  wrapped     bytea,                                -- the key of the file; gone with it
  header      bytea,                                -- the first row, under that key
  same        bytea,                                -- names file and settings, once mapped
  previewing  int         not null default 0,       -- version of the import to be previewed
  previewed   int         not null default 0,
  steps       jsonb       not null default '{}',
  look_at     timestamptz,
  epoch       bigint      not null default 0,
  lease_until timestamptz not null default '-infinity',
  faults      int         not null default 0,
  fault       text        not null default '',
  stalled     boolean     not null default false,
  file_until  timestamptz,                          -- when what is left of the file goes
  updated_at  timestamptz not null default clock_timestamp(),
  looked      bigint      not null default 0        -- erasures up to this position are done in it
) with (fillfactor = 50);
create index imports_look on job.imports (look_at) where look_at is not null;
create index imports_made_at on job.imports (made_at, id);
create index imports_same on job.imports (same) where same is not null;

-- The file as it came (a workbook as CSV), encrypted with a key of its own. Gone when the import is
-- over, so that no person stands here whom nobody can erase.
create table job.import_parts (
  import_id uuid  not null,
  part      int   not null,
  body      bytea not null,
  primary key (import_id, part)
);

-- What became of the rows, by step and by runs of rows: a letter for each (c created, u updated,
-- n unchanged, s skipped, r refused, e erased, - blank, h header; of an undo: v reversed, k kept,
-- r refused, - none), [row, [[code, text, field]]] of the refused, the leads of u, n and s in
-- order. No cell of the file but in `cells`: refused rows as they came, under the key of the file,
-- while it lasts.
create table job.import_rows (
  import_id uuid   not null,
  step      text   not null check (step in ('plan', 'done', 'undo')),
  first     int    not null,
  outcomes  text   not null,
  reasons   jsonb  not null default '[]',
  leads     uuid[] not null default '{}',
  cells     bytea,
  primary key (import_id, step, first)
) with (fillfactor = 100);
