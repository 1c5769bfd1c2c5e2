/**
 * The Store port over any database that is a `Db`. Everything here is the same for SQLite and
 * PostgreSQL; whatever resolves is on disk.
 */

import type { Event } from '../kernel/event.ts'
import { Fault, isFault } from '../kernel/fault.ts'
import type { Json } from '../kernel/part.ts'
import type { Append, Document, Lease, Page, Refusal, Store } from '../kernel/ports.ts'
import type { Rows, ThreadRow } from '../kernel/rows.ts'
import { encode, hasMilestone, sizeOf } from './codec.ts'
import { Damage, type Db, type Row, type Statement, type Value } from './db.ts'
import * as documentSql from './document-sql.ts'
import type { Answer, AppendJob, Job, RowValues } from './job.ts'
import type { Journal } from './journal.ts'
import { createPacker } from './packer.ts'
import { createReader } from './reader.ts'
import { askTable, readUsage, runTable, type Table, threadTable, usageTable } from './record.ts'
import { createSettler } from './settle.ts'
import * as sql from './sql.ts'
import { Writer } from './writer.ts'

/** Expired documents that go in one commit. */
const EXPIRED_PORTION = 1_000

/** By then all clients are back. */
const SWEEP_AFTER_MS = 10_000

/** `onFatal` is told once, when the store has ended because a commit failed. */
export function createStore(db: Db, onFatal: (error: Error) => void = () => {}): Store {
  const writer = new Writer(db, onFatal)
  const all = reading(db, writer)
  const { journal } = db
  const submit = (job: Job): Promise<Answer> => writer.submit(job)
  // A Fault says that the store is closed, or has failed already.
  const unlessTold = (error: Error): void => void (isFault(error) || writer.fail(error))
  const settler = journal && createSettler(journal, submit, unlessTold)
  const packer = createPacker(all, submit)
  // What the process before has left in the journal: its runs may have ended long ago.
  const sweeping = setTimeout(() => settler?.sweep(), SWEEP_AFTER_MS)
  sweeping.unref()
  let closing: Promise<void> | null = null
  const run = async (statement: Statement): Promise<Row[]> =>
    (await writer.submit({ do: 'run', statement })) as Row[]
  return {
    append: async (append, rebase) => {
      const job = jobOf(append)
      if (db.isShared && rebase) job.rebase = rebasing(rebase)
      const refusal = (await writer.submit(job)) as Refusal | null
      settler?.relieve()
      return refusal
    },
    ...createReader(all, journal),
    ...lists(all, journal),
    ...leases(db, writer),
    ...documents(all, run),
    onAdvance: (listener) => db.onAdvance(listener),
    wake: async () => {
      writer.assertOpen()
      await db.wake()
    },
    onWake: (listener) => db.onWake(listener),
    pack: async (thread, seq) => {
      await settler?.settle(thread, seq)
      await packer(thread, seq)
    },
    erase: async (thread) => {
      const words = journal?.between(thread, 0, Number.MAX_SAFE_INTEGER) ?? []
      await writer.submit({ do: 'erase', thread, below: journal?.floorWithout(words) ?? 0 })
      // Not before: as long as the thread is in the log, its log has no holes.
      journal?.drop(thread)
      await settler?.clear()
    },
    reindex: async (thread, rows) => settle(await writer.submit(reindexOf(thread, rows)), thread),
    health: async () => ({
      ...(await db.health()),
      ...(await counted(all)),
      queued: writer.queued,
    }),
    close: () => {
      clearTimeout(sweeping)
      closing ??= writer.close().then(() => db.close())
      return closing
    },
  }
}

type All = (statement: Statement) => Promise<Row[]>

/** A file that cannot be read ends the store, as a failed commit does. */
const reading =
  (db: Db, writer: Writer): All =>
  async (statement) => {
    writer.assertOpen()
    try {
      return await db.all(statement)
    } catch (error) {
      if (error instanceof Damage) writer.fail(error)
      throw error
    }
  }

function jobOf(append: Append): AppendJob {
  const { thread, after, epoch, events, rows, documents, admission = null } = append
  const isDense = events.every((e, i) => e.thread === thread && e.seq === after + i + 1)
  const isMilestone = hasMilestone(events)
  const isWhole = rows ? rows.thread.id === thread : !isMilestone && after > 0
  if (events.length === 0 || !isDense || !isWhole)
    throw new Error(`append to ${thread} after ${after}: the events do not follow`)
  return {
    do: 'append',
    after,
    epoch,
    chunk: {
      thread,
      firstSeq: after + 1,
      lastSeq: after + events.length,
      size: sizeOf(events),
      body: encode(events),
    },
    isMilestone,
    rows: rows && (isMilestone || after === 0) ? valuesOf(rows) : null,
    documents: documents.map(documentSql.documentValues),
    absent: documents.filter((d) => d.ifAbsent).map((d) => [d.kind, d.key]),
    admission,
    ...(isMilestone || after === 0 ? {} : { said: events }),
  }
}

/** What breaks here is refused, so that it breaks once more where it harms nobody else. */
const rebasing =
  (rebase: (missed: Event[]) => Append | null) =>
  (missed: Event[]): AppendJob | null => {
    try {
      const append = rebase(missed)
      return append && jobOf(append)
    } catch {
      return null
    }
  }

const valuesOf = (rows: Rows): RowValues => ({
  thread: threadTable.write(rows.thread),
  runs: rows.runs.map(runTable.write),
  asks: rows.asks.map(askTable.write),
  usage: rows.usage.map(usageTable.write),
})

