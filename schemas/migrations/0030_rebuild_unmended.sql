-- A rebuild of the leads that was killed after its switch is finished by the next start. The
-- definition is that of schemas/tables/progress.sql.
set local role leads_projections;

alter table read.models add column unmended boolean not null default false;

reset role;
