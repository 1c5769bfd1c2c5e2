/** Threads: make, list, read, change, erase. */

import { Fault } from '../../kernel/fault.ts'
import type { Principal } from '../../kernel/ports.ts'
import { threadRow } from '../../kernel/rows.ts'
import type { Thread } from '../../kernel/thread.ts'
import { type Route, route } from '../../wire/dialect.ts'
import { agentsOf } from './agent-routes.ts'
import { type Context, originOf, reckon } from './context.ts'
import { isThreadId, ROOT } from './id.ts'
import {
  markdownOf,
  messagesOf,
  type ThreadResource,
  type ThreadStatus,
  threadResource,
  threadStatus,
  type UiMessage,
} from './messages.ts'
import { ExportQuery, NewThreadBody, Problem, ThreadPatch, ThreadsQuery } from './schema.ts'
import { threadOf } from './scope.ts'
import { agentFor, chosenModel } from './start.ts'

const refused = { about: 'Refused', schema: Problem }
const owns = (path: Record<string, string>): boolean => isThreadId(path.thread)

/** Status that a client gave a thread; it holds until the next run. */
const STATUS_KIND = 'ownware.thread'
const MAX_LIST = 500

export const threadRoutes = (context: Context): Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/threads',
    summary: 'Threads, of one profile or of all',
    tag: 'threads',
    query: ThreadsQuery,
    answers: { 200: { about: 'The threads' } },
    handle: async ({ query, principal }) => ({
      status: 200,
      json: { items: await list(context, principal, query.profileId) },
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/threads',
    summary: 'Make a thread',
    tag: 'threads',
    body: NewThreadBody,
    bodyOptional: true,
    answers: { 201: { about: 'The thread' }, 400: refused, 404: refused },
    handle: async ({ body, principal }) => {
      if (body?.workspaceId !== undefined)
        throw new Fault('not_found', `Workspace "${body.workspaceId}" not found`)
      const thread = await context.engine.openThread({
        agent: agentFor(context.engine, body?.profileId).name,
        title: body?.title ?? null,
        origin: originOf(principal),
        account: principal.account,
      })
      return { status: 201, json: await resource(context, thread) }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/threads/{thread}',
    summary: 'A thread with its messages',
    tag: 'threads',
    answers: { 200: { about: 'The thread' }, 404: refused },
    owns,
    handle: async ({ path, principal }) => {
      const thread = await threadOf(context.engine, principal, path.thread as string)
      const messages = await transcript(context, thread)
      return { status: 200, json: { ...(await resource(context, thread)), messages } }
    },
  }),
  route({
    method: 'PATCH',
    path: '/api/v1/threads/{thread}',
    summary: 'Change title, status or model',
    tag: 'threads',
    body: ThreadPatch,
    answers: { 200: { about: 'The thread' }, 400: refused, 404: refused },
    owns,
    handle: async ({ path, body, principal }) => {
      const thread = await threadOf(context.engine, principal, path.thread as string)
      const { title, model, status } = body
      const change = {
        ...(title === undefined ? {} : { title }),
        ...(model === undefined
          ? {}
          : { model: model && (await chosenModel(context.engine, model)) }),
      }
      if (Object.keys(change).length > 0)
        await context.engine.submit(thread.id, {
          do: 'change',
          ...change,
          origin: originOf(principal),
        })
      if (status) {
        const patched = { status, runs: thread.runs }
        await context.engine.store.put({ kind: STATUS_KIND, key: thread.id, body: patched })
      }
      const changed = await context.engine.thread(thread.id)
      return { status: 200, json: await resource(context, changed) }
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/threads/{thread}',
    summary: 'Erase a thread',
    tag: 'threads',
    answers: { 204: { about: 'It is gone' }, 404: refused },
    owns,
    handle: async ({ path, principal }) => {
      const thread = await threadOf(context.engine, principal, path.thread as string)
      await context.engine.erase(thread.id)
      await context.engine.store.drop(STATUS_KIND, thread.id)
      context.journal.forget(thread.id)
      return { status: 204, empty: true }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/threads/{thread}/messages',
    summary: 'The messages of a thread',
    tag: 'threads',
    answers: { 200: { about: 'The messages' }, 404: refused },
    owns,
    handle: async ({ path, principal }) => {
      const thread = await threadOf(context.engine, principal, path.thread as string)
      return { status: 200, json: await transcript(context, thread) }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/threads/{thread}/hydrate',
    summary: 'Everything a client needs to open a thread',
    tag: 'threads',
    answers: { 200: { about: 'The thread' }, 404: refused },
    owns,
    handle: async ({ path, principal }) => {
      const thread = await threadOf(context.engine, principal, path.thread as string)
      return { status: 200, json: await hydrate(context, thread) }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/threads/{thread}/export',
    summary: 'A thread as a document',
    tag: 'threads',
    query: ExportQuery,
    answers: { 200: { about: 'Markdown or JSON' }, 404: refused },
    owns,
    handle: async ({ path, query, principal }) => {
      const thread = await threadOf(context.engine, principal, path.thread as string)
      const shown = await resource(context, thread)
      const messages = await transcript(context, thread)
      if (query.format === 'json') return { status: 200, json: { thread: shown, messages } }
      const text = markdownOf(shown, messages)
      return { status: 200, text, type: 'text/markdown; charset=utf-8' }
    },
  }),
]

async function list(
  { engine }: Context,
  principal: Principal,
  profileId: string | undefined,
): Promise<ThreadResource[]> {
  const { account } = principal
  const agent = profileId === undefined ? {} : { agent: profileId }
  const { items } = await engine.store.threads({
    account,
    ...agent,
    parentThread: null,
    limit: MAX_LIST,
    offset: 0,
  })
  const patches = new Map((await engine.store.list(STATUS_KIND)).map((d) => [d.key, d.body]))
  return await Promise.all(
    items.map(async (row) => {
      const last = row.lastRun === null ? null : await engine.store.run(row.lastRun)
      const status = threadStatus(row, endOf(last?.status), patchOf(patches.get(row.id)))
      return threadResource(row, status, last?.model ?? null)
    }),
  )
}

const endOf = (status: string | undefined): 'completed' | 'failed' | 'cancelled' | null =>
  status === 'completed' || status === 'failed' || status === 'cancelled' ? status : null

const patchOf = (body: unknown): { status: ThreadStatus; runs: number } | null =>
  (body ?? null) as { status: ThreadStatus; runs: number } | null

async function resource({ engine }: Context, thread: Thread): Promise<ThreadResource> {
  const row = threadRow(thread)
  const patched = patchOf(await engine.store.get(STATUS_KIND, thread.id))
  const status = threadStatus(row, thread.last?.end?.outcome ?? null, patched)
  return threadResource(row, status, thread.active?.model ?? thread.last?.model ?? null)
}

async function transcript({ engine }: Context, thread: Thread): Promise<UiMessage[]> {
  const ids = [...new Set(thread.messages.map((m) => m.run))]
  const rows = await Promise.all(ids.map((id) => engine.store.run(id)))
  return messagesOf(thread, new Map(rows.flatMap((r) => (r ? [[r.id, r]] : []))))
}

async function hydrate(context: Context, thread: Thread): Promise<unknown> {
  const { state, lastTurnEnd } = await reckon(context, thread)
  const isRunning = thread.active !== null || thread.queue.length > 0
  return {
    thread: await resource(context, thread),
    messages: await transcript(context, thread),
    agents: await agentsOf(context, thread),
    runningAgentId: isRunning ? ROOT : null,
    maxSeq: state.seq,
    lastClosedTurnEndSeq: lastTurnEnd,
  }
}
