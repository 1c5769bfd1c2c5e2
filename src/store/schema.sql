CREATE TABLE asks (
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

CREATE INDEX asks_recent on asks (account, opened_at, id);

CREATE INDEX asks_thread on asks (thread);

CREATE TABLE documents (
  kind TEXT not null,
  key TEXT not null,
  scope TEXT,
  body TEXT not null, expires_at BIGINT, name TEXT,
  primary key (kind, key)
);

CREATE INDEX documents_expiring on documents (expires_at) where expires_at is not null;

CREATE INDEX documents_named on documents (kind, name) where name is not null;

CREATE INDEX documents_scope on documents (scope) where scope is not null;

CREATE TABLE journal (
  no BIGINT not null primary key,
  body TEXT not null
);

CREATE TABLE log (
  thread TEXT not null,
  first_seq BIGINT not null,
  last_seq BIGINT not null,
  pos BIGINT,
  size BIGINT not null,
  body TEXT not null,
  primary key (thread, last_seq)
);

CREATE UNIQUE INDEX log_pos on log (pos) where pos is not null;

CREATE TABLE marks (
  name TEXT not null primary key,
  value BIGINT not null
);

CREATE TABLE migrations (number BIGINT not null primary key, name TEXT not null, applied_at BIGINT not null);

CREATE TABLE runs (
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

CREATE INDEX runs_open on runs (account) where ended_at is null;

CREATE INDEX runs_parent on runs (parent_run) where parent_run is not null;

CREATE INDEX runs_recent on runs (account, created_at, id);

CREATE INDEX runs_status on runs (status, created_at);

CREATE INDEX runs_thread on runs (thread, account, created_at, id);

CREATE TABLE threads (
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
, workspace TEXT);

CREATE INDEX threads_due on threads (due_at) where due_at is not null;

CREATE INDEX threads_held on threads (worker) where worker is not null;

CREATE INDEX threads_parent on threads (parent_thread, account) where parent_thread is not null;

CREATE INDEX threads_recent on threads (account, updated_at, id);

CREATE INDEX threads_unfilled on threads (id) where workspace is null;

CREATE INDEX threads_workspace on threads (workspace, updated_at, id);

CREATE TABLE usage (
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

CREATE INDEX usage_at on usage (account, at);

CREATE INDEX usage_run on usage (run);
