-- The keys users sign in with; only a hash of each secret.
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
