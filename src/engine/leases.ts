/**
 * Which threads this process may move on. A lease is taken before the first step, renewed while the
 * thread is in memory, and fenced by its epoch: who has lost it can no longer append.
 */

import type { Lease, Store } from '../kernel/ports.ts'
import type { EngineSettings } from './context.ts'
import type { LiveThread } from './live.ts'

export class Leases {
  #store: Store
  #settings: EngineSettings
  #clock: () => number
  #held = new Map<string, LiveThread>()

  constructor(store: Store, settings: EngineSettings, clock: () => number) {
    this.#store = store
    this.#settings = settings
    this.#clock = clock
  }

  get count(): number {
    return this.#held.size
  }

  /** True when the thread is this process's to drive. */
  async acquire(live: LiveThread): Promise<boolean> {
    if (live.epoch !== null) return true
    const { worker } = this.#settings
    const lease = await this.#store.claimOne(worker, live.id, this.#clock(), this.#until())
    if (lease) await this.hold(live, lease)
    return lease !== null
  }

  async hold(live: LiveThread, lease: Lease): Promise<void> {
    live.epoch = lease.epoch
    this.#held.set(live.id, live)
    // Somebody else may have driven the thread since it was read.
    await live.catchUp()
  }

  /** Threads that are due and that nobody drives: new ones, and those of processes that died. */
  claim(limit: number): Promise<Lease[]> {
    return this.#store.claim(this.#settings.worker, this.#clock(), this.#until(), limit)
  }

  /** Returns the threads whose lease was lost. */
  async renew(): Promise<LiveThread[]> {
    const leases = [...this.#held.values()].flatMap((live) =>
      live.epoch === null ? [] : [{ thread: live.id, epoch: live.epoch }],
    )
    if (leases.length === 0) return []
    const kept = await this.#store.renew(this.#settings.worker, leases, this.#until())
    const names = new Set(kept.map((l) => l.thread))
    const lost = leases.flatMap((l) => {
      const live = this.#held.get(l.thread)
      return live && !names.has(l.thread) && live.epoch === l.epoch ? [live] : []
    })
    for (const live of lost) {
      live.epoch = null
      this.#held.delete(live.id)
    }
    return lost
  }

  async release(live: LiveThread): Promise<void> {
    this.#held.delete(live.id)
    if (live.epoch === null) return
    const lease = { thread: live.id, epoch: live.epoch }
    live.epoch = null
    await this.#store.release(this.#settings.worker, lease)
  }

  async releaseAll(): Promise<void> {
    await Promise.all([...this.#held.values()].map((live) => this.release(live)))
  }

  #until(): number {
    return this.#clock() + this.#settings.leaseMs
  }
}
