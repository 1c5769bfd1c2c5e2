/** The threads that are in memory. One object a thread; who rests long enough leaves. */

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
