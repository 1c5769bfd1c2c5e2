/**
 * Follows a thread's log for as long as somebody looks at it. Events are told in the order of their
 * seq, each exactly once: a lost connection is taken up again behind the last one that was told, and
 * what comes twice or too early is not told at all.
 */

import type { Refusal } from './client.ts'
import type { SseFrame } from './sse.ts'
import { hold } from './stream.ts'
import type { Event } from './types.ts'

/** `reading`: what is stored is still coming. `live`: from here on it comes as it happens. */
export type Connection = 'reading' | 'live' | 'lost' | 'gone'

export interface Ears {
  tell(events: Event[]): void
  changed(connection: Connection, why: Refusal | null): void
}

/** Returns the way to stop. */
export function follow(thread: string, after: number, ears: Ears): () => void {
  let cursor = after
  const { stop, settled } = hold({
    path: () => `/threads/${encodeURIComponent(thread)}/stream?after=${cursor}`,
    opened: () => ears.changed('reading', null),
    take,
    lost: (why) => ears.changed('lost', why),
    gone: (why) => ears.changed('gone', why),
    isForEyes: true,
  })
  return stop

  function take(frames: SseFrame[]): void {
    const events: Event[] = []
    for (const frame of frames) {
      if (frame.event === 'ready') {
        tell(events.splice(0))
        settled()
        ears.changed('live', null)
      } else if (frame.id !== null) events.push(JSON.parse(frame.data) as Event)
    }
    tell(events)
  }

  /** Throws away what was told before; a gap is a connection that cannot be trusted. */
  function tell(events: Event[]): void {
    const fresh = events.filter((event) => event.seq > cursor)
    for (const [i, event] of fresh.entries())
      if (event.seq !== cursor + i + 1) throw new Error(`event ${event.seq} after ${cursor + i}`)
    if (fresh.length === 0) return
    cursor += fresh.length
    ears.tell(fresh)
  }
}
