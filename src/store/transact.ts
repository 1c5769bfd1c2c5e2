/**
 * What one transaction does for a group of jobs: look, decide, write. It is a generator that gives
 * out batches of statements and is handed their rows, so that the same code runs on a driver that
 * answers at once and on one that must be waited for.
 */

import type { Refusal } from '../kernel/ports.ts'
import { decode } from './codec.ts'
import type { Locks, Row, Statement, Value } from './db.ts'
import * as documentSql from './document-sql.ts'
import type { Answer, AppendJob, Chunk, Job } from './job.ts'
import { runTable } from './record.ts'
import * as sql from './sql.ts'

type JobOf<K extends Job['do']> = Extract<Job, { do: K }>

export type Transaction<T> = Generator<Statement[], T, Row[][]>

export interface Done {
  /** In the order of the jobs. */
  answers: Answer[]
  /** The last seq of every thread whose log has moved; 0 when it was erased. */
  moved: Map<string, number>
  /** What is still to be run; nobody waits for its rows. */
  rest: Statement[]
}

/** Threads whose log goes on in the journal, with its last seq there. */
export type Heads = ReadonlyMap<string, number>

const NO_HEADS: Heads = new Map()

export function* transact(jobs: Job[], locks: Locks, heads = NO_HEADS): Transaction<Done> {
  const done: Done = { answers: [], moved: new Map(), rest: [] }
  let from = 0
  while (from < jobs.length) {
    const job = jobs[from] as Job
    if (job.do === 'append') {
      const appends = leadingAppends(jobs, from)
      done.answers.push(...(yield* appendAll(appends, { locks, heads }, done)))
      from += appends.length
    } else {
      yield* ask(done, [])
      done.answers.push(yield* perform(job, heads))
      if (job.do === 'erase') done.moved.set(job.thread, 0)
      from += 1
    }
  }
  return done
}

/** Runs what is left over from before, then the statements, and gives the rows of these. */
function* ask({ rest }: Done, statements: Statement[]): Transaction<Row[][]> {
  const before = rest.splice(0)
  if (before.length + statements.length === 0) return []
  return (yield [...before, ...statements]).slice(before.length)
}

function leadingAppends(jobs: Job[], from: number): AppendJob[] {
  const appends: AppendJob[] = []
  for (let i = from; i < jobs.length; i++) {
    const job = jobs[i] as Job
    if (job.do !== 'append') break
    appends.push(job)
  }
  return appends
}

function* perform(job: Exclude<Job, AppendJob>, heads: Heads): Transaction<Answer> {
  switch (job.do) {
    case 'run': {
      const [rows] = yield [job.statement]
      return rows as Row[]
    }
    case 'erase':
      return yield* erase(job)
    case 'repack':
      return yield* repack(job.chunk, job.count)
    case 'settle':
      return yield* settleChunks(job)
    case 'trim':
      yield [sql.trimJournal(job.below)]
      return null
    case 'reindex':
      return yield* reindex(job, heads)
  }
}

/** A place in the feed is never given twice, also when the row that had it is gone. */
function* erase({ thread, below }: JobOf<'erase'>): Transaction<Answer> {
  const [tops] = yield [sql.topPos()]
  yield [sql.markPos(topOf(tops)), ...sql.eraseThread(thread), sql.trimJournal(below)]
  return null
}

function* repack(chunk: Chunk, count: number): Transaction<Answer> {
  const { thread, firstSeq, lastSeq } = chunk
  const [found] = yield [sql.countDeltaChunks(thread, firstSeq, lastSeq)]
  const row = found?.[0]
  const isSame = row?.count === count && row.first_seq === firstSeq && row.last_seq === lastSeq
  if (!isSame) return 'version'
  yield [sql.deleteChunks(thread, firstSeq, lastSeq)]
  yield sql.insertChunks([{ chunk, pos: null }])
  return null
}

function* settleChunks({ thread, chunks, below }: JobOf<'settle'>): Transaction<Answer> {
  const [found] = yield [sql.rowById('threads', thread)]
  const row = found?.[0]
  if (!row) return 'version'
  const lastSeq = chunks.at(-1)?.lastSeq ?? 0
  yield [
    ...sql.insertChunks(chunks.map((chunk) => ({ chunk, pos: null }))),
    ...sql.moveThreads(lastSeq > (row.seq as number) ? [[thread, lastSeq]] : []),
    sql.trimJournal(below),
  ]
  return null
}

