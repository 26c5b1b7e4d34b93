-- The organisation's teams, a tree.
create table read.team_v1 (
  team_id        text    primary key,
  version        int     not null,  -- of the organisation's stream, at the last change of this row
  position       bigint  not null,
  parent_id      text,              -- null: the top-level team
  name           text    not null,
  ownership_code text,
  active         boolean not null default true  -- whether it may be given leads, users and teams
);
