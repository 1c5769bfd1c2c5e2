/**
 * The three streams as feeds: a thread's root agent (open until the client leaves), a sub-agent
 * (closes with `done`), and one run (closes after its last frame).
 */

import type { Event } from '../../kernel/event.ts'
import type { Reply } from '../../wire/dialect.ts'
import type { Feed, Goodbye, Projection } from '../../wire/projection.ts'
import { type Frame, sse, writeFrame } from './frame.ts'
import type { Reckoning } from './journal.ts'
import { projection } from './project.ts'
import { isLive, isOver, type Telling } from './telling.ts'

const KEEPALIVE = { everyMs: 30_000, text: ':keepalive\n\n' }

export const STREAM_HEADERS = { 'Cache-Control': 'no-cache', 'X-Accel-Buffering': 'no' }

/** Whose stream it is, as the envelope frames say it. */
export interface Address {
  runId?: string
  threadId: string
  agentId: string
}

export type AgentFeed = Feed<Telling, Frame>

export const feedReply = (feed: AgentFeed): Reply => ({
  status: 200,
  headers: STREAM_HEADERS,
  feed,
})

export const DONE = sse({ type: 'done', status: 'complete' })

export const streamStart = (address: Address, since: number, maxSeqAtStart: number): string =>
  sse({ type: 'stream.start', ...address, since, maxSeqAtStart })

interface Cursor {
  since: number
  maxSeqAtStart: number
}

export const replayComplete = (
  address: Address,
  { since, maxSeqAtStart }: Cursor,
  replayedThroughSeq: number,
  liveTail: boolean,
): string =>
  sse({
    type: 'stream.replay.complete',
    ...address,
    since,
    replayedThroughSeq,
    maxSeqAtStart,
    liveTail,
  })

function goodbye(address: Address, reason: Goodbye): string {
  const { threadId, agentId } = address
  const shutdown = { type: 'stream.shutdown', threadId, agentId }
  switch (reason) {
    case 'shutdown':
      return sse({ ...shutdown, reason: 'gateway_shutdown', retryAfterMs: 5000 })
    case 'slow':
      return sse({ ...shutdown, reason: 'slow_consumer', retryAfterMs: 10_000 })
    case 'erased':
      return DONE
    case 'failed':
      return sse({
        type: 'error',
        code: 'stream_error',
        message: 'Event stream failed',
        recoverable: false,
        turnIndex: -1,
      })
  }
}

function feedOf(thread: string, address: Address, at: Reckoning, since: number): AgentFeed {
  const cursor = { since, maxSeqAtStart: at.state.seq }
  return {
    thread,
    projection,
    seed: at.seed(since),
    wants: (frame) => frame.seq > since,
    write: writeFrame,
    opening: () => streamStart(address, since, cursor.maxSeqAtStart),
    caughtUp: (state) => replayComplete(address, cursor, state.seq, isLive(state)),
    goodbye: (reason) => goodbye(address, reason),
    heartbeat: KEEPALIVE,
  }
}

/** Stays open between runs: the official hook opens it once and would otherwise see all rows twice. */
export const rootFeed = feedOf

/** Ends when the sub-agent does, in the replay or live. */
export function childFeed(
  thread: string,
  address: Address,
  at: Reckoning,
  since: number,
): AgentFeed {
  const feed = feedOf(thread, address, at, since)
  let isReplayed = false
  const ends = (frame: Frame): boolean => isReplayed && frame.body.type === 'session.end'
  return {
    ...feed,
    write: (frame) => writeFrame(frame) + (ends(frame) ? DONE : ''),
    caughtUp: (state, sent) => {
      isReplayed = true
      return (feed.caughtUp?.(state, sent) ?? '') + (isLive(state) ? '' : DONE)
    },
    endsWhenCaughtUp: (state) => !isLive(state),
    isLast: (frame, phase) => phase === 'live' && frame.body.type === 'session.end',
  }
}

/** Frames of one run, with the numbers they have in the thread. `end`: its last, when it is over. */
export function runFeed(
  thread: string,
  address: Address & { runId: string },
  at: Reckoning,
  cursor: { since: number; start: number; end: number | null },
): AgentFeed {
  const { since, start, end } = cursor
  const run = address.runId
  const maxSeqAtStart = end ?? Math.max(at.state.seq, start)
  const feed = feedOf(thread, address, at, since)
  return {
    ...feed,
    projection: onlyRun(run),
    wants: (frame) => frame.seq > since || frame.seq === 0,
    opening: () => streamStart(address, since, maxSeqAtStart),
    caughtUp: (state, sent) => {
      const through = sent?.seq || since
      return replayComplete(address, { since, maxSeqAtStart }, through, !isOver(state, run))
    },
    endsWhenCaughtUp: (state) => isOver(state, run),
    isLast: (frame, phase) =>
      phase === 'live' && (frame.body.type === 'session.end' || frame.body.type === 'done'),
  }
}

/** A run that was dropped before it began says nothing; whoever waits for it must hear that much. */
function onlyRun(run: string): Projection<Telling, Frame> {
  return {
    open: projection.open,
    tell(state, event: Event) {
      const [next, told] = projection.tell(state, event)
      const frames = told.filter((f) => f.run === run)
      if (event.type !== 'run.ended' || event.run !== run || frames.length > 0)
        return [next, frames]
      const body = { type: 'done', status: 'aborted' }
      return [next, [{ seq: 0, run, at: event.at, body }]]
    },
  }
}
