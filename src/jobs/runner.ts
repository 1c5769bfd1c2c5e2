/**
 * Runs jobs: a ready task once, a chore at each of its occurrences. It looks when something changes,
 * when the next occurrence is due, and now and then, because the clock may be set and others write too.
 */

import type { Event } from '../kernel/event.ts'
import {
  JOB_KINDS,
  type Job,
  type JobAction,
  type JobKind,
  type Jobs,
  NO_PROGRESS,
  type Progress,
} from '../kernel/jobs.ts'
import type { Engine } from '../kernel/ports.ts'
import { createCalendar } from './calendar.ts'
import { createOutlook, type Outlook } from './outlook.ts'
import { createRegister } from './register.ts'
import { openShelf, type Shelf } from './shelf.ts'
import { createTurns } from './turns.ts'
import { isOwed, needsSettling, owe, settle, type WorkParts } from './work.ts'

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

export function createJobs(options: JobOptions): JobRunner {
  const { engine, clock } = options
  const shelf = openShelf(engine.store)
  const calendar = createCalendar(options.timeZone)
  const outlook = createOutlook(engine.store, { shelf, calendar })
  const listeners = new Set<(job: Job, action: JobAction) => void>()
  const changed = (job: Job, action: JobAction) => {
    for (const listener of [...listeners]) listener(job, action)
  }
  const work: WorkParts = { engine, shelf, calendar, clock, running: new Map(), changed }
  const watch = new Watch(options, { work, shelf, outlook })
  const register = createRegister({
    ...{ engine, shelf, calendar, outlook, clock },
    changed(job, action) {
      changed(job, action)
      watch.lookSoon()
    },
  })
  return {
    ...register,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    start: () => watch.start(),
    look: () => watch.look(),
    close: () => watch.close(),
  }
}

interface WatchParts {
  work: WorkParts
  shelf: Shelf
  outlook: Outlook
}

class Watch {
  #options: JobOptions
  #parts: WatchParts
  #limits: Record<JobKind, number>
  #turns = createTurns()
  #looking: Promise<void> | null = null
  #isAskedAgain = false
  #timer: NodeJS.Timeout | null = null
  #next: number | null = null
  #stop: (() => void) | null = null
  #isRunning = false

  constructor(options: JobOptions, parts: WatchParts) {
    this.#options = options
    this.#parts = parts
    this.#limits = options.limits ?? LIMITS
  }

  async start(): Promise<void> {
    this.#isRunning = true
    this.#stop = this.#options.engine.onCommit((events) => this.#hear(events))
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
    const { running } = this.#parts.work
    if (events.some((e) => e.type === 'run.ended' && running.has(e.run ?? ''))) this.lookSoon()
  }

  lookSoon(): void {
    if (this.#isRunning) this.look().catch(() => undefined)
  }

  /** One at a time; who asks meanwhile gets one more. */
  look(): Promise<void> {
    this.#isAskedAgain = true
    this.#looking ??= this.#lookAll().finally(() => {
      this.#looking = null
      // Somebody asked while it was being worked out when to look again.
      if (this.#isAskedAgain) this.lookSoon()
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
      if (this.#isRunning) this.#wait()
    }
  }

  /** Jobs do not wait for each other; the disk takes what they write in one go. */
  async #lookOnce(): Promise<void> {
    const { work, shelf } = this.#parts
    const [jobs, progress] = await Promise.all([shelf.jobs(), shelf.allProgress()])
    const known = (job: Job): Progress => progress.get(job.id) ?? NO_PROGRESS
    const over = jobs.filter((j) => known(j).run !== null && needsSettling(work, j, known(j)))
    await Promise.all(over.map((j) => this.#turns.take(j.id, () => settle(work, j.id))))
    let isFresh = true
    for (const kind of JOB_KINDS) {
      const owed = await this.#owed(kind, jobs, known)
      const begun = await Promise.all(owed.map((job) => this.#begin(job)))
      if (begun.includes(true)) this.#isAskedAgain = true
      isFresh &&= owed.length === 0
    }
    this.#next = await this.#nextAt(jobs, isFresh ? progress : await shelf.allProgress())
  }

  /** As many as there is room for; what goes on takes no room from others. */
  async #owed(kind: JobKind, jobs: Job[], known: (job: Job) => Progress): Promise<Job[]> {
    const { work } = this.#parts
    const going = [...work.running.values()].filter((r) => r.kind === kind)
    const busy = new Set(going.map((r) => r.id))
    const room = this.#limits[kind] - going.length
    const owed: Job[] = []
    for (const job of jobs) {
      if (owed.length >= room) break
      if (job.kind !== kind || busy.has(job.id)) continue
      if (await isOwed(work, job, known(job))) owed.push(job)
    }
    return owed
  }

  #begin(job: Job): Promise<boolean> {
    const { work } = this.#parts
    return this.#turns.take(job.id, () => owe(work, job.id)).catch((err) => this.#failed(job, err))
  }

  #failed(job: Job, err: unknown): false {
    if (this.#isRunning) this.#options.log.error({ err, job: job.id }, 'a job could not be begun')
    return false
  }

  /** Of all jobs the next occurrence; null when none is planned. */
  async #nextAt(jobs: Job[], progress: Map<string, Progress>): Promise<number | null> {
    const now = this.#options.clock()
    let next: number | null = null
    for (const job of jobs) {
      const at = await this.#parts.outlook.nextAt(job, progress.get(job.id) ?? NO_PROGRESS)
      if (at !== null && at > now && (next === null || at < next)) next = at
    }
    return next
  }

  /** Until the next occurrence, but not for long. */
  #wait(): void {
    const now = this.#options.clock()
    const longest = now + (this.#options.pollMs ?? POLL_MS)
    const until = Math.min(longest, this.#next ?? longest)
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.lookSoon(), Math.max(10, until - now))
    this.#timer.unref()
  }
}
