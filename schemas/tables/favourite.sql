-- One row a user who ever chose a favourite: which view opens first, null = none.
create table read.favourite_v1 (
  favourite_id uuid   primary key,  -- the stream, made from the user's id
  version      int    not null,
  position     bigint not null,
  user_id      uuid,
  view         text                 -- a view's id, or a default view's code
);
create index on read.favourite_v1 (user_id);
