-- Outcomes of finished jobs and answers to commands live for a while, not for ever.

-- When the outcomes of a finished job go, and that they went; null while it is not finished.
alter table job.jobs add column outcomes_until timestamptz;
alter table job.jobs add column outcomes_gone boolean not null default false;
create index jobs_outcomes_until on job.jobs (outcomes_until) where not outcomes_gone;
-- Runners look at every job once more, and date those that are finished.
update job.jobs set look_at = clock_timestamp() where look_at is null;

-- Answers are remembered in the order of their time, so that the old ones lie together.
create index commands_recorded on log.commands using brin (recorded_at)
  with (pages_per_range = 32, autosummarize = on);

-- A bounded number at a time: nobody waits for a million rows to go.
drop function log.forget_commands(timestamptz);
create function log.forget_commands(before timestamptz, at_most int) returns bigint language sql
  security definer
  set search_path = pg_catalog, pg_temp
  begin atomic
    with old as (
      select command_id from log.commands
        where recorded_at < least(before, clock_timestamp() - interval '7 days')
          and length(answer) > 0
        limit at_most
    ), gone as (
      delete from log.commands c using old where c.command_id = old.command_id returning 1
    ) select count(*) from gone;
  end;
revoke all on function log.forget_commands from public;
grant execute on function log.forget_commands to leads_command;
