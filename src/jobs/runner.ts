/**
 * Runs jobs: a ready task once, a chore at each of its occurrences. The number of an occurrence is the
 * key under which it is submitted, so that no crash and no second process can make it happen twice;
 * what was begun is read back from the run itself.
 */

import type { Event } from '../kernel/event.ts'
import { Fault } from '../kernel/fault.ts'
import {
  isReady,
  type Job,
  type JobAction,
  type JobKind,
  type JobPatch,
  type Jobs,
  type JobView,
  jobInput,
  minuteOf,
  type NewJob,
  NO_PROGRESS,
  type Occurrence,
  type Progress,
  patched,
  stageAfter,
} from '../kernel/jobs.ts'
import type { Engine } from '../kernel/ports.ts'
import type { RunRow } from '../kernel/rows.ts'
import { type Calendar, createCalendar } from './calendar.ts'
import { openShelf, type Shelf } from './shelf.ts'
import { createTurns } from './turns.ts'

export interface JobOptions {
  engine: Pick<Engine, 'openThread' | 'submit' | 'onCommit' | 'store'>
  /** Epoch milliseconds. */
  clock(): number
  /** Of schedules that name none. */
  timeZone: string
  log: { error(fields: Record<string, unknown>, text: string): void }
  /** How many go on at the same time, by kind. */
  limits?: Record<JobKind, number>
  /** How often to look for what other processes have changed. */
  pollMs?: number
}

export interface JobRunner extends Jobs {
  /** From now on what is owed is done. */
  start(): Promise<void>
  /** Does everything that is owed now; resolves when it has been begun. */
  look(): Promise<void>
  close(): Promise<void>
}

const LIMITS: Record<JobKind, number> = { task: 8, chore: 4 }
const POLL_MS = 10_000
const ORIGIN = 'jobs'

export const createJobs = (options: JobOptions): JobRunner => new DocumentJobs(options)

interface Known {
  job: Job
  progress: Progress
}

class DocumentJobs implements JobRunner {
  #engine: JobOptions['engine']
  #options: JobOptions
  #shelf: Shelf
  #limits: Record<JobKind, number>
  #listeners = new Set<(job: Job, action: JobAction) => void>()
  #calendar: Calendar
  #turns = createTurns()
  /** Jobs whose run goes on, by the run. */
  #running = new Map<string, { id: string; kind: JobKind }>()
  #looking: Promise<void> | null = null
  #isAskedAgain = false
  #timer: NodeJS.Timeout | null = null
  #stop: (() => void) | null = null
  #isRunning = false

  constructor(options: JobOptions) {
    this.#options = options
    this.#engine = options.engine
    this.#shelf = openShelf(options.engine.store)
    this.#limits = options.limits ?? LIMITS
    this.#calendar = createCalendar(options.timeZone)
  }

  // ---- what people do ---------------------------------------------------------------------------

  async create(given: NewJob): Promise<JobView> {
    const { kind, schedule, origin, policy, ...rest } = given
    const now = this.#options.clock()
    const anchor = minuteOf(now)
    if (kind === 'chore') await this.#calendar.check({ schedule, anchor })
    const { agent, account, title } = rest
    const thread = await this.#engine.openThread({ agent, account, title, policy, origin })
    const job: Job = {
      ...rest,
      ...{ id: thread.id, kind, schedule, anchor, after: anchor - 1 },
      rounds: rest.stage === 'todo' ? 1 : 0,
      ...{ createdAt: now, updatedAt: now },
    }
    await this.#shelf.put(job)
    this.#tell(job, 'created')
    this.#lookSoon()
    return this.#view(job)
  }

  async get(id: string): Promise<JobView | null> {
    const job = await this.#shelf.job(id)
    return job && this.#view(job)
  }

  async list({ account, kind, archived }: Parameters<Jobs['list']>[0]): Promise<JobView[]> {
    const found = (await this.#shelf.jobs()).filter(
      (j) =>
        (account === undefined || j.account === account) &&
        (kind === undefined || j.kind === kind) &&
        (j.state === 'archived') === archived,
    )
    return Promise.all(found.map((job) => this.#view(job)))
  }

  patch(id: string, patch: JobPatch): Promise<JobView> {
    return this.#turns.take(id, async () => {
      const job = await this.#known(id)
      const now = this.#options.clock()
      let next = patched(job, patch, now)
      if (next.kind === 'chore') await this.#calendar.check(next)
      if (job.state !== 'active' && next.state === 'active' && next.kind === 'chore') {
        await this.#noteInactive(job, now)
        next = { ...next, after: Math.max(next.after, now) }
      }
      await this.#shelf.put(next)
      this.#tell(next, actionOf(job, next))
      this.#lookSoon()
      return this.#view(next)
    })
  }

