-- One row a view, deleted ones too: their owner can restore them. What a view was at an earlier
-- version is folded from the log when it is asked for.
create table read.view_v1 (
  view_id     uuid        primary key,
  version     int         not null,
  position    bigint      not null,
  owner       uuid,                  -- the user whose view it is
  name        text        not null,
  filter      jsonb,                 -- a tree of schemas/filters.py
  columns     jsonb       not null,  -- names, also of columns that do not exist (any more)
  sort        jsonb       not null,  -- [{"field", "descending"}]
  layout      jsonb       not null,
  shares      jsonb       not null,  -- {"user:<uuid>" or "team:<uuid>": "view" or "edit"}
  deleted     boolean     not null,
  copied_from text,
  created_at  timestamptz,
  changed_at  timestamptz not null,
  changed_by  text        not null
);
create index on read.view_v1 (owner);
create index on read.view_v1 using gin (shares);
