/**
 * Looks for what is owed to jobs: when something changes, when the next occurrence is due, and now and
 * then, because the clock may be set and others write too.
 */

import type { Event } from '../kernel/event.ts'
import { JOB_KINDS, type Job, type JobKind, NO_PROGRESS, type Progress } from '../kernel/jobs.ts'
import type { Engine } from '../kernel/ports.ts'
import type { Outlook } from './outlook.ts'
import type { Shelf } from './shelf.ts'
import { createTurns } from './turns.ts'
import { needsSettling, owe, owedAt, settle, type WorkParts } from './work.ts'

const LIMITS: Record<JobKind, number> = { task: 8, chore: 4 }
const POLL_MS = 10_000

export interface WatchOptions {
  engine: Pick<Engine, 'onCommit'>
  /** Epoch milliseconds. */
  clock(): number
  log: { error(fields: Record<string, unknown>, text: string): void }
  /** How many go on at the same time, by kind. */
  limits?: Record<JobKind, number>
  /** How often to look for what other processes have changed. */
  pollMs?: number
}

interface WatchParts {
  work: WorkParts
  shelf: Shelf
  outlook: Outlook
}

/** A job, and since when it is owed. */
interface Due {
  job: Job
  at: number
}

/** The first of the moments that are still to come. */
class Soonest {
  at: number | null = null
  #now: number

  constructor(now: number) {
    this.#now = now
  }

  take(at: number | null): void {
    if (at !== null && at > this.#now && (this.at === null || at < this.at)) this.at = at
  }
}

export class Watch {
  #options: WatchOptions
  #parts: WatchParts
  #limits: Record<JobKind, number>
  #turns = createTurns()
  #looking: Promise<void> | null = null
  #isAskedAgain = false
  #timer: NodeJS.Timeout | null = null
  #next: number | null = null
  #stop: (() => void) | null = null
  #isRunning = false

  constructor(options: WatchOptions, parts: WatchParts) {
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
    if (this.#isRunning) void this.look()
  }

  /** One at a time; who asks meanwhile gets one more. Never rejects: what goes wrong is logged. */
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
    const { work, shelf, outlook } = this.#parts
    const [jobs, progress] = await Promise.all([shelf.jobs(), shelf.allProgress()])
    const known = (job: Job): Progress => progress.get(job.id) ?? NO_PROGRESS
    const over = jobs.filter((j) => known(j).run !== null && needsSettling(work, j, known(j)))
    await Promise.all(over.map((j) => this.#turns.take(j.id, () => settle(work, j.id))))
    const now = this.#options.clock()
    const due: Due[] = []
    const later = new Soonest(now)
    for (const job of jobs) {
      const at = await owedAt(work, job, known(job))
      if (at !== null && at <= now) due.push({ job, at })
      else later.take(at)
    }
    for (const kind of JOB_KINDS) {
      const owed = this.#choice(kind, due)
      const begun = await Promise.all(owed.map(({ job }) => this.#begin(job)))
      if (begun.includes(true)) this.#isAskedAgain = true
      for (const { job } of owed) later.take(await outlook.nextAt(job))
    }
    this.#next = later.at
  }

  /** Who has waited longest comes first; what goes on takes no room from others. */
  #choice(kind: JobKind, due: readonly Due[]): Due[] {
    const going = [...this.#parts.work.running.values()].filter((r) => r.kind === kind)
    const busy = new Set(going.map((r) => r.id))
    return due
      .filter(({ job }) => job.kind === kind && !busy.has(job.id))
      .sort((a, b) => a.at - b.at)
      .slice(0, Math.max(0, this.#limits[kind] - going.length))
  }

  #begin(job: Job): Promise<boolean> {
    const { work } = this.#parts
    return this.#turns.take(job.id, () => owe(work, job.id)).catch((err) => this.#failed(job, err))
  }

  #failed(job: Job, err: unknown): false {
    if (this.#isRunning) this.#options.log.error({ err, job: job.id }, 'a job could not be begun')
    return false
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
