/**
 * Looks at one event of a thread's log from all sides: the fold before and after it, and what it
 * became in each dialect. Marks on the way make any later look cheap; they are only a cache.
 */

import type { Event } from '../../kernel/event.ts'
import type { Store } from '../../kernel/ports.ts'
import { emptyThread, evolve, type Thread } from '../../kernel/thread.ts'
import type { Lens } from '../../wire/lens.ts'
import { Recent } from '../../wire/recent.ts'

export interface Moment {
  event: Event
  before: Thread
  after: Thread
  /** For each lens, in order, the frames that the event became. */
  frames: string[][]
}

export interface Tracer {
  /** The moments from `from` on, as far as the log goes, at most `count`. */
  look(thread: string, from: number, count: number): Promise<Moment[]>
}

const PAGE = 200
const MARK_EVERY = 500
const MAX_MARKS = 128
const MAX_THREADS = 16

/** Everything folded up to `seq`. */
interface Mark {
  seq: number
  thread: Thread
  states: unknown[]
}

export function createTracer(store: Pick<Store, 'read'>, lenses: readonly Lens[]): Tracer {
  const known = new Recent<Mark[]>(MAX_THREADS)

  const marksOf = (thread: string): Mark[] => {
    const states = lenses.map((lens) => lens.projection.open(thread))
    const marks = known.get(thread) ?? [{ seq: 0, thread: emptyThread(thread), states }]
    known.set(thread, marks)
    return marks
  }

  return {
    async look(thread, from, count) {
      const marks = marksOf(thread)
      let at = marks.findLast((mark) => mark.seq < from) as Mark
      const seen: Moment[] = []
      while (seen.length < count) {
        const events = await store.read(thread, at.seq, PAGE)
        if (events.length === 0) break
        for (const event of events) {
          if (seen.length === count) break
          const [next, frames] = step(lenses, at, event, event.seq >= from)
          if (frames) seen.push({ event, before: at.thread, after: next.thread, frames })
          at = next
          keep(marks, at)
        }
      }
      return seen
    },
  }
}

/** Frames that nobody looks at are not written. */
function step(
  lenses: readonly Lens[],
  { thread, states }: Mark,
  event: Event,
  isSeen: boolean,
): [Mark, string[][] | null] {
  const told = lenses.map((lens, i) => lens.projection.tell(states[i], event))
  const next = {
    seq: event.seq,
    thread: evolve(thread, event),
    states: told.map(([state]) => state),
  }
  if (!isSeen) return [next, null]
  return [next, told.map(([, frames], i) => frames.map((frame) => lenses[i]?.write(frame) ?? ''))]
}

/** When there are too many marks every second one goes; the first, which is the beginning, stays. */
function keep(marks: Mark[], mark: Mark): void {
  if (mark.seq % MARK_EVERY !== 0 || mark.seq <= (marks.at(-1)?.seq ?? 0)) return
  marks.push(mark)
  if (marks.length > MAX_MARKS)
    marks.splice(0, marks.length, ...marks.filter((_, i) => i % 2 === 0))
}
