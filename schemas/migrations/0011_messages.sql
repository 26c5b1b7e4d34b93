-- Messages to leads: what waits to be sent, and each lead's latest messages in its row. The
-- definitions are those of schemas/tables/outbox.sql and lead.sql.

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

grant select, insert, update, delete on job.outbox to leads_command;
grant select, update on job.outbox_place to leads_command;

set local role leads_projections;

-- The table in use may be of a later generation. Of messages so far only recorded ones are in the
-- log; their entries are what the rows would be folded to, so nothing has to be rebuilt.
do $$
declare
  place text;
begin
  select format('read.%I', 'lead_v' || generation) into place from read.models where name = 'lead';
  execute format('alter table %s add column messages jsonb not null default ''[]''', place);
  execute format('create or replace view read.lead as select * from %s', place);
  execute format($fill$
    update %s l set messages = m.messages from (
      select lead_id, jsonb_agg(jsonb_build_object(
          'id', data->>'message_id', 'channel', data->>'channel', 'direction', data->>'direction',
          'state', case data->>'direction' when 'in' then 'received' else 'sent' end,
          'at', data->>'sent_at', 'contract_id', null, 'code', null) order by version) as messages
        from (
          select lead_id, version, data, row_number() over latest as place
            from read.lead_log where kind = 'lead.message_recorded'
            window latest as (partition by lead_id order by version desc)
        ) told
        where place <= 50
        group by lead_id
    ) m where m.lead_id = l.lead_id
  $fill$, place);
end $$;
update read.models set fold_version = 4 where name = 'lead' and fold_version = 3;

reset role;
