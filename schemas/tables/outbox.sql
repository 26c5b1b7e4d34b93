-- Messages that wait to be sent, as the sender found them in the log: when to try each next. What
-- they say, and to whom, is read from the log when its turn comes, so nothing personal is here.
create table job.outbox (
  lead_id    uuid        not null,
  message_id text        not null,
  try_id     text        not null,  -- the event that queued it last: the same in every try
  channel    text        not null,
  queued_at  timestamptz not null,
  due_at     timestamptz not null,
  attempts   int         not null default 0,
  fault      text        not null default '',  -- why the last try did not do, for machines
  primary key (lead_id, message_id)
) with (fillfactor = 70);
create index outbox_due on job.outbox (channel, due_at);

-- Up to which position of the log the outbox is filled.
create table job.outbox_place (
  id       int    primary key default 1 check (id = 1),
  position bigint not null default 0
);
insert into job.outbox_place default values;
