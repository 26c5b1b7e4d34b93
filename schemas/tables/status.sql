-- Only what the organisation added or changed; the built-in rest is in schemas/statuses.py.
create table read.status_v1 (
  code          text    primary key,
  version       int     not null,
  position      bigint  not null,
  label         text    not null,
  dialable      boolean not null,
  status_group  text,             -- null: a built-in status, whose group and kind stay
  kind          text,
  active        boolean not null default true  -- whether it may be given to leads
);

-- What is dialled next follows the catalogue (dial_list.sql).
create trigger dialled_new after insert on read.status_v1 for each row
  execute function read.keep_dial_of_status();
create trigger dialled_changed after update on read.status_v1 for each row
  when (new.dialable is distinct from old.dialable)
  execute function read.keep_dial_of_status();
