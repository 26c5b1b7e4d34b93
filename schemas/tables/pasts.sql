-- Lists as of an earlier moment: each is a scratch read model of all leads, made on demand from the
-- log, and gone an hour later. The rows here say which there are; the tables stand in schema
-- `past`, numbered: lead_<number> and lead_search_<number>. Tables of a number that is not alive
-- here are garbage and are dropped by whoever sees them.

-- `position` is the last event that counts, `moment` what relative times are relative to. Alive are
-- waiting, building and ready. A builder that has not said `beat_at` for a while is dead. Leads
-- erased before `erased_to` are erased here too.
create table job.pasts (
  number     bigint      generated always as identity primary key,
  id         uuid        not null unique,
  made_by    uuid        not null,
  made_at    timestamptz not null default clock_timestamp(),
  position   bigint      not null,
  moment     timestamptz not null,
  state      text        not null default 'waiting' check (
    state in ('waiting', 'building', 'ready', 'failed', 'cancelled', 'expired')),
  events     bigint      not null default 0,
  leads      bigint      not null default 0,
  fault      text        not null default '',
  beat_at    timestamptz not null default clock_timestamp(),
  ends_at    timestamptz,
  erased_to  timestamptz
) with (fillfactor = 50);
create index pasts_alive on job.pasts (number) where state in ('waiting', 'building', 'ready');
