-- Entries of a lead's log by the disposition somebody gave: what nobody ever gave is known at once.
-- The definition is that of schemas/tables/lead_log.sql.
set local role leads_projections;
do $$
begin
  execute (
    select format('create index on read.%I ((data ->> ''disposition''))'
      ' where data ->> ''disposition'' is not null', 'lead_log_v' || generation)
      from read.models where name = 'lead_log');
end $$;
reset role;
