-- The organisation as one reads it: teams, users, keys, the status catalogue of its own.
create table read.team_v1 (
  team_id        text    primary key,
  version        int     not null,  -- of the organisation's stream, at the last change of this row
  position       bigint  not null,
  parent_id      text,              -- null: the top-level team
  name           text    not null,
  ownership_code text
);

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

create table read.api_key_v1 (
  key_id      text        primary key,
  version     int         not null,
  position    bigint      not null,
  user_id     text        not null,
  secret_hash text        not null,
  label       text        not null,
  issued_at   timestamptz not null,
  expires_at  timestamptz,
  revoked_at  timestamptz
);

-- Only what the organisation added or changed; the built-in rest is in schemas/statuses.py.
create table read.status_v1 (
  code          text    primary key,
  version       int     not null,
  position      bigint  not null,
  label         text    not null,
  dialable      boolean not null,
  status_group  text,             -- null: a built-in status, whose group and kind stay
  kind          text
);
