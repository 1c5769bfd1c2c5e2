/** Whoever waits for something to happen in a thread, and what they are told after a commit. */

import type { Event } from '../kernel/event.ts'
import type { AskEvent } from './context.ts'
import type { LiveThread } from './live.ts'

export class Listeners {
  #broke: (error: unknown) => void
  #fresh: (thread: string) => Promise<LiveThread>
  #commits = new Set<(events: Event[]) => void>()
  /** Who waits for the end of a run, by its thread. */
  #ended = new Map<string, Set<{ run: string; wake(): void }>>()
  #asks = new Map<string, Set<(event: AskEvent) => void>>()
  /** Threads that somebody here waits for, by the number of those who do. */
  #watched = new Map<string, number>()

  constructor(fresh: (thread: string) => Promise<LiveThread>, broke: (error: unknown) => void) {
    this.#fresh = fresh
    this.#broke = broke
  }

  onCommit(listener: (events: Event[]) => void): () => void {
    this.#commits.add(listener)
    return () => this.#commits.delete(listener)
  }

  /** Told after a commit of the thread that changed what is asked there. */
  onAsks(thread: string, listener: (event: AskEvent) => void): () => void {
    const listeners = this.#asks.get(thread) ?? new Set()
    this.#asks.set(thread, listeners.add(listener))
    const leave = this.#watch(thread)
    return () => {
      leave()
      listeners.delete(listener)
      if (listeners.size === 0) this.#asks.delete(thread)
    }
  }

  /** Resolves when the run has ended or its thread is gone, or the signal is aborted. */
  async runEnded(thread: string, run: string, signal: AbortSignal): Promise<void> {
    const leave = this.#watch(thread)
    try {
      const { state, isRetired } = await this.#fresh(thread)
      const isOpen = state.active?.id === run || state.queue.some((r) => r.id === run)
      if (isOpen && !isRetired && !signal.aborted) await this.#endOf(thread, run, signal)
    } finally {
      leave()
    }
  }

  isWatched(thread: string): boolean {
    return this.#watched.has(thread)
  }

  /** A commit of this process, for who listens to all threads. */
  tell(events: Event[]): void {
    for (const listener of this.#commits) {
      try {
        listener(events)
      } catch (error) {
        this.#broke(error)
      }
    }
  }

  /** An event that is in the log now, by whosever hand. */
  hear(thread: string, event: Event): void {
    if (isAskEvent(event)) for (const tell of this.#asks.get(thread) ?? []) tell(event)
    if (event.type !== 'run.ended') return
    for (const { run, wake } of this.#ended.get(thread) ?? []) if (run === event.run) wake()
  }

  /** The thread was erased: nothing of what is waited for there will ever be heard. */
  gone(thread: string): void {
    for (const { wake } of this.#ended.get(thread) ?? []) wake()
  }

  /** The thread stays in memory and up to date, wherever it is driven. Returns how to let it go. */
  #watch(thread: string): () => void {
    this.#watched.set(thread, (this.#watched.get(thread) ?? 0) + 1)
    return () => {
      const left = (this.#watched.get(thread) ?? 1) - 1
      if (left > 0) this.#watched.set(thread, left)
      else this.#watched.delete(thread)
    }
  }

  #endOf(thread: string, run: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#ended.get(thread) ?? new Set()
      this.#ended.set(thread, waiting)
      const wake = (): void => {
        waiting.delete(entry)
        if (waiting.size === 0) this.#ended.delete(thread)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      const entry = { run, wake }
      waiting.add(entry)
      signal.addEventListener('abort', wake, { once: true })
    })
  }
}

const isAskEvent = (event: Event): event is AskEvent =>
  event.type === 'ask.opened' ||
  event.type === 'ask.settled' ||
  event.type === 'child.asked' ||
  event.type === 'child.settled'
