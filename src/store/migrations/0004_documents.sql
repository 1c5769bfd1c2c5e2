-- When a document is not needed any more, and a name by which it can be found beside its key.
alter table documents add column expires_at BIGINT;
alter table documents add column name TEXT;
create index documents_expiring on documents (expires_at) where expires_at is not null;
create index documents_named on documents (kind, name) where name is not null;

-- Answers are kept for a week, and were given when a thread was last written to at the latest.
update documents set expires_at = (select coalesce(max(updated_at), 0) from threads) + 604800000
where kind = 'idempotency';

-- System prompts had no thread, and their hash as their key.
update documents set name = key where kind = 'instructions';
