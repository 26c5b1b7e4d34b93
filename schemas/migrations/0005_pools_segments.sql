-- Read models of lead pools and segments. The definitions are those of schemas/tables.
set local role leads_projections;

-- One row a lead pool. Leads name their pool; leads equally urgent are dialled in the order of
-- md5(shuffle_seed || lead_id), or as they came while it is null.
create table read.pool_v1 (
  pool_id      uuid        primary key,
  version      int         not null,
  position     bigint      not null,
  campaign_id  uuid,
  name         text        not null,
  source       text        not null,  -- upload, api or manual
  active       boolean     not null,
  shuffle_seed bigint,
  created_by   text        not null,
  created_at   timestamptz,
  changed_at   timestamptz not null
);
create index on read.pool_v1 (created_at, pool_id);

-- One row a segment. Leads name the segment they are in, at most one.
create table read.segment_v1 (
  segment_id  uuid        primary key,
  version     int         not null,
  position    bigint      not null,
  name        text        not null,
  filter      jsonb,                  -- a tree of schemas/filters.py
  agents      jsonb       not null,   -- ids of the users who may pick it
  active      boolean     not null,
  copied_from uuid,
  created_by  text        not null,
  created_at  timestamptz,
  changed_at  timestamptz not null
);

create view read.pool as select * from read.pool_v1;
create view read.segment as select * from read.segment_v1;

insert into read.models (name, fold_version) values ('pool', 1), ('segment', 1);

reset role;
