-- The organisation's users.
create table read.app_user_v1 (
  user_id        text    primary key,
  version        int     not null,
  position       bigint  not null,
  team_id        text    not null,
  role           text    not null,
  rights         jsonb   not null,
  ownership_code text,
  active         boolean not null,
  name           text    not null,
  email          text    not null
);
