/**
 * A run's events as a stream: what is stored, then what comes. It is never ended by this side, since
 * something may follow the run's end; with `follow=false` it ends with what is stored.
 */

import type { RunRow } from '../../kernel/rows.ts'
import type { Reply } from '../../wire/dialect.ts'
import type { Feed } from '../../wire/projection.ts'
import { sseComment } from '../../wire/sse.ts'
import { type Frame, writeFrame } from './frame.ts'
import { projectionOf } from './project.ts'
import type { Telling } from './telling.ts'

const PING = sseComment('ping')
const PING_EVERY_MS = 15_000

export function eventsReply(run: RunRow, after: number, isFollowing: boolean): Reply {
  const { id, thread, account, firstSeq } = run
  const projection = projectionOf({ run: id, thread, account })
  const feed: Feed<Telling, Frame> = {
    thread,
    projection,
    // Nothing before a run's first event is told in it.
    seed: { seq: firstSeq - 1, state: projection.open(thread) },
    wants: (frame) => frame.seq > after,
    write: (frame) => writeFrame(id, frame),
    ...(isFollowing
      ? { opening: () => PING, heartbeat: { everyMs: PING_EVERY_MS, text: PING } }
      : { endsWhenCaughtUp: true }),
  }
  return { status: 200, feed }
}

/** The query, else where a browser left off. What is no number in the header is no cursor. */
export function cursorOf(
  after: number | undefined,
  headers: Record<string, string | undefined>,
): number {
  if (after !== undefined) return after
  const last = headers['last-event-id']?.trim() ?? ''
  return /^\d{1,15}$/.test(last) ? Number(last) : 0
}
