/** A session's stream as a feed: from a cursor on, stored and then live, open until the client leaves. */

import type { Reply } from '../../wire/dialect.ts'
import type { Feed } from '../../wire/projection.ts'
import { sseComment } from '../../wire/sse.ts'
import type { Mark } from './chronicle.ts'
import { type Frame, writeFrame } from './frame.ts'
import { projection } from './project.ts'
import type { Telling } from './telling.ts'

export const STREAM_HEADERS = {
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
}

/** The real system sends none, and proxies cut its streams; clients skip it like any comment. */
export const KEEP_ALIVE = { everyMs: 15_000, text: sseComment('keep-alive') }

interface Wanted {
  thread: string
  seed: Mark | undefined
  /** The last frame that the client has; -1 for none. */
  cursor: number
  /** Only frames of this run. */
  run: string | null
}

export function feedOf({ thread, seed, cursor, run }: Wanted): Reply {
  const feed: Feed<Telling, Frame> = {
    thread,
    projection,
    ...(seed ? { seed } : {}),
    wants: (frame) => frame.id > cursor && (run === null || frame.run === run),
    write: writeFrame,
    opening: () => sseComment('connected'),
    heartbeat: KEEP_ALIVE,
  }
  return { status: 200, headers: STREAM_HEADERS, feed }
}