function* reindex(job: JobOf<'reindex'>, heads: Heads): Transaction<Answer> {
  const [last] = yield [sql.lastSeq(job.thread)]
  const inLog = (last?.[0]?.seq as number | null) ?? 0
  if (Math.max(inLog, heads.get(job.thread) ?? 0) !== job.seq) return 'version'
  const { thread, runs, asks, usage } = job.rows
  yield sql.dropRunRows(job.thread)
  yield [
    ...sql.putThreads([thread]),
    ...sql.putRuns(runs),
    ...sql.putAsks(asks),
    ...sql.putUsage(usage),
  ]
  return null
}

// ---- appends ------------------------------------------------------------------------------

/** What the group knows of a thread: as the database says, and as the appends before have made it. */
interface Known {
  seq: number
  epoch: number
}

/** What the group is going to write; of two rows with the same key the later one counts. */
interface Changes {
  chunks: { chunk: Chunk; pos: number | null }[]
  threads: Map<string, Value[]>
  seqs: Map<string, number>
  runs: Map<Value, Value[]>
  asks: Map<string, Value[][]>
  usage: Value[][]
  documents: Map<string, Value[]>
}

/** The state of a group of appends while it is worked through. */
interface Group {
  known: Map<string, Known>
  /** Documents that exist. */
  taken: Set<string>
  /** Open runs of the accounts whose runs are counted. */
  open: Map<string, Set<Value>>
  pos: number
}

function* appendAll(
  jobs: AppendJob[],
  { locks, heads }: { locks: Locks; heads: Heads },
  done: Done,
): Transaction<Answer[]> {
  const threads = [...new Set(jobs.map((j) => j.chunk.thread))].sort()
  const lockings = sql.lockThreads(threads, locks)
  const lookups = documentSql.existing(jobs.flatMap((j) => j.absent))
  const accounts = [...new Set(jobs.flatMap((j) => j.admission?.account ?? []))]
  const counts = accounts.map(sql.openRuns)
  const [tops, ...found] = yield* ask(done, [sql.topPos(), ...lockings, ...lookups, ...counts])
  const open = found.splice(lockings.length + lookups.length)
  const documents = found.slice(lockings.length).flat()
  const group: Group = {
    known: knownThreads(found.slice(0, lockings.length).flat(), heads),
    taken: new Set(documents.map((r) => nameOf(r.kind, r.key))),
    open: new Map(accounts.map((a, i) => [a, new Set(open[i]?.map((r) => r.id as Value))])),
    pos: topOf(tops),
  }
  const changes = noChanges()
  const answers = jobs.map((job) => settle(job, group, changes))
  write(changes, done)
  const late = jobs.filter((job, i) => answers[i] === 'version' && canRebase(job, group))
  if (late.length === 0) return answers
  const again = yield* rebaseAll(late, group, done)
  return answers.map((answer, i) => {
    const job = jobs[i] as AppendJob
    return again.has(job) ? (again.get(job) as Answer) : answer
  })
}

/** What is missed beyond this is read outside of the transaction first. */
const REBASE_LIMIT = 2_000

function canRebase({ rebase, chunk, after }: AppendJob, { known }: Group): boolean {
  const missed = (known.get(chunk.thread)?.seq ?? 0) - after
  return rebase !== undefined && missed > 0 && missed <= REBASE_LIMIT
}

/** The second try of those that came too late, on the log as it is now. */
function* rebaseAll(
  jobs: AppendJob[],
  group: Group,
  done: Done,
): Transaction<Map<AppendJob, Answer>> {
  const lookups = jobs.map(({ chunk, after }) =>
    sql.chunksAfter(chunk.thread, after, group.known.get(chunk.thread)?.seq ?? 0),
  )
  const tails = yield* ask(done, lookups)
  const changes = noChanges()
  const answers = new Map<AppendJob, Answer>()
  jobs.forEach((job, i) => {
    const missed = (tails[i] as Row[])
      .flatMap((r) => decode(job.chunk.thread, r.first_seq as number, r.body as string))
      .filter((e) => e.seq > job.after)
    const next = job.rebase?.(missed)
    answers.set(
      job,
      next && isLookedUp(next, job, group) ? settle(next, group, changes) : 'version',
    )
  })
  write(changes, done)
  return answers
}

/** Documents that nobody has looked for may be there already, and runs nobody has counted too. */
const isLookedUp = (next: AppendJob, job: AppendJob, { open }: Group): boolean =>
  next.absent.every(([kind, key]) => hasKey(job, kind, key)) &&
  (next.admission === null || open.has(next.admission.account))

