/** Runs and their steps: read, cancel, guide, requeue; and the session's stream of events. */

import { isFault } from '../../kernel/fault.ts'
import type { Json } from '../../kernel/part.ts'
import type { Principal } from '../../kernel/ports.ts'
import { type Call, type Reply, type Route, route } from '../../wire/dialect.ts'
import { type Context, originOf } from './context.ts'
import { refusal } from './faults.ts'
import { hasPrefix, runId, runUuid } from './id.ts'
import { pageOf } from './page.ts'
import { requestOf, runResource, shownTools, stepResource } from './resource.ts'
import * as schema from './schema.ts'
import { chronicleOf, type FoundRun, runOf, sessionOf, workspaceIdOf } from './scope.ts'
import { feedOf } from './stream.ts'

const tag = 'runs'
const refused = { about: 'Refused', schema: schema.Refusal }
const owns = (path: Record<string, string>): boolean => hasPrefix('run_', path.run)

export const runRoutes = (context: Context): Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/sessions/{session}/runs',
    summary: "A session's runs, newest first",
    tag,
    query: schema.PageQuery,
    answers: { 200: { about: 'A page' }, 404: refused },
    handle: async ({ path, query, principal }) => {
      const thread = await sessionOf(context, principal, path.session as string)
      const chronicle = await chronicleOf(context, thread)
      const page = pageOf([...chronicle.runs.values()].reverse(), query)
      const items = page.items.map((run) => runResource(run, chronicle, context, thread))
      return { status: 200, json: { ...page, items } }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/sessions/{session}/events',
    summary: 'What happens in a session, from a cursor on, as server-sent events',
    tag,
    query: schema.EventsQuery,
    answers: { 200: { about: 'A stream that stays open' }, 404: refused },
    handle: (call) => followSession(context, call),
  }),
  route({
    method: 'GET',
    path: '/api/v1/runs/{run}',
    summary: 'One run',
    tag,
    owns,
    answers: { 200: { about: 'The run' }, 404: refused },
    handle: async ({ path, principal }) => {
      const { run, chronicle, thread } = await runOf(context, principal, path.run as string)
      return { status: 200, json: runResource(run, chronicle, context, thread) }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/runs/{run}/steps',
    summary: "A run's steps, in their order",
    tag,
    owns,
    query: schema.PageQuery,
    answers: { 200: { about: 'A page' }, 404: refused },
    handle: async ({ path, query, principal }) => {
      const found = await runOf(context, principal, path.run as string)
      const page = pageOf(found.run.steps, query)
      return { status: 200, json: { ...page, items: await stepsOf(context, found, page.items) } }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/runs/{run}/cancel',
    summary: 'End a run, whether it goes on or waits; one that has ended stays as it is',
    tag,
    owns,
    answers: { 202: { about: 'It will end' }, 404: refused },
    handle: async ({ path, principal }) => {
      const { run, thread } = await runOf(context, principal, path.run as string)
      if (run.endedAt === null) await cancel(context, principal, thread.id, run.id)
      const json = { runId: runId(run.id), status: 'cancellation_requested' }
      return { status: 202, json }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/runs/{run}/guide',
    summary: 'Let a run that waits go next, and interrupt the one that goes on',
    tag,
    owns,
    answers: { 202: { about: 'It is next' }, 404: refused },
    handle: async ({ path, principal }) => {
      const { run, thread } = await runOf(context, principal, path.run as string)
      if (run.status === 'queued') await guide(context, principal, thread.id, run.id)
      else if (run.kind !== 'message')
        throw refusal(
          'not_found',
          'queued_run_not_found',
          `Queued run ${runId(run.id)} was not found.`,
        )
      return { status: 202, json: { runId: runId(run.id), status: 'interrupt_requested' } }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/runs/{run}/requeue',
    summary: 'Do a failed run again that was the last of its session',
    tag,
    owns,
    answers: { 202: { about: 'The run that does it again' }, 404: refused, 409: refused },
    handle: async ({ path, principal }) => ({
      status: 202,
      json: await requeue(context, principal, path.run as string),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/runs/requeue',
    summary: 'The same for many runs',
    tag,
    body: schema.RequeueBody,
    answers: { 200: { about: 'What came of each' } },
    handle: async ({ body, principal }) => {
      const items: object[] = []
      for (const id of body.runIds) items.push(await tryRequeue(context, principal, id))
      return { status: 200, json: { items } }
    },
  }),
]

type EventsCall = Call<Record<string, string>, { runId?: string; cursor?: string }, unknown>

/** Without a cursor, or with one that is no number, all of the stream is told. */
async function followSession(context: Context, call: EventsCall): Promise<Reply> {
  const thread = await sessionOf(context, call.principal, call.path.session as string)
  const given = [call.query.cursor, call.headers['last-event-id']]
  const cursors = given.flatMap((c) => (c !== undefined && /^\d{1,15}$/.test(c) ? [Number(c)] : []))
  const cursor = Math.max(-1, ...cursors)
  const only = call.query.runId
  const run = only === undefined ? null : (runUuid(only) ?? '')
  const chronicle = await chronicleOf(context, thread)
  return feedOf({
    thread: thread.id,
    seed: context.chronicles.seed(chronicle, cursor),
    cursor,
    run,
  })
}

async function stepsOf(context: Context, found: FoundRun, steps: FoundRun['run']['steps']) {
  const { engine } = context
  const { run, chronicle } = found
  const texts = new Map<string, string | null>()
  const agent = engine.catalog.agent(found.thread.agent)
  // Whoever looks at steps does not start tool servers.
  const { tools } = agent ? await engine.toolbox.open({ ...agent, servers: {} }) : { tools: [] }
  const servers = Object.keys(agent?.servers ?? {})
  const offered = shownTools(tools)
  const workspace = workspaceIdOf(context, found.thread.workspace)
  const shown: object[] = []
  for (const step of steps) {
    const hash = step.prompt?.instructions
    if (hash !== undefined && !texts.has(hash))
      texts.set(hash, textIn(await engine.store.named('instructions', hash)))
    const instructions = texts.get(hash ?? '') ?? null
    const facts = { instructions, tools: offered, servers, workspace }
    shown.push(stepResource(run, step, requestOf(step, chronicle, facts)))
  }
  return shown
}

function textIn(body: Json | null): string | null {
  if (typeof body === 'string') return body
  const text = typeof body === 'object' && body && !Array.isArray(body) ? body.text : null
  return typeof text === 'string' ? text : null
}

/** It may have ended in this moment, which is what was wanted. */
async function cancel(context: Context, who: Principal, thread: string, run: string) {
  const origin = originOf(who)
  await context.engine
    .submit(thread, { do: 'cancel', run, reason: null, when: 'now', queue: 'keep', origin })
    .catch(unless('not_active'))
}

/** It may have begun in this moment, which is what was wanted. */
async function guide(context: Context, who: Principal, thread: string, run: string) {
  const origin = originOf(who)
  await context.engine
    .submit(thread, { do: 'promote', run, interrupt: true, origin })
    .catch(unless('conflict', 'not_found'))
}

const unless =
  (...codes: string[]) =>
  (error: unknown): void => {
    if (!isFault(error) || !codes.includes(error.code)) throw error
  }

async function requeue(context: Context, who: Principal, id: string) {
  const { run, thread, chronicle } = await runOf(context, who, id)
  const { status } = run
  if (status !== 'failed' && status !== 'timed_out')
    throw refusal(
      'conflict',
      'run_requeue_invalid_status',
      `Run ${id} is ${status}; only a failed run can be requeued.`,
    )
  if ([...chronicle.runs.keys()].at(-1) !== run.id)
    throw refusal(
      'conflict',
      'run_requeue_not_supported',
      `Run ${id} is not the last of its session; say its message again instead.`,
    )
  const receipt = await context.engine.submit(thread.id, {
    do: 'retry',
    of: run.id,
    reason: 'retry',
    origin: originOf(who),
  })
  return {
    runId: runId(receipt.run as string),
    status: 'queued',
    previousStatus: status,
    source: 'manual_requeue',
  }
}

async function tryRequeue(context: Context, who: Principal, id: string): Promise<object> {
  try {
    return await requeue(context, who, id)
  } catch (error) {
    if (!isFault(error)) throw error
    const own = error.details.oah as { code: string } | undefined
    const errorCode = own?.code ?? error.code
    return { runId: id, status: 'error', errorCode, errorMessage: error.message }
  }
}
