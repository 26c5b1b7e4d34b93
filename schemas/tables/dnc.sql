-- Do-not-call entries: one row for each number, scope and campaign that ever had one. `number` is
-- null once erased.
create table read.dnc_v1 (
  stream_id   uuid        not null,  -- stands for the number: its keyed hash
  scope       text        not null,  -- campaign or global
  campaign_id text        not null,  -- '' for global
  version     int         not null,
  position    bigint      not null,
  number      text,
  reason      text        not null,
  added_by    text        not null,
  added_at    timestamptz not null,
  expires_at  timestamptz,
  removed_by  text,
  removed_at  timestamptz,           -- null: the entry stands, unless it has expired
  primary key (stream_id, scope, campaign_id)
);
create index on read.dnc_v1 (number) where number is not null;
