/**
 * The log, read in pages or followed as a stream. One cursor serves both: the seq in a thread, and
 * the store's own over all threads.
 */

import { Fault } from '../../kernel/fault.ts'
import type { Engine } from '../../kernel/ports.ts'
import type { RunRow } from '../../kernel/rows.ts'
import { type Call, type Reply, type Route, route } from '../../wire/dialect.ts'
import { runOf, threadOf } from './desk.ts'
import { milestones, pageOfMilestones } from './milestones.ts'
import { feedOf } from './project.ts'
import * as schema from './schema.ts'

const tag = 'events'
const MEDIA = 'text/event-stream'
const PAGE = {
  about: 'A page; with `Accept: text/event-stream`, a stream.',
  schema: schema.EventPage,
  media: MEDIA,
}
const FEED = { ...PAGE, schema: schema.FeedPage }
const STREAM = { about: 'A stream of server-sent events.', media: MEDIA }
const headers = { 'Last-Event-ID': 'As `after`; the greater of the two counts.' }

type Reading = Call<Record<string, string>, schema.EventsQuery & schema.StreamQuery, unknown>
type Feeding = Pick<Call<Record<string, string>, schema.FeedQuery, unknown>, 'query' | 'headers'>

export const eventRoutes = (engine: Engine): Route[] => [
  route({
    method: 'GET',
    path: '/manifold/v1/threads/{thread}/events',
    tag,
    summary: "A thread's events after a cursor.",
    query: schema.EventsQuery,
    headers,
    answers: { 200: PAGE },
    handle: (call) => (wantsStream(call) ? followThread(engine, call) : readThread(engine, call)),
  }),
  route({
    method: 'GET',
    path: '/manifold/v1/threads/{thread}/stream',
    tag,
    summary: 'The same as a stream: stored events, `ready`, then live ones.',
    query: schema.StreamQuery,
    headers,
    answers: { 200: STREAM },
    handle: (call) => followThread(engine, call),
  }),
  route({
    method: 'GET',
    path: '/manifold/v1/runs/{run}/events',
    tag,
    summary: "A run's events after a cursor.",
    query: schema.EventsQuery,
    headers,
    answers: { 200: PAGE },
    handle: (call) => (wantsStream(call) ? followRun(engine, call) : readRun(engine, call)),
  }),
  route({
    method: 'GET',
    path: '/manifold/v1/runs/{run}/stream',
    tag,
    summary: 'The same as a stream, which ends with the run.',
    query: schema.StreamQuery,
    headers,
    answers: { 200: STREAM, 204: { about: 'The run has ended and everything was seen.' } },
    handle: (call) => followRun(engine, call),
  }),
  route({
    method: 'GET',
    path: '/manifold/v1/events',
    tag,
    summary: 'What happened in all threads, without the deltas.',
    query: schema.FeedQuery,
    headers,
    answers: { 200: FEED },
    handle: async (call) => {
      const after = await placeOf(engine, call)
      if (wantsStream(call)) return { status: 200, live: milestones(engine, call.principal, after) }
      const { limit = 500 } = call.query
      const page = await pageOfMilestones(engine, call.principal, { after, limit })
      return { status: 200, json: page }
    },
  }),
]

const wantsStream = ({ headers }: Pick<Call, 'headers'>): boolean =>
  headers.accept?.includes(MEDIA) ?? false

/** `after`, or where the client's EventSource was when it lost the connection. */
function cursorOf({ query, headers }: Pick<Reading, 'query' | 'headers'>): number {
  const last = headers['last-event-id']
  if (last !== undefined && /^\d{1,15}$/.test(last)) return Math.max(Number(last), query.after ?? 0)
  return query.after ?? 0
}

/** `latest` is meant for the first time only: who comes back goes on where it was. */
async function placeOf({ store }: Engine, { query, headers }: Feeding): Promise<number> {
  if (query.after !== 'latest') return cursorOf({ query: { after: query.after }, headers })
  return cursorOf({ query: {}, headers }) || store.feedEnd()
}

function checkCursor(after: number, seq: number): void {
  if (after > seq)
    throw new Fault('invalid', `The cursor ${after} is ahead of the log, which ends at ${seq}.`, {
      seq,
    })
}

async function readThread(engine: Engine, call: Reading): Promise<Reply> {
  const thread = await threadOf(engine, call, call.path.thread as string)
  const after = cursorOf(call)
  checkCursor(after, thread.seq)
  const items = await engine.store.read(thread.id, after, call.query.limit ?? 500)
  const next = items.at(-1)?.seq ?? after
  return { status: 200, json: { items, next, isComplete: next >= thread.seq } }
}

async function followThread(engine: Engine, call: Reading): Promise<Reply> {
  const thread = await threadOf(engine, call, call.path.thread as string)
  const after = cursorOf(call)
  checkCursor(after, thread.seq)
  const follow = call.query.follow ?? true
  return { status: 200, feed: feedOf({ thread: thread.id, after, follow }) }
}

const hasEnded = (run: RunRow): boolean => run.endedAt !== null

async function readRun(engine: Engine, call: Reading): Promise<Reply> {
  const run = await runOf(engine, call, call.path.run as string)
  const after = Math.max(cursorOf(call), run.firstSeq - 1)
  const page = await engine.store.read(run.thread, after, call.query.limit ?? 500)
  const next = page.at(-1)?.seq ?? after
  const items = page.filter((event) => event.run === run.id)
  return {
    status: 200,
    json: { items, next, isComplete: page.length === 0 || next >= run.lastSeq },
  }
}

async function followRun(engine: Engine, call: Reading): Promise<Reply> {
  const run = await runOf(engine, call, call.path.run as string)
  const after = cursorOf(call)
  // An EventSource that comes back after the end is told not to come again.
  if (hasEnded(run) && after >= run.lastSeq) return { status: 204, empty: true }
  const { seq } = await engine.thread(run.thread)
  checkCursor(after, seq)
  return {
    status: 200,
    feed: feedOf({
      thread: run.thread,
      after: Math.max(after, run.firstSeq - 1),
      run: { id: run.id, isEnded: hasEnded(run) },
      follow: call.query.follow ?? true,
    }),
  }
}
