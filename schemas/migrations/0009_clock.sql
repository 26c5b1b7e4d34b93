-- Due times of the scheduler. The definitions are those of schemas/tables/clock.sql.
create schema clock;
grant usage on schema clock to leads_command;

-- Due times, as the scheduler finds them in the log. Disposable: when `version` in clock.progress
-- is not that of the code, everything here is made anew from the first event on.

-- When which rule falls due for a stream; `about` tells several times of one rule apart.
-- `look_at` is later than `at` only where applying the rule failed and is to be tried again.
create table clock.due (
  stream_id uuid        not null,
  rule      text        not null,
  about     text        not null default '',
  at        timestamptz not null,
  look_at   timestamptz not null,
  primary key (stream_id, rule, about)
);
create index due_look on clock.due (rule, look_at);

-- Which leads are in a campaign: all of them expire at the campaign's end.
create table clock.members (
  lead_id     uuid primary key,
  campaign_id uuid not null
);
create index members_of on clock.members (campaign_id, lead_id);

-- Campaigns that end. Once that time has come their leads get it as a due time of their own, up to
-- `spread_to` by now; `spread` when all have. Leads that come later get it as they come.
create table clock.campaigns (
  campaign_id  uuid        primary key,
  active_until timestamptz not null,
  spreading    boolean     not null default false,
  spread_to    uuid,
  spread       boolean     not null default false
);

-- Up to which position the log is followed, by which version of the code.
create table clock.progress (
  id         int         primary key default 1 check (id = 1),
  version    int         not null default 0,
  position   bigint      not null default 0,
  updated_at timestamptz not null default clock_timestamp()
);
insert into clock.progress default values;

grant select, insert, update, delete, truncate on clock.due, clock.members, clock.campaigns
  to leads_command;
grant select, update on clock.progress to leads_command;
