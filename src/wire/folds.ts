/**
 * Threads as a dialect last needed them: a fold of each, which goes on from where it stood. Only a
 * memory of the threads that were asked about last; the log says the same.
 */

import type { Event } from '../kernel/event.ts'
import type { Store } from '../kernel/ports.ts'
import { Recent } from './recent.ts'

export interface FoldSettings<Fold> {
  /** The fold of a thread before its first event. */
  begin(thread: string): Fold
  /** Takes in events that follow; afterwards `seq` is the last one's. */
  take(fold: Fold, events: readonly Event[]): void
  maxThreads: number
}

export interface Folds<Fold> {
  /** The fold of the thread up to at least `seq` of its log, as far as there is one. */
  upTo(thread: string, seq: number): Promise<Fold>
  forget(thread: string): void
}

export const FOLD_PAGE = 2_000

export function createFolds<Fold extends { seq: number }>(
  store: Pick<Store, 'read'>,
  { begin, take, maxThreads }: FoldSettings<Fold>,
): Folds<Fold> {
  /** One reader at a time: the others wait for it and find its work done. */
  const kept = new Recent<{ fold: Fold; reading: Promise<void> }>(maxThreads)

  const advance = async (fold: Fold, thread: string, seq: number): Promise<void> => {
    while (fold.seq < seq) {
      const events = await store.read(thread, fold.seq, FOLD_PAGE)
      if (events.length === 0) return
      take(fold, events)
    }
  }

  return {
    async upTo(thread, seq) {
      const entry = kept.get(thread) ?? { fold: begin(thread), reading: Promise.resolve() }
      kept.set(thread, entry)
      const reading = entry.reading.then(() => advance(entry.fold, thread, seq))
      entry.reading = reading.catch(() => undefined)
      await reading
      return entry.fold
    },
    forget: (thread) => kept.delete(thread),
  }
}

/** When there are too many marks every second one goes, so that they stay spread over the log. */
export function keepMark<Mark>(marks: Mark[], mark: Mark, most: number): void {
  marks.push(mark)
  if (marks.length > most) marks.splice(0, marks.length, ...marks.filter((_, i) => i % 2 === 0))
}
