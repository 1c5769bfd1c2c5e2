/** Runs: list, look, watch, stop, do again, steer. */

import type { Principal } from '../../kernel/ports.ts'
import type { RunRow } from '../../kernel/rows.ts'
import { type Route, route } from '../../wire/dialect.ts'
import { accountOf, type Context } from './context.ts'
import { isRunId } from './id.ts'
import { isVisible, runDetail, runItem } from './record.ts'
import { forkRun, restartRun, rewindRun } from './rework.ts'
import {
  EventsQuery,
  Fields,
  ForkRequest,
  Items,
  ListQuery,
  Problem,
  RestartRequest,
  SteerRequest,
  StopRequest,
  StreamQuery,
} from './schema.ts'
import { runOf, taleOf, threadIfAny, toldOf } from './scope.ts'
import { steerRun, stopRun } from './steering.ts'
import { cursorOf, runEvent, runFeed, streamed, upTo } from './stream.ts'

const tag = 'activity'
const refused = { about: 'Refused', schema: Problem }
const ok = { about: 'Successful Response', schema: Fields }
const owns = (path: Record<string, string>): boolean => isRunId(path.run_id)

export const runRoutes = (context: Context): Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/runs',
    summary: 'List Runs',
    tag,
    query: ListQuery,
    answers: { 200: { about: 'Successful Response', schema: Items }, 422: refused },
    handle: async ({ query, principal }) => ({
      status: 200,
      json: { items: await listRuns(context, principal, query.limit, query.thread_id) },
    }),
  }),
  {
    method: 'GET',
    path: '/api/v1/runs/{run_id}',
    summary: 'Get Run',
    tag,
    answers: { 200: ok, 404: refused },
    owns,
    handle: async ({ path, principal }) => {
      const found = await runOf(context, principal, path.run_id as string)
      const { run, place } = found
      const detail = runDetail(run, place, await taleOf(context, found))
      return { status: 200, json: { ...detail, event_cursor: run.cursor } }
    },
  },
  route({
    method: 'GET',
    path: '/api/v1/runs/{run_id}/events',
    summary: 'List Run Events',
    tag,
    query: EventsQuery,
    answers: { 200: ok, 404: refused, 422: refused },
    owns,
    handle: async ({ path, query, principal }) => {
      const found = await runOf(context, principal, path.run_id as string)
      const told = (await toldOf(context, found)).filter((t) => t.runCursor > (query.after ?? 0))
      const items = told.slice(0, upTo(query.limit)).map(runEvent)
      return { status: 200, json: { cursor: found.run.cursor, items } }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/runs/{run_id}/stream',
    summary: 'Stream Run Events',
    tag,
    query: StreamQuery,
    answers: { 200: { about: 'Server-sent events' }, 404: refused, 422: refused },
    owns,
    handle: async ({ path, query, headers, principal }) => {
      const found = await runOf(context, principal, path.run_id as string)
      return streamed({ feed: runFeed(found, cursorOf(query.after, headers)) })
    },
  }),
  ...stopRoutes(context),
  route({
    method: 'POST',
    path: '/api/v1/runs/{run_id}/fork',
    summary: 'Fork Run',
    tag,
    body: ForkRequest,
    bodyOptional: true,
    answers: { 200: ok, 404: refused, 409: refused, 422: refused },
    owns,
    handle: async (call) => ({
      status: 200,
      json: await forkRun(context, call, call.body?.include_anchor ?? true),
    }),
  }),
  {
    method: 'POST',
    path: '/api/v1/runs/{run_id}/rewind',
    summary: 'Rewind Run',
    tag,
    answers: { 200: ok, 404: refused, 409: refused },
    owns,
    handle: async (call) => ({ status: 200, json: await rewindRun(context, call) }),
  },
  route({
    method: 'POST',
    path: '/api/v1/runs/{run_id}/restart',
    summary: 'Restart Run',
    tag,
    body: RestartRequest,
    answers: { 200: ok, 404: refused, 409: refused, 422: refused },
    owns,
    handle: async (call) => ({ status: 200, json: await restartRun(context, call, call.body) }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/runs/{run_id}/steer',
    summary: 'Steer Run',
    tag,
    body: SteerRequest,
    answers: { 200: ok, 404: refused, 409: refused, 422: refused },
    owns,
    handle: async (call) => ({ status: 200, json: await steerRun(context, call, call.body) }),
  }),
]

/** `cancel` is what the next version calls it. */
const stopRoutes = (context: Context): Route[] =>
  (['stop', 'cancel'] as const).map((verb) =>
    route({
      method: 'POST',
      path: `/api/v1/runs/{run_id}/${verb}`,
      summary: verb === 'stop' ? 'Stop Run' : 'Cancel Run',
      tag,
      body: StopRequest,
      bodyOptional: true,
      answers: { 200: ok, 404: refused, 422: refused },
      owns,
      handle: async (call) => {
        const stop = call.body ?? { mode: 'immediate' }
        const { run, input } = await stopRun(context, call, stop)
        if (verb === 'stop') return { status: 200, json: { run, input } }
        const { action, ref, ...rest } = input as { action: string; ref: { index: number } }
        const command = { ...rest, ref: { ...ref, kind: 'command' }, kind: action }
        return { status: 200, json: { run, input: command } }
      },
    }),
  )

const PAGE = 200

/** Newest first. Runs that were replaced are in no list. */
async function listRuns(context: Context, who: Principal, limit: number, thread?: string) {
  const { engine } = context
  const query: { account?: string; thread?: string } = accountOf(who)
  if (thread !== undefined) {
    const found = await threadIfAny(context, who, thread)
    if (!found) return []
    query.thread = found.row.id
  }
  const items: unknown[] = []
  const most = upTo(limit)
  for (let offset = 0; items.length < most; offset += PAGE) {
    const page = await engine.store.runs({ ...query, limit: PAGE, offset })
    for (const row of page.items) {
      const item = items.length < most ? await itemOf(context, row) : null
      if (item) items.push(item)
    }
    if (page.items.length < PAGE) break
  }
  return items
}

/** Null for a run that does not count. */
async function itemOf({ engine, journal }: Context, row: RunRow) {
  const thread = await engine.store.thread(row.thread)
  const at = await journal.reckon(row.thread, thread?.seq ?? row.lastSeq)
  const run = at.run(row.id)
  return run && isVisible(run) ? runItem(run, { kind: at.kind, thread: row.thread }) : null
}
