/**
 * The work on one job: its next occurrence is begun, and what it came to is kept. The number of an
 * occurrence is the key under which it is submitted, so that no crash and no second process can make
 * it happen twice; what was begun is read back from the run itself.
 */

import type { Event } from '../kernel/event.ts'
import { isFault } from '../kernel/fault.ts'
import {
  isReady,
  type Job,
  type JobAction,
  type JobKind,
  jobInput,
  type Progress,
  stageAfter,
} from '../kernel/jobs.ts'
import type { Engine, Receipt } from '../kernel/ports.ts'
import type { Calendar } from './calendar.ts'
import { noteSkipped } from './ledger.ts'
import type { Shelf } from './shelf.ts'

export interface WorkParts {
  engine: Pick<Engine, 'submit' | 'store'>
  shelf: Shelf
  calendar: Calendar
  clock(): number
  /** Jobs whose run goes on, by the run. */
  running: Map<string, { id: string; kind: JobKind }>
  changed(job: Job, action: JobAction): void
}

const ORIGIN = 'jobs'

/** Epoch ms from which the next run is owed, as far as is known; null when none is, 0 at once. */
export async function owedAt(
  { calendar }: WorkParts,
  job: Job,
  progress: Progress,
): Promise<number | null> {
  if (job.state !== 'active') return null
  if (job.kind === 'task') return isReady(job, progress) ? 0 : null
  const schedule = await calendar.of(job)
  return schedule?.next(Math.max(progress.cursor, job.after)) ?? null
}

/** Begins what the job is owed. True when something was found begun: there may be room for more. */
export async function owe(parts: WorkParts, id: string): Promise<boolean> {
  const { shelf, engine, running, clock } = parts
  const job = await shelf.job(id)
  if (job?.state !== 'active') return false
  const progress = await shelf.progress(id)
  const row = progress.run === null ? null : await engine.store.run(progress.run)
  if (row && row.endedAt === null) {
    const isNews = !running.has(row.id)
    running.set(row.id, { id, kind: job.kind })
    return isNews
  }
  if (job.kind === 'task') return isReady(job, progress) && begin(parts, job, progress, clock())
  const schedule = await parts.calendar.of(job)
  const due = schedule?.between(Math.max(progress.cursor, job.after), clock())
  return due ? begin(parts, job, progress, due.last) : false
}

/** Submits the next occurrence, and keeps what was really begun. */
async function begin(
  parts: WorkParts,
  job: Job,
  progress: Progress,
  dueAt: number,
): Promise<boolean> {
  const { shelf, engine, calendar } = parts
  const count = progress.count + 1
  const receipt = await submit(parts, job, { count, dueAt }).catch((error: unknown) => {
    if (isFault(error) && error.code === 'not_found') return null
    throw error
  })
  if (receipt === null) {
    await giveUp(parts, job.id)
    return false
  }
  const run = receipt.run as string
  const really = receipt.replayed ? await dueOf(parts, run, dueAt) : dueAt
  const at = parts.clock()
  if (job.kind === 'chore') {
    const books = { store: engine.store, shelf, calendar }
    await noteSkipped(books, { job, progress }, { dueAt: really, at })
  }
  await shelf.note({ job: job.id, count, dueAt: really, run, at })
  await shelf.advance(job.id, { count, cursor: really, run })
  parts.running.set(run, { id: job.id, kind: job.kind })
  if (job.kind === 'task') await setRunning(parts, job.id, count)
  return receipt.replayed
}

const submit = (
  { engine }: WorkParts,
  job: Job,
  { count, dueAt }: { count: number; dueAt: number },
): Promise<Receipt> =>
  engine.submit(
    job.id,
    {
      do: 'submit',
      busy: 'queue',
      input: [{ kind: 'text', text: jobInput(job) }],
      agent: job.agent,
      origin: {
        dialect: ORIGIN,
        principal: job.principal,
        hints: { job: job.id, count, dueAt },
      },
    },
    { idempotency: { key: `jobs:${job.id}:${count}`, hash: ORIGIN } },
  )

/** Somebody has deleted the thread: the job cannot be done, and must not be tried for ever. */
async function giveUp({ shelf, changed }: WorkParts, id: string): Promise<void> {
  const done = await shelf.change(id, (job) =>
    job.kind === 'task' ? { ...job, stage: 'failed' } : { ...job, state: 'inactive' },
  )
  if (done) changed(done.after, 'updated')
}

/** When a run that was begun before a crash was due, as the run itself says. */
async function dueOf({ engine }: WorkParts, run: string, fallback: number): Promise<number> {
  const row = await engine.store.run(run)
  const first: Event[] = row ? await engine.store.read(row.thread, row.firstSeq - 1, 1) : []
  const created = first[0]
  if (created?.type !== 'run.created') return fallback
  const { dueAt } = (created.data.origin.hints ?? {}) as { dueAt?: number }
  return dueAt ?? fallback
}

/** A round that somebody has asked for meanwhile is still to come. */
async function setRunning({ shelf, changed }: WorkParts, id: string, count: number) {
  const done = await shelf.change(id, (job) =>
    job.stage === 'todo' && job.rounds <= count ? { ...job, stage: 'running' } : null,
  )
  if (done) changed(done.after, 'updated')
}

/** After its run the task is done or failed, unless a person has said otherwise meanwhile. */
export async function settle(parts: WorkParts, id: string): Promise<void> {
  const { shelf, engine, running, changed } = parts
  const progress = await shelf.progress(id)
  if (progress.run === null) return
  const row = await engine.store.run(progress.run)
  if (row && row.endedAt === null) {
    const job = await shelf.job(id)
    if (job) running.set(progress.run, { id, kind: job.kind })
    return
  }
  running.delete(progress.run)
  const done = await shelf.change(id, (job) => {
    const stage = stageAfter(job, progress, row?.status ?? 'failed')
    return stage === null ? null : { ...job, stage }
  })
  if (done) changed(done.after, 'updated')
}

/** A task whose run was begun and not settled; or a run that is thought to go on. */
export function needsSettling({ running }: WorkParts, job: Job, progress: Progress): boolean {
  if (running.has(progress.run ?? '')) return true
  return stageAfter(job, progress, 'completed') !== null
}
