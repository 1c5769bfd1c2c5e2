/** Sessions: make, list, read, change, delete; and what was said in them. */

import type { Principal } from '../../kernel/ports.ts'
import { type ThreadRow, threadRow } from '../../kernel/rows.ts'
import type { Thread } from '../../kernel/thread.ts'
import { type Route, route } from '../../wire/dialect.ts'
import type { z } from '../../wire/schema.ts'
import { definitionOf, leadAgent } from './agents.ts'
import { type Context, originOf } from './context.ts'
import { refusal } from './faults.ts'
import { isWorkspaceId, sessionId } from './id.ts'
import { modelOf } from './models.ts'
import { offsetOf, sizeOf } from './page.ts'
import { sessionResource } from './resource.ts'
import * as schema from './schema.ts'
import { sessionOf, sessionsIn } from './scope.ts'

const tag = 'sessions'
const refused = { about: 'Refused', schema: schema.Refusal }
const ownsWorkspace = (path: Record<string, string>): boolean => isWorkspaceId(path.workspace)

export const sessionRoutes = (context: Context): Route[] => [
  route({
    method: 'POST',
    path: '/api/v1/workspaces/{workspace}/sessions',
    summary: 'Begin a session',
    tag,
    owns: ownsWorkspace,
    body: schema.NewSession,
    answers: { 201: { about: 'The session' }, 404: refused, 409: refused },
    handle: async ({ path, body, principal }) => {
      const thread = await openSession(context, principal, path.workspace as string, body)
      return { status: 201, json: await shown(context, thread) }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/workspaces/{workspace}/sessions',
    summary: "A workspace's sessions, the one that changed last first",
    tag,
    owns: ownsWorkspace,
    query: schema.PageQuery,
    answers: { 200: { about: 'A page' }, 404: refused },
    handle: async ({ path, query, principal }) => {
      const workspace = await context.shelf.get(principal, path.workspace as string)
      const page = { limit: sizeOf(query), offset: offsetOf(query) }
      const rows = await sessionsIn(context, principal, workspace, page)
      const items = await Promise.all(rows.map((row) => resourceOf(context, row, workspace.id)))
      const next = { nextCursor: String(page.offset + items.length) }
      return { status: 200, json: { items, ...(items.length === page.limit ? next : {}) } }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/sessions/{session}',
    summary: 'One session',
    tag,
    answers: { 200: { about: 'The session' }, 404: refused },
    handle: async ({ path, principal }) => {
      const thread = await sessionOf(context, principal, path.session as string)
      return { status: 200, json: await shown(context, thread) }
    },
  }),
  route({
    method: 'PATCH',
    path: '/api/v1/sessions/{session}',
    summary: 'Give a session another title, agent or model',
    tag,
    body: schema.SessionPatch,
    answers: { 200: { about: 'The session' }, 404: refused, 409: refused },
    handle: async ({ path, body, principal }) => {
      const thread = await sessionOf(context, principal, path.session as string)
      await change(context, principal, thread, body)
      return { status: 200, json: await shown(context, await context.engine.thread(thread.id)) }
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/sessions/{session}',
    summary: 'Delete a session, its runs, and the sessions of its subagents',
    tag,
    answers: { 204: { about: 'It is gone' }, 404: refused },
    handle: async ({ path, principal }) => {
      const thread = await sessionOf(context, principal, path.session as string)
      await context.engine.erase(thread.id)
      context.chronicles.forget(thread.id)
      return { status: 204, empty: true }
    },
  }),
]

export async function openSession(
  context: Context,
  who: Principal,
  workspaceId: string,
  wanted: z.infer<typeof schema.NewSession>,
): Promise<Thread> {
  const workspace = await context.shelf.get(who, workspaceId)
  const definition = await definitionOf(context, workspace)
  const { title, agentName, modelRef } = wanted
  const agent = leadAgent(context, workspace, definition, agentName)
  const model =
    modelRef === undefined ? null : await modelOf(context.engine, modelRef, definition.models)
  const hints: Record<string, string> = agentName === undefined ? {} : { agentName }
  return context.engine.openThread({
    agent: agent.inside,
    model,
    title: title ?? null,
    workspace: workspace.root,
    policy: await context.desk.policy(),
    origin: originOf(who, hints),
    account: who.account,
  })
}

async function change(
  context: Context,
  who: Principal,
  thread: Thread,
  patch: z.infer<typeof schema.SessionPatch>,
): Promise<void> {
  const { title, activeAgentName, modelRef } = patch
  const isUsed = thread.runs > 0 || thread.queue.length > 0 || thread.messages.length > 0
  if (modelRef !== undefined && isUsed)
    throw refusal(
      'conflict',
      'session_model_locked',
      `Session ${sessionId(thread.id)} has begun, so its model cannot be changed.`,
    )
  const place = { id: context.shelf.idOf(thread.workspace), root: thread.workspace }
  const definition = await definitionOf(context, place)
  const agent =
    activeAgentName === undefined
      ? null
      : leadAgent(context, place, definition, activeAgentName).inside
  const model = modelRef ? await modelOf(context.engine, modelRef, definition.models) : modelRef
  await context.engine.submit(thread.id, {
    do: 'change',
    ...(title === undefined ? {} : { title }),
    ...(agent === null ? {} : { agent }),
    ...(model === undefined ? {} : { model }),
    origin: originOf(who),
  })
}

const shown = (context: Context, thread: Thread) =>
  resourceOf(context, threadRow(thread), context.shelf.idOf(thread.workspace))

const resourceOf = async ({ sessions }: Context, row: ThreadRow, workspaceId: string) =>
  sessionResource({ row, workspaceId, hints: await sessions.hints(row.id) })
