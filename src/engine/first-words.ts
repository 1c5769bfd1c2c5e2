/** How long runs take from their submit to the first piece that is told of them. For metrics. */

import { type Event, isDelta } from '../kernel/event.ts'

/** Of more than that many the oldest are not counted: waiting for them must not fill memory. */
const MOST = 10_000

export class FirstWords {
  #clock: () => number
  /** Runs that have said nothing yet, by the time of their submit. */
  #silent = new Map<string, number>()
  #count = 0
  #ms = 0

  constructor(clock: () => number) {
    this.#clock = clock
  }

  get stats(): { firstWords: number; firstWordsWaitMs: number } {
    return { firstWords: this.#count, firstWordsWaitMs: this.#ms }
  }

  hear(events: Event[]): void {
    if (this.#silent.size === 0) return
    for (const { type, run } of events) {
      const since = run === null || !isDelta(type) ? undefined : this.#silent.get(run)
      if (run === null || since === undefined) continue
      this.#silent.delete(run)
      this.#count++
      this.#ms += this.#clock() - since
    }
  }

  /** A run that this process has made. */
  begin(run: string, at: number): void {
    this.#silent.set(run, at)
    if (this.#silent.size <= MOST) return
    const [oldest] = this.#silent.keys()
    this.#silent.delete(oldest as string)
  }

  end(run: string): void {
    this.#silent.delete(run)
  }
}
