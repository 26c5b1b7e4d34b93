-- Changes by what caused them and by who made them. The definitions are those of
-- schemas/tables/lead_log.sql.
set local role leads_projections;
do $$
declare
  place text;
begin
  select format('read.%I', 'lead_log_v' || generation) into place
    from read.models where name = 'lead_log';
  execute format('create index on %s (hashtext(cause))', place);
  execute format('create index on %s (hashtext(actor), position)', place);
end $$;
reset role;