const reindexOf = (thread: string, rows: Rows): Job => ({
  do: 'reindex',
  thread,
  seq: rows.thread.seq,
  rows: valuesOf(rows),
})

function settle(answer: unknown, thread: string): void {
  if (answer !== 'version') return
  throw new Fault('stale', `The log of thread ${thread} has moved on; fold it again.`)
}

async function counted(all: All): Promise<Record<string, Json>> {
  const [row] = await all(sql.counts())
  return { threads: row?.threads ?? 0, openAsks: row?.asks ?? 0, leases: row?.held ?? 0 }
}

function lists(all: All, journal?: Journal) {
  /** What was said since the row was written is in the journal. */
  const threads: Table<ThreadRow> = {
    ...threadTable,
    read: (columns) => {
      const row = threadTable.read(columns)
      return { ...row, seq: Math.max(row.seq, journal?.lastSeq(row.id) ?? 0) }
    },
  }
  const page = async <T>(
    [items, total]: [Statement, Statement],
    table: Table<T>,
  ): Promise<Page<T>> => {
    const [rows, counts] = await Promise.all([all(items), all(total)])
    return { items: rows.map(table.read), total: counts[0]?.total as number }
  }
  const one = async <T>(statement: Statement, table: Table<T>): Promise<T | null> => {
    const [row] = await all(statement)
    return row ? table.read(row) : null
  }
  return {
    thread: (id) => one(sql.rowById('threads', id), threads),
    threads: (query) => page(sql.threadsPage(query), threads),
    run: (id) => one(sql.rowById('runs', id), runTable),
    runs: (query) => page(sql.runsPage(query), runTable),
    lastRuns: async (threads) => {
      const parts = await Promise.all(sql.lastRuns(threads).map(all))
      return parts.flat().map(runTable.read)
    },
    ask: (id) => one(sql.rowById('asks', id), askTable),
    asks: (query) => page(sql.asksPage(query), askTable),
    usage: async (query) => (await all(sql.usageTotals(query))).map(totalOf),
    usageOf: async (run) => (await all(sql.usageOfRun(run))).map(usageTable.read),
    threadIds: async () => (await all(sql.threadIds())).map((r) => r.id as string),
  } satisfies Partial<Store>
}

const totalOf = (row: Row) => ({
  day: row.day as string,
  agent: row.agent as string,
  model: row.model as string,
  calls: row.calls as number,
  usage: readUsage(row),
})

const leaseOf = (row: Row): Lease => ({ thread: row.id as string, epoch: row.epoch as number })

function leases(db: Db, writer: Writer) {
  const { locks } = db
  const take: All = async (statement) => {
    writer.assertOpen()
    if (db.lease) return db.lease(statement)
    return (await writer.submit({ do: 'run', statement, isFleeting: true })) as Row[]
  }
  return {
    claim: async (worker, now, until, limit) =>
      (await take(sql.claimDue({ worker, now, until, limit }, locks))).map(leaseOf),
    claimOne: async (worker, thread, now, until) => {
      const [row] = await take(sql.claimThread(thread, { worker, now, until, limit: 1 }))
      return row ? leaseOf(row) : null
    },
    renew: async (worker, held, until) => {
      const ids = held.map((l) => l.thread)
      const renewals = sql.renewLeases(worker, until, ids, locks)
      const rows = (await Promise.all(renewals.map(take))).flat()
      const epochs = new Map(rows.map((r) => [r.id as Value, r.epoch]))
      return held.filter((l) => epochs.get(l.thread) === l.epoch)
    },
    release: async (worker, lease) =>
      void (await take(sql.releaseLease(worker, lease.thread, lease.epoch))),
  } satisfies Partial<Store>
}

function documents(all: All, run: All) {
  const putNew: Store['putNew'] = async (fresh) => {
    const all = Array.isArray(fresh) ? fresh : [fresh]
    const names = new Set(all.map(({ kind, key }) => `${kind}\0${key}`))
    if (names.size < all.length) throw new Error('putNew: two documents have the same key')
    if (all.length === 0) return true
    return (await run(documentSql.putNewDocuments(all.map(documentSql.documentValues)))).length > 0
  }
  return {
    get: async (kind, key) => bodyOf(await all(documentSql.getDocument(kind, key))),
    named: async (kind, name) => bodyOf(await all(documentSql.namedDocument(kind, name))),
    put: async (document) => {
      for (const statement of documentSql.putDocuments([documentSql.documentValues(document)]))
        await run(statement)
    },
    putNew,
    swap: async (document, before) => {
      if (before === null) return putNew(document)
      const values = documentSql.documentValues(document)
      return (await run(documentSql.swapDocument(values, JSON.stringify(before)))).length > 0
    },
    drop: async (kind, key) => void (await run(documentSql.dropDocument(kind, key))),
    list: async (kind, prefix = '') => {
      const rows = await all(documentSql.listDocuments(kind, prefix))
      return rows.map((r): Document => documentOf(kind, r)).sort(byKey)
    },
    // In portions, so that nobody waits for all of them.
    dropExpired: async (now) => {
      while ((await run(documentSql.dropExpired(now, EXPIRED_PORTION))).length === EXPIRED_PORTION);
    },
  } satisfies Partial<Store>
}

const bodyOf = ([row]: Row[]): Json | null =>
  row ? (JSON.parse(row.body as string) as Json) : null

const documentOf = (kind: string, row: Row): Document => ({
  kind,
  key: row.key as string,
  body: JSON.parse(row.body as string) as Json,
})

/** By code unit: the two databases do not agree on the order of letters. */
const byKey = (a: Document, b: Document): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
