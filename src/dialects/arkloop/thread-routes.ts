/** Threads: made, found, changed, starred, forked, deleted. */

import type { Actor } from '../../kernel/accounts.ts'
import { Fault } from '../../kernel/fault.ts'
import { type ThreadRow, threadRow } from '../../kernel/rows.ts'
import type { Thread } from '../../kernel/thread.ts'
import type { Context } from './context.ts'
import { invalid } from './faults.ts'
import { forkThread } from './fork.ts'
import { originOf } from './hints.ts'
import { defaultAgent } from './persona.ts'
import { file, projectIn, projectOf } from './project-record.ts'
import { type ArkRoute, ark, json, nothing } from './row.ts'
import { ForkBody, NewThreadBody, SearchQuery, ThreadPatch, ThreadsQuery } from './schema.ts'
import { demandOwn, idIn, makerOf, readable, refuseAction, threadOf } from './scope.ts'
import {
  activeRunOf,
  isPrivate,
  isStarred,
  markPrivate,
  star,
  starred,
  threadView,
  unstar,
} from './thread-view.ts'
import { listThreads, searchThreads } from './threads-list.ts'

const READ = { may: 'data.threads.read', about: 'thread' } as const
const WRITE = { may: 'data.threads.write', about: 'thread' } as const

export const threadRoutes = (context: Context): ArkRoute[] => [
  ark({
    method: 'POST',
    path: '/v1/threads',
    summary: 'Make a thread',
    rule: { may: 'data.threads.write', about: 'none' },
    body: NewThreadBody,
    answers: 201,
    handle: async ({ actor, body }) => {
      const { engine, settings } = context
      const project = await projectFor(context, actor, body.project_id)
      const agent = defaultAgent(engine.catalog)
      if (!agent) throw new Fault('unavailable', 'There is no agent: add one to the agents folder.')
      const thread = await engine.openThread({
        agent: agent.name,
        title: body.title ?? null,
        account: actor.account,
        origin: originOf(actor),
        ...(settings.workspaceFor ? { workspace: settings.workspaceFor(actor.account) } : {}),
      })
      const hidden = body.is_private === true
      if (hidden) await markPrivate(engine, thread.id, settings.now())
      if (project !== null) await file(engine, thread.id, project)
      return json(await view(context, threadRow(thread), { isPrivate: hidden, project }), 201)
    },
  }),
  ark({
    method: 'GET',
    path: '/v1/threads',
    summary: 'One’s own threads, the one that changed last first',
    rule: { may: 'data.threads.read', about: 'none' },
    query: ThreadsQuery,
    handle: async ({ actor, query }) => json(await listThreads(context, actor, query)),
  }),
  ark({
    method: 'GET',
    path: '/v1/threads/search',
    summary: 'One’s own threads that say something',
    rule: { may: 'data.threads.read', about: 'none' },
    query: SearchQuery,
    handle: async ({ actor, query }) => json(await searchThreads(context, actor, query)),
  }),
  ark({
    method: 'GET',
    path: '/v1/threads/starred',
    summary: 'Ids of one’s starred threads',
    rule: { may: 'data.threads.read', about: 'none' },
    handle: async ({ actor }) => {
      const ids = await starred(context.engine, actor.id)
      const rows = await Promise.all(ids.map((id) => context.engine.store.thread(id)))
      return json(rows.flatMap((row) => (row && row.account === actor.account ? [row.id] : [])))
    },
  }),
  ark({
    method: 'GET',
    path: '/v1/threads/{thread}',
    summary: 'A thread',
    rule: READ,
    handle: async ({ actor, path }) => {
      refuseAction(path.thread, ['retry', 'continue', 'fork', 'star', 'report'])
      const row = await readable(context, actor, idIn(path, 'thread'), 'threads.get')
      return json(await view(context, row))
    },
  }),
  ark({
    method: 'PATCH',
    path: '/v1/threads/{thread}',
    summary: 'Give a thread another title',
    rule: WRITE,
    body: ThreadPatch,
    handle: async ({ actor, path, body }) => {
      const id = idIn(path, 'thread')
      const { engine } = context
      await threadOf(context, actor, id, 'threads.update')
      const project = await projectFor(context, actor, body.project_id)
      if (body.project_id !== undefined) await file(engine, id, project)
      const { title } = body
      if (title !== undefined)
        await engine.submit(id, { do: 'change', title, origin: originOf(actor) })
      return json(await view(context, threadRow(await engine.thread(id))))
    },
  }),
  ark({
    method: 'DELETE',
    path: '/v1/threads/{thread}',
    summary: 'Delete a thread and all that was said in it',
    rule: WRITE,
    answers: 204,
    handle: async ({ actor, path }) => {
      const { id } = await threadOf(context, actor, idIn(path, 'thread'), 'threads.delete')
      await context.engine.erase(id)
      if (await isStarred(context.engine, actor.id, id)) await unstar(context.engine, actor.id, id)
      return nothing
    },
  }),
  ...(
    [
      ['POST', 'Star a thread', star],
      ['DELETE', 'Take a thread’s star away', unstar],
    ] as const
  ).map(([method, summary, change]) =>
    ark({
      method,
      path: '/v1/threads/{thread}:star',
      summary,
      rule: WRITE,
      answers: 204,
      handle: async ({ actor, path }) => {
        const id = idIn(path, 'thread')
        await demandOwn(context, actor, id, 'threads.update')
        await change(context.engine, actor.id, id)
        return nothing
      },
    }),
  ),
  ark({
    method: 'POST',
    path: '/v1/threads/{thread}:fork',
    summary: 'A new thread that begins with what was said up to a message',
    rule: WRITE,
    body: ForkBody,
    answers: 201,
    handle: async ({ actor, path, body }) => {
      const { engine, settings } = context
      const source: Thread = await threadOf(context, actor, idIn(path, 'thread'), 'threads.fork')
      const fork = await forkThread(context, actor, source, body.message_id.toLowerCase())
      const hidden = body.is_private === true
      if (hidden) await markPrivate(engine, fork.thread.id, settings.now())
      const facts = { isPrivate: hidden, project: null }
      const shown = await view(context, threadRow(fork.thread), facts)
      return json({ ...shown, id_mapping: fork.mapping }, 201)
    },
  }),
]

/** Null for none. What belongs to another account is not there. */
async function projectFor(
  { engine }: Context,
  actor: Actor,
  id: string | null | undefined,
): Promise<string | null> {
  if (id === null || id === undefined) return null
  const project = await projectIn(engine, actor.account, id.toLowerCase())
  if (project) return project.id
  throw invalid('project not found in account')
}

interface Known {
  isPrivate: boolean
  project: string | null
}

async function view(context: Context, row: ThreadRow, known?: Known) {
  const { engine } = context
  const maker = await makerOf(context, row)
  const { isPrivate: hidden, project } = known ?? {
    isPrivate: await isPrivate(engine, row.id),
    project: (await projectOf(engine, row))?.id ?? null,
  }
  return threadView(row, { maker, isPrivate: hidden, activeRun: activeRunOf(row), project })
}
