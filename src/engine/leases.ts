/**
 * Which threads this process may move on. A lease is taken before the first step, renewed while the
 * thread is in memory, and fenced by its epoch: who has lost it can no longer append. It is good
 * until its time and no longer: whoever slept past that asks again before it does anything.
 */

import type { Lease, Store } from '../kernel/ports.ts'
import type { EngineSettings } from './context.ts'
import type { LiveThread } from './live.ts'

interface Held {
  live: LiveThread
  until: number
}

/** What must be left of a lease; with less it is renewed. */
const FRESH = 0.7

export class Leases {
  #store: Store
  #settings: EngineSettings
  #clock: () => number
  #lost: (live: LiveThread) => void
  #held = new Map<string, Held>()
  /** Leases that are asked for and not given yet. */
  #coming = new Map<LiveThread, Promise<boolean>>()

  constructor(
    store: Store,
    settings: EngineSettings,
    clock: () => number,
    /** Told of every thread whose lease is somebody else's now. */
    lost: (live: LiveThread) => void,
  ) {
    this.#store = store
    this.#settings = settings
    this.#clock = clock
    this.#lost = lost
  }

  get count(): number {
    return this.#held.size
  }

  /** True when the thread is this process's to drive. */
  async acquire(live: LiveThread): Promise<boolean> {
    if (live.epoch !== null) {
      if (this.#isGood(live) || (await this.confirm(live))) return true
    }
    // What was asked for early may have been too early.
    if (!(await this.#coming.get(live)) && !(await this.#take(live))) return false
    // Between two steps nothing is left unsaid: that a lease was lost before matters no more.
    live.beginDrive()
    // Somebody else may have driven the thread since it was read.
    await live.catchUp()
    return true
  }

  /**
   * Begins to take the lease of a thread that is about to be due. Said together with the append that
   * makes it so, it costs no commit of its own.
   */
  anticipate(live: LiveThread): void {
    if (live.epoch !== null || this.#coming.has(live)) return
    const coming = this.#take(live)
      .catch(() => false)
      .finally(() => this.#coming.delete(live))
    this.#coming.set(live, coming)
  }

  async #take(live: LiveThread): Promise<boolean> {
    const until = this.#until()
    const lease = await this.#store.claimOne(this.#settings.worker, live.id, this.#clock(), until)
    if (lease) this.#hold(live, lease, until)
    return lease !== null
  }

  /**
   * Takes threads that are due and that nobody drives: new ones, and those of processes that died.
   * `open` gives a thread with its state; null for one that cannot be read.
   */
  async claim(
    limit: number,
    open: (thread: string) => Promise<LiveThread | null>,
  ): Promise<(LiveThread | null)[]> {
    const until = this.#until()
    const { worker } = this.#settings
    const leases = await this.#store.claim(worker, this.#clock(), until, limit)
    return Promise.all(
      leases.map(async (lease) => {
        const live = await open(lease.thread)
        if (live) this.#hold(live, lease, until)
        return live
      }),
    )
  }

  /** Asks the store, whatever is known here. */
  async confirm(live: LiveThread): Promise<boolean> {
    await this.#renew([live])
    return live.epoch !== null
  }

  /** Renews what is about to run out. */
  async renew(): Promise<void> {
    const soon = this.#clock() + this.#settings.leaseMs * FRESH
    const due = [...this.#held.values()].filter((h) => h.until < soon).map((h) => h.live)
    if (due.length > 0) await this.#renew(due)
  }

  async #renew(lives: LiveThread[]): Promise<void> {
    const until = this.#until()
    const asked = lives.flatMap((live) =>
      live.epoch === null ? [] : [{ live, lease: { thread: live.id, epoch: live.epoch } }],
    )
    const leases = asked.map((a) => a.lease)
    const renewed = await this.#store.renew(this.#settings.worker, leases, until)
    const kept = new Set(renewed.map((l) => l.thread))
    for (const { live, lease } of asked) {
      const held = this.#held.get(live.id)
      // It may have been given back, and even taken again, meanwhile.
      if (held?.live !== live || live.epoch !== lease.epoch) continue
      if (kept.has(live.id)) held.until = until
      else this.lose(live)
    }
  }

  /** The lease is known to be somebody else's. */
  lose(live: LiveThread): void {
    live.lose()
    this.#forget(live)
    this.#lost(live)
  }

  async release(live: LiveThread): Promise<void> {
    this.#forget(live)
    const { epoch } = live
    if (epoch === null) return
    live.release()
    await this.#store.release(this.#settings.worker, { thread: live.id, epoch })
  }

  async releaseAll(): Promise<void> {
    await Promise.all([...this.#held.values()].map(({ live }) => this.release(live)))
  }

  /**
   * A thread may be claimed twice at the same time: because it is due, and by name. The later claim
   * counts, whichever answer is heard last.
   */
  #hold(live: LiveThread, { epoch }: Lease, until: number): void {
    if (live.epoch !== null && live.epoch > epoch) return
    live.hold(epoch)
    this.#held.set(live.id, { live, until })
  }

  #forget(live: LiveThread): void {
    if (this.#held.get(live.id)?.live === live) this.#held.delete(live.id)
  }

  #isGood(live: LiveThread): boolean {
    return (this.#held.get(live.id)?.until ?? 0) > this.#clock()
  }

  #until(): number {
    return this.#clock() + this.#settings.leaseMs
  }
}
