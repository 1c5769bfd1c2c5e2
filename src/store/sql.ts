/**
 * The statements of the store (those about documents are in `document-sql.ts`), each written once,
 * in the subset that SQLite and PostgreSQL share: TEXT and BIGINT, `$1`, `on conflict`, `returning`,
 * and no look inside JSON.
 */

import type { Cursor, RunQuery, ThreadQuery } from '../kernel/ports.ts'
import type { Locks, Statement, Value } from './db.ts'
import type { Chunk } from './job.ts'
import { askTable, runTable, searchable, threadTable, usageTable } from './record.ts'
import { alone, inParts, inserts, statement, type Target, tuples, Where } from './statement.ts'

// ---- the log ------------------------------------------------------------------------------

const LOG: Target = {
  table: 'log',
  columns: ['thread', 'first_seq', 'last_seq', 'pos', 'size', 'body'],
  key: null,
}

export const insertChunks = (chunks: { chunk: Chunk; pos: number | null }[]): Statement[] =>
  inserts(
    LOG,
    chunks.map(({ chunk: c, pos }) => [c.thread, c.firstSeq, c.lastSeq, pos, c.size, c.body]),
  )

/** The highest place in the order of commits that was ever given. */
export const topPos = (): Statement =>
  statement(
    `select max(p) as top from (
       select max(pos) as p from log where pos is not null
       union all select value from marks where name = 'pos') as tops`,
  )

export const markPos = (pos: number): Statement =>
  statement(
    `insert into marks (name, value) values ('pos', $1)
     on conflict (name) do update set value = excluded.value`,
    pos,
  )

/** The rows with the events after `after`, up to the row that has `upTo`. */
export const chunksAfter = (thread: string, after: number, upTo: number): Statement =>
  statement(
    `select first_seq, last_seq, body from log
     where thread = $1 and last_seq > $2 and last_seq <= coalesce(
       (select min(last_seq) from log where thread = $1 and last_seq >= $3), $3)
     order by last_seq`,
    thread,
    after,
    upTo,
  )

export const feedAfter = (pos: number, limit: number): Statement =>
  statement(
    `select pos, thread, first_seq, body from log where pos > $1 order by pos limit $2`,
    pos,
    limit,
  )

/** Rows that hold nothing but deltas. */
export const deltaChunks = (thread: string, after: number, upTo: number): Statement =>
  statement(
    `select first_seq, last_seq, size from log
     where thread = $1 and last_seq > $2 and last_seq <= $3 and pos is null order by last_seq`,
    thread,
    after,
    upTo,
  )

export const countDeltaChunks = (thread: string, first: number, last: number): Statement =>
  statement(
    `select count(*) as count, min(first_seq) as first_seq, max(last_seq) as last_seq from log
     where thread = $1 and last_seq >= $2 and last_seq <= $3 and pos is null`,
    thread,
    first,
    last,
  )

export const deleteChunks = (thread: string, first: number, last: number): Statement =>
  statement(
    'delete from log where thread = $1 and last_seq >= $2 and last_seq <= $3',
    thread,
    first,
    last,
  )

export const lastSeq = (thread: string): Statement =>
  statement('select max(last_seq) as seq from log where thread = $1', thread)

// ---- the journal --------------------------------------------------------------------------

export const insertJournal = (no: number, body: string): Statement =>
  statement('insert into journal (no, body) values ($1, $2)', no, body)

export const journalRows = (): Statement => statement('select no, body from journal order by no')

export const trimJournal = (below: number): Statement =>
  statement('delete from journal where no < $1', below)

// ---- rows ---------------------------------------------------------------------------------

const THREADS: Target = { table: 'threads', columns: threadTable.columns, key: ['id'] }
const RUNS: Target = { table: 'runs', columns: runTable.columns, key: ['id'] }
const ASKS: Target = { table: 'asks', columns: askTable.columns, key: ['id'] }
const USAGE: Target = { table: 'usage', columns: usageTable.columns, key: ['thread', 'seq'] }

export const putThreads = (rows: Value[][]): Statement[] => inserts(THREADS, rows)
export const putRuns = (rows: Value[][]): Statement[] => inserts(RUNS, rows)
export const putAsks = (rows: Value[][]): Statement[] => inserts(ASKS, rows)
export const putUsage = (rows: Value[][]): Statement[] => inserts(USAGE, rows)

