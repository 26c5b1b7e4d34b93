-- Which erasures an import has been searched for. The definition is that of
-- schemas/tables/imports.sql.
alter table job.imports add column looked bigint not null default 0;

-- A file that came after an erasure is none of its business.
update job.imports i set looked = coalesce(
  (select e.position from log.events e where e.stream_id = i.id and e.version = 1), 0);
