/** Events of one run and of one thread: as lists, and as streams that end when what they follow does. */

import type { Reply } from '../../wire/dialect.ts'
import type { Feed } from '../../wire/projection.ts'
import { sseFrame } from '../../wire/sse.ts'
import { second } from './context.ts'
import { runId, threadId } from './id.ts'
import type { Reckoning } from './journal.ts'
import { projection } from './project.ts'
import { beforeRun, type FoundRun } from './scope.ts'
import type { Telling, Told } from './telling.ts'

/** Numbers within one domain skip, as the real server's do. */
const numberOf = ({ seq, index }: Told, isRun: boolean): number =>
  seq * 1_000 + index * 2 + (isRun ? 1 : 0)

export function runEvent(told: Told) {
  const { runCursor: cursor, run, type, at, payload } = told
  const domain = { domain: 'run', domain_id: runId(run), type, event_type: type }
  return { id: numberOf(told, true), cursor, ...domain, at: second(at), payload }
}

export function threadEvent(told: Told, thread: string) {
  const { cursor, type, at, payload } = told
  const domain = { domain: 'thread', domain_id: thread, type, event_type: type }
  return { id: numberOf(told, false), cursor, ...domain, at: second(at), payload }
}

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no',
}

const HEARTBEAT = { everyMs: 15_000, text: ': ping\n\n' }

export const streamed = (body: { feed: Feed<Telling, Told> }): Reply => ({
  status: 200,
  headers: HEADERS,
  ...body,
})

export const LIVE_HEADERS = HEADERS

/** Closes right after `run_end`; of a run that is over, after everything that is left of it. */
export function runFeed({ run, place }: FoundRun, after: number): Feed<Telling, Told> {
  let isLive = false
  return {
    thread: place.thread,
    projection,
    seed: beforeRun(place, run),
    wants: (told) =>
      told.run === run.id &&
      told.runCursor > 0 &&
      (told.runCursor > after || (isLive && told.type === 'run_end')),
    write: (told) => sseFrame({ id: told.runCursor, event: 'event', data: runEvent(told) }),
    caughtUp: () => {
      isLive = true
      return ''
    },
    endsWhenCaughtUp: (state) => state.runs[run.id] === undefined,
    isLast: (told) => told.type === 'run_end',
    heartbeat: HEARTBEAT,
  }
}

/** Never closes: threads have no end. */
export function threadFeed(uuid: string, at: Reckoning, after: number): Feed<Telling, Told> {
  const id = threadId(at.kind, uuid)
  return {
    thread: uuid,
    projection,
    seed: at.seed(after),
    wants: (told) => told.cursor > after,
    write: (told) => sseFrame({ id: told.cursor, event: 'event', data: threadEvent(told, id) }),
    heartbeat: HEARTBEAT,
  }
}

/** What a client has read: `after`, or the standard's own header when it comes back by itself. */
export function cursorOf(
  after: number | undefined,
  headers: Record<string, string | undefined>,
): number {
  const last = headers['last-event-id']
  if (last !== undefined && /^\d{1,15}$/.test(last)) return Math.max(Number(last), after ?? 0)
  return after ?? 0
}

/** The real server: 0 is none, and a negative limit is none either way. */
export const upTo = (limit: number): number => (limit < 0 ? Number.POSITIVE_INFINITY : limit)
