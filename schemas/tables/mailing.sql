-- One row a mailing: a view that is mailed at times of the wall clock.
create table read.mailing_v1 (
  mailing_id  uuid        primary key,
  version     int         not null,
  position    bigint      not null,
  by          uuid,                  -- the user who set it up
  view        text        not null,  -- a view's id or a default view's code
  state       text        not null,  -- active, paused or stopped
  reason      text,                  -- why it was stopped
  times       jsonb       not null,  -- ["HH:MM"]
  zone        text        not null,
  weekdays    jsonb       not null,  -- 1 Monday to 7 Sunday
  days        jsonb       not null,  -- of the month
  format      text        not null,
  contacts    boolean     not null,
  skip_empty  boolean     not null,
  recipients  jsonb       not null,  -- e-mail addresses
  next_at     timestamptz,
  last_at     timestamptz,           -- when it was last due and something was sent for it
  last_missed int,                   -- how many due times before that were missed
  last_export uuid,
  set_up_at   timestamptz not null,
  changed_at  timestamptz not null
);
create index on read.mailing_v1 (by, set_up_at);