/** The version and the newest lease of each thread, kept from change until the commit. */
export const lockThreads = (ids: string[], locks: Locks): Statement[] =>
  inParts(`lock ${locks.held}`, ids.map(alone), (n) => {
    const marks = tuples(1, n)
    return `select id, seq, epoch from threads where id in ${marks} order by id ${locks.held}`
  })

export const moveThreads = (seqs: [id: string, seq: number][]): Statement[] =>
  inParts('move', seqs, (n) => {
    const rows = Array.from(
      { length: n },
      (_, i) => `(cast($${2 * i + 1} as TEXT), cast($${2 * i + 2} as BIGINT))`,
    )
    return `update threads set seq = moved.column2 from (values ${rows.join(', ')}) as moved
      where threads.id = moved.column1`
  })

export const dropAsks = (threads: string[]): Statement[] =>
  inParts(
    'drop asks',
    threads.map(alone),
    (n) => `delete from asks where thread in ${tuples(1, n)}`,
  )

/** Runs of an account that have not ended, without those that agents have made. */
export const openRuns = (account: string): Statement =>
  statement(
    'select id from runs where account = $1 and ended_at is null and parent_run is null',
    account,
  )

export const dropRunRows = (thread: string): Statement[] =>
  ['runs', 'asks', 'usage'].map((t) => statement(`delete from ${t} where thread = $1`, thread))

/** The log, the rows and the documents of a thread. */
export const eraseThread = (thread: string): Statement[] => [
  statement('delete from log where thread = $1', thread),
  statement('delete from threads where id = $1', thread),
  ...dropRunRows(thread),
  statement('delete from documents where scope = $1', thread),
]

export const threadIds = (): Statement =>
  statement('select id from threads union select thread from log order by 1')

/** Rows of an older program, which did not know every column. */
export const unfilledThreads = (): Statement =>
  statement('select id from threads where workspace is null')

// ---- lists --------------------------------------------------------------------------------

interface Paged {
  limit: number
  offset: number
}

/** The page, and how many rows there are on all pages. */
const paged = (table: string, where: Where, order: string, page: Paged): [Statement, Statement] => {
  const total = statement(`select count(*) as total from ${table} ${where.text}`, ...where.params)
  return [pageOf(table, where, order, page), total]
}

function pageOf(table: string, where: Where, order: string, page: Paged): Statement {
  const n = where.params.length
  return statement(
    `select * from ${table} ${where.text} order by ${order} limit $${n + 1} offset $${n + 2}`,
    ...where.params,
    Math.max(0, page.limit),
    Math.max(0, page.offset),
  )
}

/** Newest first by that column; a cursor narrows the page and not the total. */
function newest(
  table: string,
  where: Where,
  column: string,
  query: Paged & { before?: Cursor },
): [Statement, Statement] {
  const order = `${column} desc, id desc`
  const [, total] = paged(table, where, order, query)
  if (query.before) where.below([column, 'id'], [query.before.at, query.before.id])
  return [pageOf(table, where, order, query), total]
}

export function threadsPage(query: ThreadQuery): [Statement, Statement] {
  const where = new Where()
    .add('account = ?', query.account)
    .add('principal = ?', query.principal)
    .add('workspace = ?', query.workspace)
    .add('agent = ?', query.agent)
    .add('dialect = ?', query.dialect)
    .add('status = ?', query.status)
    .add("search like ? escape '!'", query.search && `%${literal(searchable(query.search))}%`)
  if (query.parentThread === null) where.bare('parent_thread is null')
  else where.add('parent_thread = ?', query.parentThread)
  return newest('threads', where, 'updated_at', query)
}

const literal = (text: string): string => text.replace(/[!%_]/g, (c) => `!${c}`)

export function runsPage(query: RunQuery): [Statement, Statement] {
  const where = new Where()
    .add('account = ?', query.account)
    .add('principal = ?', query.principal)
    .add('thread = ?', query.thread)
    .add('agent = ?', query.agent)
    .add('model = ?', query.model)
    .oneOf('status', query.status)
    .add('parent_run = ?', query.parentRun)
    .add('created_at >= ?', query.since)
    .add('created_at < ?', query.until)
  return newest('runs', where, 'created_at', query)
}

export const lastRuns = (threads: string[]): Statement[] =>
  inParts('last runs', threads.map(alone), (n) => {
    const of = (column: string) => `select ${column} from threads where id in ${tuples(1, n)}`
    return `select * from runs where id in (${of('active_run')} union ${of('last_run')})`
  })

