-- One row an export, for good: who took which leads out, when, as of which log position.
create table read.export_job_v1 (
  export_id    uuid        primary key,
  version      int         not null,
  position     bigint      not null,
  by           uuid,                  -- the user who asked for it
  name         text        not null,
  state        text        not null,  -- requested, finished, failed, cancelled or removed
  view         text,                  -- a view's id or a default view's code, when it was of one
  filter       jsonb,                 -- a tree of schemas/filters.py
  columns      jsonb       not null,  -- names; none = all
  sort         jsonb       not null,  -- [{"field", "descending"}]
  contacts     boolean     not null,
  format       text        not null,
  recipients   jsonb       not null,  -- e-mail addresses
  mailed       jsonb       not null,  -- what became of the mail by place of the address, from "1"
  downloads    int         not null,
  shown        bigint,                -- the log position the file shows
  leads        bigint,
  size         bigint,
  digest       text,
  code         text,                  -- why there is no file
  detail       text,
  requested_at timestamptz not null,
  finished_at  timestamptz,
  expires_at   timestamptz
);
create index on read.export_job_v1 (by, requested_at);
create index on read.export_job_v1 (requested_at);
create index on read.export_job_v1 (requested_at) where state = 'requested';
