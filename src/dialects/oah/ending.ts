/** Waiting for the end of a run, for the routes that answer only then. */

import type { Event } from '../../kernel/event.ts'
import type { Engine } from '../../kernel/ports.ts'

const isEndOf = (run: string, event: Event): boolean =>
  event.type === 'run.ended' && event.run === run

/** Resolves when the run has ended, or whoever asked has gone. */
export function ended(
  engine: Pick<Engine, 'follow'>,
  wanted: { thread: string; after: number; run: string; signal: AbortSignal },
): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      reading.close()
      resolve()
    }
    const reading = engine.follow({
      thread: wanted.thread,
      after: wanted.after,
      tell: (events) => {
        if (events.some((event) => isEndOf(wanted.run, event))) done()
      },
      ended: () => resolve(),
    })
    wanted.signal.addEventListener('abort', done, { once: true })
  })
}
