-- Bulk work: frozen selections, how far each job has come, what became of every lead. What a job
-- is and who asked for it stands in the event log; without these rows a job could be neither
-- shown nor resumed, so they are not read models.

-- Leads frozen by the query service, for seven days. When ids were given, of `asked` ids `repeated`
-- came more than once and `missing` were not there or out of sight; null for a filter, which is not
-- kept: it may hold a name or a number.
create table job.selections (
  id         uuid        primary key,
  made_by    uuid        not null,
  made_at    timestamptz not null,
  expires_at timestamptz not null,
  asked      int,
  repeated   int,
  missing    int,
  count      int         not null,
  digest     text        not null,
  position   bigint      not null
);
create index selections_expire on job.selections (expires_at);

-- The leads of a selection in the order in which a job works on them, with the version that was
-- selected.
create table job.selected (
  selection_id uuid not null,
  ordinal      int  not null,
  lead_id      uuid not null,
  version      int  not null,
  primary key (selection_id, ordinal)
) with (fillfactor = 100);

-- A row a job. A runner looks at it when `look_at` has come, and works on it while it holds the
-- lease; whoever takes over raises `epoch`, which fences the one before. `faults` counts failures
-- in a row, `fault` names the last one's kind. `outcomes_until`: when the outcomes of a finished
-- job go; null while it is not finished. `outcomes_gone`: that they went.
create table job.jobs (
  id          uuid        primary key,
  made_by     uuid        not null,
  made_at     timestamptz not null default clock_timestamp(),
  asked_at    timestamptz not null default clock_timestamp(),
  look_at     timestamptz,
  owner       uuid,
  epoch       bigint      not null default 0,
  lease_until timestamptz not null default '-infinity',
  faults      int         not null default 0,
  fault       text        not null default '',
  outcomes_until timestamptz,
  outcomes_gone  boolean  not null default false
) with (fillfactor = 50);
create index jobs_look on job.jobs (look_at) where look_at is not null;
create index jobs_made_by on job.jobs (made_by, made_at, id);
create index jobs_made_at on job.jobs (made_at, id);
create index jobs_outcomes_until on job.jobs (outcomes_until) where not outcomes_gone;

-- Progress of the two steps of a job, `plan` and `done`: every lead up to ordinal `reached` has
-- its outcome.
create table job.steps (
  job_id     uuid        not null,
  step       text        not null check (step in ('plan', 'done')),
  reached    int         not null default 0,
  applied    int         not null default 0,
  unchanged  int         not null default 0,
  refused    int         not null default 0,
  moved      int         not null default 0,
  digest     bytea       not null default '',
  started_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (job_id, step)
) with (fillfactor = 50);

-- What became of each lead. `version` is the one that was decided on, `version_after` and
-- `position` where its events ended. `moved` says that it was not the version the plan (or the
-- selection) had seen. Values of personal fields are not here.
create table job.outcomes (
  job_id        uuid    not null,
  step          text    not null,
  ordinal       int     not null,
  lead_id       uuid    not null,
  version       int     not null,
  outcome       text    not null
    check (outcome in ('applied', 'unchanged', 'refused', 'not_reached')),
  moved         boolean not null default false,
  version_after int,
  position      bigint,
  reasons       json,
  changes       json,
  primary key (job_id, step, ordinal)
) with (fillfactor = 100);
create index outcomes_others on job.outcomes (job_id, step, outcome, ordinal)
  where outcome <> 'applied';
