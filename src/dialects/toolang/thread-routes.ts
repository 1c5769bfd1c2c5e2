/** Threads: list, look, watch. */

import type { Principal } from '../../kernel/ports.ts'
import type { ThreadRow } from '../../kernel/rows.ts'
import { type Route, route } from '../../wire/dialect.ts'
import { accountOf, type Context } from './context.ts'
import { isThreadId, threadId } from './id.ts'
import type { Reckoning } from './journal.ts'
import { isVisible, runDetail } from './record.ts'
import {
  EventsQuery,
  Fields,
  Items,
  Problem,
  StreamQuery,
  ThreadQuery,
  ThreadsQuery,
} from './schema.ts'
import { taleOf, threadOf } from './scope.ts'
import { cursorOf, streamed, threadEvent, threadFeed, upTo } from './stream.ts'
import { originOfKind, type Told } from './telling.ts'
import { threadInfo } from './thread-info.ts'

const tag = 'activity'
const refused = { about: 'Refused', schema: Problem }
const ok = { about: 'Successful Response', schema: Fields }
const owns = (path: Record<string, string>): boolean => isThreadId(path.thread_id)

export const threadRoutes = (context: Context): Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/threads',
    summary: 'List Threads',
    tag,
    query: ThreadsQuery,
    answers: { 200: { about: 'Successful Response', schema: Items }, 422: refused },
    handle: async ({ query, principal }) => ({
      status: 200,
      json: { items: await listThreads(context, principal, query) },
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/threads/{thread_id}',
    summary: 'Get Thread',
    tag,
    query: ThreadQuery,
    answers: { 200: ok, 404: refused, 422: refused },
    owns,
    handle: async ({ path, query, principal }) => {
      const { row, at } = await threadOf(context, principal, path.thread_id as string)
      const place = { kind: at.kind, thread: row.id }
      const visible = at.runs.filter(isVisible)
      const most = Math.min(upTo(query.limit), visible.length)
      const runs: unknown[] = []
      for (const run of visible.slice(visible.length - most))
        runs.push(runDetail(run, place, await taleOf(context, { at, run, place })))
      const info = threadInfo(row.id, at)
      return { status: 200, json: { info, runs, event_cursor: at.state.cursor } }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/threads/{thread_id}/events',
    summary: 'List Thread Events',
    tag,
    query: EventsQuery,
    answers: { 200: ok, 404: refused, 422: refused },
    owns,
    handle: async ({ path, query, principal }) => {
      const { row, at } = await threadOf(context, principal, path.thread_id as string)
      const after = query.after ?? 0
      const told: Told[] = []
      const most = upTo(query.limit)
      for await (const one of context.journal.told(row.id, at.seed(after), at.seq)) {
        if (told.length >= most) break
        if (one.cursor > after) told.push(one)
      }
      const id = threadId(at.kind, row.id)
      const items = told.map((t) => threadEvent(t, id))
      return { status: 200, json: { cursor: at.state.cursor, items } }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/threads/{thread_id}/stream',
    summary: 'Stream Thread Events',
    tag,
    query: StreamQuery,
    answers: { 200: { about: 'Server-sent events' }, 404: refused, 422: refused },
    owns,
    handle: async ({ path, query, headers, principal }) => {
      const { row, at } = await threadOf(context, principal, path.thread_id as string)
      return streamed({ feed: threadFeed(row.id, at, cursorOf(query.after, headers)) })
    },
  }),
]

const PAGE = 200

/** A thread is there from its first run on; one that was made here for a chat, at once. */
const isListed = ({ dialect }: ThreadRow, { kind, runs }: Reckoning): boolean =>
  runs.some(isVisible) || (dialect === 'toolang' && originOfKind(kind) === 'chat')

/** What changed last comes first. */
async function listThreads(
  context: Context,
  who: Principal,
  { limit, origin }: { limit: number; origin?: string | undefined },
) {
  const { engine, journal } = context
  const most = upTo(limit)
  const items: unknown[] = []
  for (let offset = 0; items.length < most; offset += PAGE) {
    const query = { ...accountOf(who), parentThread: null, limit: PAGE, offset }
    const page = await engine.store.threads(query)
    for (const row of page.items) {
      if (items.length >= most) break
      const kind = origin === undefined ? null : await journal.kind(row.id, row.seq)
      if (kind !== null && originOfKind(kind) !== origin) continue
      const at = await journal.reckon(row.id, row.seq)
      if (isListed(row, at)) items.push(threadInfo(row.id, at))
    }
    if (page.items.length < PAGE) break
  }
  return items
}