const hasKey = ({ absent }: AppendJob, kind: string, key: string): boolean =>
  absent.some((a) => a[0] === kind && a[1] === key)

function settle(job: AppendJob, group: Group, changes: Changes): Refusal | null {
  const refusal = refuse(job, group)
  if (refusal) return refusal
  countRuns(job, group)
  if (job.isMilestone) group.pos += 1
  accept(job, job.isMilestone ? group.pos : null, group.known, changes)
  for (const [kind, key] of job.documents) group.taken.add(nameOf(kind, key))
  return null
}

function write(changes: Changes, { moved, rest }: Done): void {
  for (const { chunk } of changes.chunks) moved.set(chunk.thread, chunk.lastSeq)
  rest.push(...statementsOf(changes))
}

const topOf = (rows: Row[] | undefined): number => (rows?.[0]?.top as number | null) ?? 0

const nameOf = (kind: Value | undefined, key: Value | undefined): string => `${kind}\0${key}`

const knownThreads = (rows: Row[], heads: Heads): Map<string, Known> =>
  new Map(
    rows.map(({ id, seq, epoch }) => {
      const last = Math.max(seq as number, heads.get(id as string) ?? 0)
      return [id as string, { seq: last, epoch: epoch as number }]
    }),
  )

const noChanges = (): Changes => ({
  chunks: [],
  threads: new Map(),
  seqs: new Map(),
  runs: new Map(),
  asks: new Map(),
  usage: [],
  documents: new Map(),
})

/**
 * A writer that lost its lease is told so first. A document that is there comes before a log that
 * moved on: whoever repeats a request finds that it was answered, not that it came too late.
 */
function refuse(job: AppendJob, { known, taken, open }: Group): Refusal | null {
  const thread = known.get(job.chunk.thread)
  if (job.epoch !== null && thread && thread.epoch > job.epoch) return 'fenced'
  if (job.absent.some(([kind, key]) => taken.has(nameOf(kind, key)))) return 'exists'
  if ((thread?.seq ?? 0) !== job.after) return 'version'
  const { account, maxRuns } = job.admission ?? { account: '', maxRuns: 0 }
  return (open.get(account)?.size ?? -1) >= maxRuns ? 'limited' : null
}

/** What this append makes of the open runs of its account. */
function countRuns({ rows }: AppendJob, { open }: Group): void {
  for (const values of rows?.runs ?? []) {
    const [id, account, parent, endedAt] = RUN_COLUMNS.map((i) => values[i] ?? null)
    const runs = open.get(account as string)
    if (parent === null && endedAt === null) runs?.add(id as Value)
    else runs?.delete(id as Value)
  }
}

const RUN_COLUMNS = ['id', 'account', 'parent_run', 'ended_at'].map((c) =>
  runTable.columns.indexOf(c),
)

function accept(
  job: AppendJob,
  pos: number | null,
  known: Map<string, Known>,
  changes: Changes,
): void {
  const { chunk, rows } = job
  const { thread, lastSeq } = chunk
  known.set(thread, { epoch: known.get(thread)?.epoch ?? 0, seq: lastSeq })
  changes.chunks.push({ chunk, pos })
  for (const values of job.documents) changes.documents.set(nameOf(values[0], values[1]), values)
  if (!rows) {
    changes.seqs.set(thread, lastSeq)
    return
  }
  changes.seqs.delete(thread)
  changes.threads.set(thread, rows.thread)
  for (const values of rows.runs) changes.runs.set(values[0] as Value, values)
  changes.asks.set(thread, rows.asks)
  changes.usage.push(...rows.usage)
}

/** By id: a statement may not put the same row twice. */
const distinct = (rows: Value[][]): Value[][] => [...new Map(rows.map((r) => [r[0], r])).values()]

/** Thread rows come before their seqs: a later append of deltas moves the row that was just put. */
const statementsOf = (changes: Changes): Statement[] => [
  ...sql.insertChunks(changes.chunks),
  ...sql.putThreads([...changes.threads.values()]),
  ...sql.moveThreads([...changes.seqs]),
  ...sql.putRuns([...changes.runs.values()]),
  ...sql.dropAsks([...changes.asks.keys()]),
  ...sql.putAsks(distinct([...changes.asks.values()].flat())),
  ...sql.putUsage(changes.usage),
  ...documentSql.putDocuments([...changes.documents.values()]),
]
