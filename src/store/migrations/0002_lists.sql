-- Where a thread works; null in rows that an older program wrote, until they are made again from the log.
alter table threads add column workspace TEXT;
create index threads_unfilled on threads (id) where workspace is null;
create index threads_workspace on threads (workspace, updated_at, id);

-- Runs that have not ended, which admission counts.
create index runs_open on runs (account) where ended_at is null;
