/**
 * The one way to the disk: jobs queue up while a commit is under way, and all of them are the next
 * commit. The first commit that fails ends the store, because what the disk holds is then unknown; that the
 * data of one job is refused is no failure.
 */

import { Fault } from '../kernel/fault.ts'
import type { Db } from './db.ts'
import { isUnfit } from './fitting.ts'
import type { Answer, Job, Unfit } from './job.ts'

const GROUP_LIMIT = 512

type Told = Exclude<Answer, Unfit>

interface Waiting {
  job: Job
  resolve(answer: Told): void
  reject(error: Error): void
}

export class Writer {
  readonly #db: Db
  readonly #onFatal: (error: Error) => void
  #queue: Waiting[] = []
  #isCommitting = false
  #isScheduled = false
  #refusal: Fault | null = null
  #hasFailed = false
  #whenIdle: (() => void)[] = []

  constructor(db: Db, onFatal: (error: Error) => void) {
    this.#db = db
    this.#onFatal = onFatal
  }

  get queued(): number {
    return this.#queue.length
  }

  /** Throws when the store has failed or was closed. */
  assertOpen(): void {
    if (this.#refusal) throw this.#refusal
  }

  /** Rejects also when the database refuses the data of this job. */
  submit(job: Job): Promise<Told> {
    return new Promise((resolve, reject) => {
      this.assertOpen()
      this.#queue.push({ job, resolve, reject })
      this.#schedule()
    })
  }

  /** What is said in one breath is committed at once, and nothing is waited for. */
  #schedule(): void {
    if (this.#isCommitting || this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      void this.#commit()
    })
  }

  async #commit(): Promise<void> {
    const group = leasesLast(this.#queue.splice(0, GROUP_LIMIT))
    if (group.length > 0) await this.#write(group)
    if (this.#queue.length > 0) this.#schedule()
    else for (const done of this.#whenIdle.splice(0)) done()
  }

  async #write(group: Waiting[]): Promise<void> {
    this.#isCommitting = true
    try {
      const answers = await this.#db.commit(group.map((w) => w.job))
      this.#isCommitting = false
      group.forEach((w, i) => {
        const answer = answers[i] ?? null
        if (isUnfit(answer)) w.reject(unfit(answer))
        else w.resolve(answer)
      })
    } catch (error) {
      this.#isCommitting = false
      this.#queue = [...group, ...this.#queue]
      this.fail(error as Error)
    }
  }

  /**
   * Ends the store. Whoever waits is told that it is not known whether the write is there; so is the
   * group of a commit that was under way at an earlier failure.
   */
  fail(error: Error): void {
    const isFirst = !this.#hasFailed
    if (isFirst) {
      this.#hasFailed = true
      const message = `The store has failed and takes no more work: ${error.message}. ${ADVICE}`
      this.#refusal = new Fault('unavailable', message, { cause: error.message })
    }
    for (const waiting of this.#queue.splice(0)) waiting.reject(this.#refusal as Fault)
    if (isFirst) this.#onFatal(error)
  }

  /** Takes nothing more; resolves when everything that was submitted is on disk. */
  async close(): Promise<void> {
    this.#refusal ??= new Fault('unavailable', 'The store is closed.')
    if (this.#isCommitting || this.#isScheduled)
      await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
  }
}

const unfit = ({ unfit: reason }: Unfit): Fault =>
  new Fault('invalid', `The database cannot hold this: ${reason}. Nothing of it was written.`)

/** A lease counts for what comes after the group; taken in its midst it would cut the appends apart. */
function leasesLast(group: Waiting[]): Waiting[] {
  const isLease = ({ job }: Waiting): boolean => job.do === 'run' && job.isFleeting === true
  return [...group.filter((w) => !isLease(w)), ...group.filter(isLease)]
}

const ADVICE =
  'Everything acknowledged before is safe; what was under way may or may not be. ' +
  'Look after the disk or the database, then start the server again.'
