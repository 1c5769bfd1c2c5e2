-- What streams say, as it came: one row for a commit, with the deltas of all threads in it, until
-- they are packed into the log. Only a store with a single writer uses it.
create table journal (
  no BIGINT not null primary key,
  body TEXT not null
);
