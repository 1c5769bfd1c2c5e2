/**
 * The one way to the disk: jobs queue up while commits are under way, and all of them are the next
 * commit. The first commit that fails ends the store, because what the disk holds is then unknown;
 * that the data of one job is refused is no failure.
 */

import { Fault } from '../kernel/fault.ts'
import type { Db } from './db.ts'
import { isUnfit } from './fitting.ts'
import type { Answer, Job, Unfit } from './job.ts'

const GROUP_LIMIT = 512

/**
 * With so many milestones a group does not wait for the commit before it: who makes them is busy
 * making more, and would hear of that commit's end only then.
 */
const WORTH_BESIDE = 16

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
  /** How many of the queue are milestones. */
  #milestones = 0
  /** Commits that have not ended. */
  #underWay = 0
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
      if (isMilestone(job)) this.#milestones += 1
      this.#schedule()
    })
  }

  /** What is said in one breath is committed at once, and nothing is waited for. */
  #schedule(): void {
    if (this.#isScheduled || !this.#isDue) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      const group = leasesLast(this.#take(GROUP_LIMIT))
      if (group.length > 0) void this.#write(group)
      else this.#rest()
    })
  }

  get #isDue(): boolean {
    if (this.#underWay === 0) return this.#queue.length > 0
    return this.#underWay < this.#db.depth && this.#milestones >= WORTH_BESIDE
  }

  #take(limit: number): Waiting[] {
    const taken = this.#queue.splice(0, limit)
    for (const { job } of taken) if (isMilestone(job)) this.#milestones -= 1
    return taken
  }

  async #write(group: Waiting[]): Promise<void> {
    this.#underWay += 1
    try {
      const answers = await this.#db.commit(group.map((w) => w.job))
      group.forEach((w, i) => {
        const answer = answers[i] ?? null
        if (isUnfit(answer)) w.reject(unfit(answer))
        else w.resolve(answer)
      })
    } catch (error) {
      this.#fail(error as Error, group)
    }
    this.#underWay -= 1
    this.#schedule()
    this.#rest()
  }

  /** Tells who waits for the last commit. */
  #rest(): void {
    if (this.#underWay > 0 || this.#isScheduled || this.#queue.length > 0) return
    for (const done of this.#whenIdle.splice(0)) done()
  }

  /** Ends the store. Whoever waits is told that it is not known whether the write is there. */
  fail(error: Error): void {
    this.#fail(error, [])
  }

  /** `group`: of a commit that failed, perhaps after an earlier failure. */
  #fail(error: Error, group: Waiting[]): void {
    const isFirst = !this.#hasFailed
    if (isFirst) {
      this.#hasFailed = true
      const message = `The store has failed and takes no more work: ${error.message}. ${ADVICE}`
      this.#refusal = new Fault('unavailable', message, { cause: error.message })
    }
    for (const waiting of [...group, ...this.#take(Number.POSITIVE_INFINITY)])
      waiting.reject(this.#refusal as Fault)
    if (isFirst) this.#onFatal(error)
  }

  /** Takes nothing more; resolves when everything that was submitted is on disk. */
  async close(): Promise<void> {
    this.#refusal ??= new Fault('unavailable', 'The store is closed.')
    if (this.#underWay > 0 || this.#isScheduled)
      await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
  }
}

const unfit = ({ unfit: reason }: Unfit): Fault =>
  new Fault('invalid', `The database cannot hold this: ${reason}. Nothing of it was written.`)

const isMilestone = (job: Job): boolean => job.do === 'append' && job.isMilestone

/** A lease counts for what comes after the group; taken in its midst it would cut the appends apart. */
function leasesLast(group: Waiting[]): Waiting[] {
  const isLease = ({ job }: Waiting): boolean => job.do === 'run' && job.isFleeting === true
  return [...group.filter((w) => !isLease(w)), ...group.filter(isLease)]
}

const ADVICE =
  'Everything acknowledged before is safe; what was under way may or may not be. ' +
  'Look after the disk or the database, then start the server again.'