  remove(id: string): Promise<void> {
    return this.#turns.take(id, async () => {
      const job = await this.#known(id)
      if (job.state !== 'archived')
        throw new Fault('conflict', 'Only archived jobs can be deleted. Archive it first.')
      await this.#shelf.remove(id)
      this.#calendar.forget(id)
      this.#tell(job, 'deleted')
    })
  }

  async planned({ account, limit }: Parameters<Jobs['planned']>[0]) {
    const jobs = (await this.list({ ...(account ? { account } : {}), archived: false })).filter(
      (j) => j.state === 'active',
    )
    const now = this.#options.clock()
    const plans = jobs.flatMap((job) => {
      const isWaiting = job.kind === 'task' && job.stage === 'todo' && job.activeRun === null
      const at = isWaiting ? now : job.nextAt
      return at === null ? [] : [{ job, at }]
    })
    return plans.sort((a, b) => a.at - b.at).slice(0, limit)
  }

  ledger(id: string): Promise<Occurrence[]> {
    return this.#shelf.ledger(id)
  }

  onChange(listener: (job: Job, action: JobAction) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async #known(id: string): Promise<Job> {
    const job = await this.#shelf.job(id)
    if (job) return job
    throw new Fault('not_found', `There is no job ${id}.`)
  }

  #tell(job: Job, action: JobAction): void {
    for (const listener of [...this.#listeners]) listener(job, action)
  }

  // ---- as they are seen -------------------------------------------------------------------------

  async #view(job: Job): Promise<JobView> {
    const runs = await this.#engine.store.runs({ thread: job.id, limit: 5, offset: 0 })
    const begun = runs.items.filter((r) => r.startedAt !== null)
    const active = begun.find((r) => r.endedAt === null)
    const last = begun.find((r) => r.endedAt !== null)
    return {
      ...job,
      activeRun: active ? runOf(active) : null,
      lastRun: last ? runOf(last) : null,
      nextAt: await this.#nextAt(job),
    }
  }

  async #nextAt(job: Job): Promise<number | null> {
    if (job.kind !== 'chore' || job.state !== 'active') return null
    const schedule = await this.#calendar.of(job)
    const { cursor } = await this.#shelf.progress(job.id)
    return schedule?.next(Math.max(cursor, job.after)) ?? null
  }

  // ---- what is owed -----------------------------------------------------------------------------

  async start(): Promise<void> {
    this.#isRunning = true
    this.#stop = this.#engine.onCommit((events) => this.#hear(events))
    await this.look()
  }

  async close(): Promise<void> {
    this.#isRunning = false
    this.#stop?.()
    if (this.#timer) clearTimeout(this.#timer)
    await this.#looking
    await this.#turns.settled()
  }

  #hear(events: readonly Event[]): void {
    const isOurs = events.some((e) => e.type === 'run.ended' && this.#running.has(e.run ?? ''))
    if (isOurs) this.#lookSoon()
  }

  #lookSoon(): void {
    if (!this.#isRunning) return
    this.look().catch(() => undefined)
  }

  /** One at a time; who asks meanwhile gets one more. */
  look(): Promise<void> {
    this.#isAskedAgain = true
    this.#looking ??= this.#lookAll().finally(() => {
      this.#looking = null
      // Somebody asked while it was being worked out when to look again.
      if (this.#isAskedAgain) this.#lookSoon()
    })
    return this.#looking
  }

  async #lookAll(): Promise<void> {
    try {
      while (this.#isAskedAgain) {
        this.#isAskedAgain = false
        await this.#lookOnce()
      }
    } catch (err) {
      if (this.#isRunning) this.#options.log.error({ err }, 'the jobs could not be looked at')
    } finally {
      if (this.#isRunning) await this.#wait().catch(() => undefined)
    }
  }

  async #lookOnce(): Promise<void> {
    const [jobs, progress] = await Promise.all([this.#shelf.jobs(), this.#shelf.allProgress()])
    for (const job of jobs) {
      const known = progress.get(job.id)
      if (known?.run && needsSettling(job, known, this.#running)) await this.#settle(job.id)
    }
    for (const job of jobs) {
      if (job.state !== 'active' || !this.#hasRoom(job.kind)) continue
      if (job.kind === 'task' && !isReady(job, progress.get(job.id) ?? NO_PROGRESS)) continue
      await this.#turns.take(job.id, () => this.#owe(job.id)).catch((err) => this.#failed(job, err))
    }
  }

  #failed(job: Job, err: unknown): void {
    if (!this.#isRunning) return
    this.#options.log.error({ err, job: job.id }, 'a job could not be begun')
  }

  #hasRoom(kind: JobKind): boolean {
    const going = [...this.#running.values()].filter((r) => r.kind === kind)
    return going.length < this.#limits[kind]
  }

  async #owe(id: string): Promise<void> {
    const job = await this.#shelf.job(id)
    if (job?.state !== 'active') return
    const known = { job, progress: await this.#shelf.progress(id) }
    const before = known.progress.run
    const row = before === null ? null : await this.#engine.store.run(before)
    if (row && row.endedAt === null) {
      this.#running.set(row.id, { id, kind: job.kind })
      return
    }
    if (job.kind === 'task') {
      if (isReady(job, known.progress)) await this.#begin(known, this.#options.clock())
      return
    }
    const schedule = await this.#calendar.of(job)
    const from = Math.max(known.progress.cursor, job.after)
    const due = schedule?.between(from, this.#options.clock())
    if (due) await this.#begin(known, due.last)
  }

  /** Submits the next occurrence, and keeps what was really begun. */
  async #begin({ job, progress }: Known, dueAt: number): Promise<void> {
    const count = progress.count + 1
    const hints = { job: job.id, count, dueAt }
    const receipt = await this.#engine.submit(
      job.id,
      {
        do: 'submit',
        busy: 'queue',
        input: [{ kind: 'text', text: jobInput(job) }],
        agent: job.agent,
        origin: { dialect: ORIGIN, principal: job.principal, hints },
      },
      { idempotency: { key: `jobs:${job.id}:${count}`, hash: ORIGIN } },
    )
    const run = receipt.run as string
    const really = receipt.replayed ? await this.#dueOf(run, dueAt) : dueAt
    if (job.kind === 'chore') await this.#noteSkipped(job, progress, really)
    const at = this.#options.clock()
    await this.#shelf.note({ job: job.id, count, dueAt: really, run, at })
    await this.#shelf.advance(job.id, { count, cursor: really, run })
    this.#running.set(run, { id: job.id, kind: job.kind })
    if (job.kind === 'task' && job.stage === 'todo') {
      const running: Job = { ...job, stage: 'running' }
      await this.#shelf.put(running)
      this.#tell(running, 'updated')
    }
    if (receipt.replayed) this.#isAskedAgain = true
  }

  /** When a run that was begun before a crash was due, as the run itself says. */
  async #dueOf(run: string, fallback: number): Promise<number> {
    const row = await this.#engine.store.run(run)
    const [created] = row ? await this.#engine.store.read(row.thread, row.firstSeq - 1, 1) : []
    if (created?.type !== 'run.created') return fallback
    const { dueAt } = (created.data.origin.hints ?? {}) as { dueAt?: number }
    return dueAt ?? fallback
  }

  /** The occurrences between the last one and this one were not begun; the ledger says why. */
  async #noteSkipped(job: Job, progress: Progress, dueAt: number): Promise<void> {
    const schedule = await this.#calendar.of(job)
    const due = schedule?.between(Math.max(progress.cursor, job.after), dueAt)
    if (!due || due.count < 2 || due.previous === null) return
    const before = progress.run === null ? null : await this.#engine.store.run(progress.run)
    const isBusy = before?.endedAt != null && before.endedAt > due.first
    await this.#shelf.note({
      ...{ job: job.id, count: null, dueAt: due.first, lastDueAt: due.previous },
      ...{ skipped: due.count - 1, reason: isBusy ? 'busy' : 'missed', run: null },
      at: this.#options.clock(),
    })
  }

  async #noteInactive(job: Job, now: number): Promise<void> {
    const schedule = await this.#calendar.of(job)
    const { cursor } = await this.#shelf.progress(job.id)
    const due = schedule?.between(Math.max(cursor, job.after), now)
    if (!due) return
    await this.#shelf.note({
      ...{ job: job.id, count: null, dueAt: due.first, lastDueAt: due.last },
      ...{ skipped: due.count, reason: 'inactive', run: null, at: now },
    })
  }

  /** After its run the task is done or failed, unless a person has said otherwise meanwhile. */
  #settle(id: string): Promise<void> {
    return this.#turns.take(id, async () => {
      const [job, progress] = [await this.#shelf.job(id), await this.#shelf.progress(id)]
      if (!job || progress.run === null) return
      const row = await this.#engine.store.run(progress.run)
      if (row && row.endedAt === null) {
        this.#running.set(progress.run, { id, kind: job.kind })
        return
      }
      this.#running.delete(progress.run)
      const stage = stageAfter(job, progress, row?.status ?? 'failed')
      if (stage === null) return
      const settled: Job = { ...job, stage }
      await this.#shelf.put(settled)
      this.#tell(settled, 'updated')
    })
  }

  // ---- waiting ----------------------------------------------------------------------------------

  /** Until the next occurrence, but not for long: the clock may be set, and others write too. */
  async #wait(): Promise<void> {
    const now = this.#options.clock()
    let until = now + (this.#options.pollMs ?? POLL_MS)
    for (const job of await this.#shelf.jobs()) {
      const at = await this.#nextAt(job)
      if (at !== null && at > now) until = Math.min(until, at)
    }
    if (!this.#isRunning) return
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#lookSoon(), Math.max(10, until - now))
    this.#timer.unref()
  }
}

const runOf = ({ id, status, startedAt, createdAt, endedAt }: RunRow) => ({
  ...{ id, status, startedAt: startedAt ?? createdAt, endedAt },
})

/** A task whose run was begun and not settled; or a run that is thought to go on. */
function needsSettling(
  job: Job,
  progress: Progress,
  running: ReadonlyMap<string, unknown>,
): boolean {
  if (running.has(progress.run ?? '')) return true
  return stageAfter(job, progress, 'completed') !== null
}

function actionOf(before: Job, after: Job): JobAction {
  if (before.state === after.state) return 'updated'
  if (after.state === 'archived') return 'archived'
  return before.state === 'archived' ? 'unarchived' : 'updated'
}
