/** The threads that this process drives: how many at a time, who waits, and who is woken when. */

import type { AbortReason, Context } from './context.ts'
import { AWAY_MS, Drive, isAway, type Licence } from './drive.ts'
import type { LiveThread } from './live.ts'

/** How long a step that was told to stop is waited for; one that does not listen is left behind. */
const DEAF_MS = 2_000

interface Going {
  drive: Drive
  finished: Promise<void>
}

export class Drivers {
  #context: Context
  #licence: Licence
  /** Told when a drive has ended. */
  #freed: () => void
  #going = new Map<string, Going>()
  #waiting = new Set<string>()
  #timers = new Map<string, NodeJS.Timeout>()
  #isStopping = false

  constructor(context: Context, licence: Licence, freed: () => void) {
    this.#context = context
    this.#licence = licence
    this.#freed = freed
  }

  get active(): number {
    return this.#going.size
  }

  isDriving(thread: string): boolean {
    return this.#going.has(thread)
  }

  /** How many more threads can be driven. */
  get room(): number {
    const { maxActive, drives } = this.#context.settings
    return drives ? Math.max(0, maxActive - this.#going.size - this.#waiting.size) : 0
  }

  /**
   * Something may be owed to the thread. Cheap; may be said too often. False when it has to wait, so
   * that another process may be quicker. Children never wait: their parents do, and hold a place.
   */
  poke(live: LiveThread): boolean {
    if (this.#isStopping || !this.#context.settings.drives) return false
    const going = this.#going.get(live.id)
    if (going) {
      going.drive.poke()
      return true
    }
    const isFull = this.#going.size >= this.#context.settings.maxActive
    if (isFull && live.state.parent === null) {
      this.#waiting.add(live.id)
      return false
    }
    this.#begin(live)
    return true
  }

  /** Stops the step that is going on in the thread. */
  abort(thread: string, reason: AbortReason): void {
    this.#going.get(thread)?.drive.abort(reason)
  }

  /** Nothing more is done in the thread; resolves when what was going on has stopped. */
  async leave(thread: string, withinMs: number): Promise<void> {
    const going = this.#going.get(thread)
    this.#sleep(thread)
    if (!going) return
    going.drive.abort('lost')
    await soon(going.finished, withinMs)
  }

  /** No new step begins; what is going on may finish until `drainMs` have passed. */
  async stop(drainMs: number): Promise<void> {
    this.#isStopping = true
    for (const timer of this.#timers.values()) clearTimeout(timer)
    const all = [...this.#going.values()]
    for (const { drive } of all) drive.stop()
    const cut = setTimeout(() => {
      for (const { drive } of all) drive.abort('shutdown')
    }, drainMs)
    await soon(Promise.all(all.map((g) => g.finished)), drainMs + DEAF_MS)
    clearTimeout(cut)
  }

  #begin(live: LiveThread): void {
    this.#sleep(live.id)
    const drive = new Drive(this.#context, this.#licence, live)
    const going = { drive, finished: Promise.resolve() }
    this.#going.set(live.id, going)
    going.finished = this.#run(drive)
  }

  async #run(drive: Drive): Promise<void> {
    const { live } = drive
    const until = await drive.run()
    this.#going.delete(live.id)
    if (drive.isPoked && !this.#isStopping && live.epoch !== null) this.#begin(live)
    else if (until !== null) this.#wakeAt(live.id, until)
    this.#admitWaiting()
    this.#freed()
  }

  #admitWaiting(): void {
    const [id] = this.#waiting
    if (id === undefined) return
    this.#waiting.delete(id)
    this.#wakeAt(id, 0)
  }

  #sleep(id: string): void {
    clearTimeout(this.#timers.get(id))
    this.#timers.delete(id)
  }

  /** By name: the thread may have left memory and come back by then. */
  #wakeAt(id: string, until: number): void {
    if (this.#isStopping) return
    const { clock, live, log } = this.#context
    const delay = Math.max(0, Math.min(until - clock(), 2 ** 30))
    clearTimeout(this.#timers.get(id))
    const timer = setTimeout(() => {
      this.#timers.delete(id)
      live(id).then(
        (found) => this.poke(found),
        (err) => {
          log.error({ thread: id, err }, 'a thread could not be read')
          if (isAway(err)) this.#wakeAt(id, clock() + AWAY_MS)
          else this.#admitWaiting()
        },
      )
    }, delay)
    timer.unref()
    this.#timers.set(id, timer)
  }
}

/** Waits for the work, but not for ever. */
async function soon(work: Promise<unknown>, withinMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, withinMs)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}
