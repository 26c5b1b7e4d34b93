-- Lists as of an earlier moment. The definition is that of schemas/tables/pasts.sql.
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

-- Reads ask for a past and cancel it; the builder, who makes the tables, says how far it is.
grant usage on schema job to leads_projections;
grant select, insert, update on job.pasts to leads_query;
grant select, update on job.pasts to leads_projections;

create schema past authorization leads_projections;
set local role leads_projections;
grant usage on schema past to leads_query;
alter default privileges in schema past grant select on tables to leads_query;
reset role;
