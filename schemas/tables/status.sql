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
