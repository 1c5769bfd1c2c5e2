-- The log: one row is a chunk of consecutive events of one thread, written by one commit. `pos` is
-- the place in the order of all commits; rows that hold nothing but deltas have none. `size` is
-- about how many characters the body has before it is packed.
create table log (
  thread TEXT not null,
  first_seq BIGINT not null,
  last_seq BIGINT not null,
  pos BIGINT,
  size BIGINT not null,
  body TEXT not null,
  primary key (thread, last_seq)
);
create unique index log_pos on log (pos) where pos is not null;

-- Index rows: all below can be computed again from the log, the lease columns of `threads` excepted.
create table threads (
  id TEXT not null primary key,
  account TEXT not null,
  principal TEXT not null,
  dialect TEXT not null,
  agent TEXT not null,
  model TEXT,
  title TEXT,
  preview TEXT,
  parent_thread TEXT,
  status TEXT not null,
  active_run TEXT,
  last_run TEXT,
  queued BIGINT not null,
  runs BIGINT not null,
  messages BIGINT not null,
  seq BIGINT not null,
  input_tokens BIGINT not null,
  output_tokens BIGINT not null,
  cache_read_tokens BIGINT not null,
  cache_write_tokens BIGINT not null,
  cost_nano BIGINT,
  opened_at BIGINT not null,
  updated_at BIGINT not null,
  due BIGINT not null,
  wake_at BIGINT,
  search TEXT not null,
  due_at BIGINT,
  worker TEXT,
  epoch BIGINT not null default 0,
  lease_until BIGINT
);
create index threads_recent on threads (account, updated_at, id);
create index threads_parent on threads (parent_thread, account) where parent_thread is not null;
create index threads_due on threads (due_at) where due_at is not null;
create index threads_held on threads (worker) where worker is not null;

create table runs (
  id TEXT not null primary key,
  thread TEXT not null,
  account TEXT not null,
  principal TEXT not null,
  dialect TEXT not null,
  agent TEXT not null,
  model TEXT,
  status TEXT not null,
  stop TEXT,
  trouble_code TEXT,
  trouble_message TEXT,
  parent_run TEXT,
  preview TEXT not null,
  turns BIGINT not null,
  input_tokens BIGINT not null,
  output_tokens BIGINT not null,
  cache_read_tokens BIGINT not null,
  cache_write_tokens BIGINT not null,
  cost_nano BIGINT,
  first_seq BIGINT not null,
  last_seq BIGINT not null,
  created_at BIGINT not null,
  started_at BIGINT,
  ended_at BIGINT
);
create index runs_recent on runs (account, created_at, id);
create index runs_thread on runs (thread, account, created_at, id);
create index runs_status on runs (status, created_at);
create index runs_parent on runs (parent_run) where parent_run is not null;

create table asks (
  id TEXT not null primary key,
  thread TEXT not null,
  run TEXT not null,
  account TEXT not null,
  agent TEXT not null,
  body TEXT not null,
  open TEXT not null,
  opened_at BIGINT not null,
  expires_at BIGINT
);
create index asks_thread on asks (thread);
create index asks_recent on asks (account, opened_at, id);

create table usage (
  thread TEXT not null,
  seq BIGINT not null,
  run TEXT not null,
  account TEXT not null,
  agent TEXT not null,
  model TEXT not null,
  at BIGINT not null,
  input_tokens BIGINT not null,
  output_tokens BIGINT not null,
  cache_read_tokens BIGINT not null,
  cache_write_tokens BIGINT not null,
  cost_nano BIGINT,
  day TEXT not null,
  primary key (thread, seq)
);
create index usage_run on usage (run);
create index usage_at on usage (account, at);

-- Records that are no events. `scope` is the thread a key belongs to: what stands before its slash.
create table documents (
  kind TEXT not null,
  key TEXT not null,
  scope TEXT,
  body TEXT not null,
  primary key (kind, key)
);
create index documents_scope on documents (scope) where scope is not null;

-- `pos`: the highest place ever given, noted when the rows that had it are erased.
create table marks (
  name TEXT not null primary key,
  value BIGINT not null
);
