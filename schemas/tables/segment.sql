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
