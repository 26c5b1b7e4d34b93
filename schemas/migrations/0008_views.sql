-- Read models of views and of which opens first. The definitions are those of schemas/tables.
set local role leads_projections;

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

-- One row a user who ever chose a favourite: which view opens first, null = none.
create table read.favourite_v1 (
  favourite_id uuid   primary key,  -- the stream, made from the user's id
  version      int    not null,
  position     bigint not null,
  user_id      uuid,
  view         text                 -- a view's id, or a default view's code
);
create index on read.favourite_v1 (user_id);

create view read.view as select * from read.view_v1;
create view read.favourite as select * from read.favourite_v1;

insert into read.models (name, fold_version) values ('view', 1), ('favourite', 1);

reset role;