export function asksPage(
  query: Paged & { account?: string; thread?: string },
): [Statement, Statement] {
  const where = new Where().add('account = ?', query.account).add('thread = ?', query.thread)
  return paged('asks', where, 'opened_at, id', query)
}

export const rowById = (table: 'threads' | 'runs' | 'asks', id: string): Statement =>
  statement(`select * from ${table} where id = $1`, id)

export const usageOfRun = (run: string): Statement =>
  statement('select * from usage where run = $1 order by thread, seq', run)

/** A total with one unknown cost is unknown as a whole. */
export function usageTotals(query: {
  account?: string
  since?: number
  until?: number
}): Statement {
  const where = new Where()
    .add('account = ?', query.account)
    .add('at >= ?', query.since)
    .add('at < ?', query.until)
  return statement(
    `select day, agent, model, count(*) as calls,
       cast(sum(input_tokens) as BIGINT) as input_tokens,
       cast(sum(output_tokens) as BIGINT) as output_tokens,
       cast(sum(cache_read_tokens) as BIGINT) as cache_read_tokens,
       cast(sum(cache_write_tokens) as BIGINT) as cache_write_tokens,
       case when count(cost_nano) = count(*) then cast(sum(cost_nano) as BIGINT) end as cost_nano
     from usage ${where.text} group by day, agent, model order by day, agent, model`,
    ...where.params,
  )
}

// ---- leases -------------------------------------------------------------------------------

export interface Claim {
  worker: string
  now: number
  until: number
  limit: number
}

export const claimDue = ({ worker, now, until, limit }: Claim, locks: Locks): Statement =>
  statement(
    `update threads set worker = $1, epoch = epoch + 1, lease_until = $2
     where id in (select id from threads
       where due_at <= $3 and (worker is null or lease_until <= $3)
       order by due_at, updated_at, id limit $4 ${locks.free})
     returning id, epoch`,
    worker,
    until,
    now,
    Math.max(0, limit),
  )

export const claimThread = (thread: string, { worker, now, until }: Claim): Statement =>
  statement(
    `update threads set worker = $1, epoch = epoch + 1, lease_until = $2
     where id = $4 and (worker is null or worker = $1 or lease_until <= $3)
     returning id, epoch`,
    worker,
    until,
    now,
    thread,
  )

/** Of these threads, those that the worker still holds. */
export const renewLeases = (
  worker: string,
  until: number,
  ids: string[],
  locks: Locks,
): Statement[] =>
  inParts(
    `renew ${locks.held}`,
    ids.map(alone),
    (n) => {
      const marks = Array.from({ length: n }, (_, i) => `$${i + 3}`).join(', ')
      return `update threads set lease_until = $2 where id in (
        select id from threads where worker = $1 and id in (${marks}) order by id ${locks.held})
      returning id, epoch`
    },
    [worker, until],
  )

export const releaseLease = (worker: string, thread: string, epoch: number): Statement =>
  statement(
    `update threads set worker = null, lease_until = null
     where id = $1 and worker = $2 and epoch = $3`,
    thread,
    worker,
    epoch,
  )

/** For a store that only one process can have open: whoever held a lease before is gone. */
export const freeAllLeases = (): Statement =>
  statement('update threads set worker = null, lease_until = null where worker is not null')

/** Threads that may have moved on unheard: those in work, and those with a place after `pos`. */
export const movedSince = (pos: number): Statement =>
  statement(
    `select id, seq from threads where worker is not null
     union select thread, max(last_seq) from log where pos > $1 group by thread`,
    pos,
  )

// ---- the store itself ---------------------------------------------------------------------

export const counts = (): Statement =>
  statement(
    `select (select count(*) from threads) as threads, (select count(*) from asks) as asks,
       (select count(*) from threads where worker is not null) as held`,
  )

export const createMigrations = (): Statement =>
  statement(
    'create table if not exists migrations (number BIGINT not null primary key, name TEXT not null, applied_at BIGINT not null)',
  )

export const appliedMigrations = (): Statement =>
  statement('select number, name from migrations order by number')

export const recordMigration = (number: number, name: string, at: number): Statement =>
  statement(
    'insert into migrations (number, name, applied_at) values ($1, $2, $3)',
    number,
    name,
    at,
  )
