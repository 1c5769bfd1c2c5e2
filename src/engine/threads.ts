/** The threads that are in memory. One object a thread; who rests long enough leaves. */

import { Fault } from '../kernel/fault.ts'
import { type LiveDeps, LiveThread } from './live.ts'

export class Threads {
  #deps: LiveDeps
  #lives = new Map<string, Promise<LiveThread>>()

  constructor(deps: LiveDeps) {
    this.#deps = deps
  }

  get count(): number {
    return this.#lives.size
  }

  /** The thread with its state as the log has it; also one that does not exist yet (seq 0). */
  async get(id: string): Promise<LiveThread> {
    const live = await (this.#lives.get(id) ?? this.#begin(id))
    live.usedAt = this.#deps.clock()
    return live
  }

  #begin(id: string): Promise<LiveThread> {
    const loading = this.#load(id)
    this.#lives.set(id, loading)
    loading.catch(() => this.#lives.delete(id))
    return loading
  }

  /** A thread that exists. Fault `not_found`. */
  async known(id: string): Promise<LiveThread> {
    // A thread is one object in memory: who only asks whether it exists makes none.
    const isThere = this.#lives.has(id) || (await this.#deps.store.thread(id)) !== null
    const live = isThere ? await this.get(id) : null
    if (live && live.state.seq > 0 && !live.isRetired) return live
    throw new Fault('not_found', `There is no thread ${id}.`)
  }

  /** As of now: a thread that this process does not drive may have been moved on by another. */
  async current(
    id: string,
    open = (thread: string): Promise<LiveThread> => this.known(thread),
  ): Promise<LiveThread> {
    const wasThere = this.#lives.has(id)
    const live = await open(id)
    if (wasThere && live.epoch === null) await live.catchUp()
    return live
  }

  /** The same for a thread that need not exist yet. */
  fresh(id: string): Promise<LiveThread> {
    return this.current(id, (thread) => this.get(thread))
  }

  /** The thread if it is in memory. */
  peek(id: string): Promise<LiveThread> | null {
    return this.#lives.get(id) ?? null
  }

  forget(id: string): void {
    this.#lives.delete(id)
  }

  /** A thread that nobody can know of yet, so that there is nothing to read. */
  create(id: string): LiveThread {
    const live = new LiveThread(id, this.#deps)
    this.#lives.set(id, Promise.resolve(live))
    return live
  }

  /** Lets go of threads that nobody used since `before`; `keep` says who must stay. */
  async rest(
    before: number,
    keep: (live: LiveThread) => boolean,
    leave: (live: LiveThread) => Promise<void>,
  ): Promise<void> {
    for (const [id, loading] of [...this.#lives]) {
      const live = await loading.catch(() => null)
      if (!live?.isQuiet || live.usedAt > before || keep(live)) continue
      this.#lives.delete(id)
      await leave(live)
    }
  }

  async #load(id: string): Promise<LiveThread> {
    const live = new LiveThread(id, this.#deps)
    await live.load()
    return live
  }
}
