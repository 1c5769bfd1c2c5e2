/** Chats: make, list, read, delete, stop, compact; and which profile answers in them. */

import type { Agent } from '../../kernel/agent.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Engine, Principal, SharedPolicy } from '../../kernel/ports.ts'
import { contextOf, contextTokens, type Thread } from '../../kernel/thread.ts'
import { type Call, type Reply, type Route, route } from '../../wire/dialect.ts'
import { attempt } from './attempt.ts'
import { cancelRequest } from './commands.ts'
import { compactChat } from './compact.ts'
import { accountOf, type Context, chatOf, findChat, originOf } from './context.ts'
import { detail } from './faults.ts'
import { readTurns } from './history.ts'
import { chatId } from './id.ts'
import { COMPACTION, POLICY } from './permission.ts'
import { nameIn, profileOf } from './profile-routes.ts'
import { readDefault } from './record.ts'
import { DefaultProfile, NamedProfile } from './schema.ts'

const tag = 'chats'
const noChat = { about: 'There is no such chat' }

export const chatRoutes = (context: Context): Route[] => [
  ...lifeRoutes(context),
  ...stopRoutes(context),
  ...contextRoutes(context),
  ...profileRoutes(context),
]

// ---- the chat itself ----------------------------------------------------------------------------

const lifeRoutes = (context: Context): Route[] => [
  route({
    method: 'POST',
    path: '/api/chats',
    summary: 'Make a chat; it gets the default profile',
    tag,
    answers: { 201: { about: 'Its id' } },
    handle: async ({ principal }) => {
      const thread = await openChat(context.engine, principal)
      return { status: 201, json: { chat_id: thread.id } }
    },
  }),
  route({
    method: 'GET',
    path: '/api/chats',
    summary: 'All chats, also those that were made in another way',
    tag,
    answers: { 200: { about: 'Their ids' } },
    handle: async ({ principal }) => {
      const chats = (await chatIds(context.engine, principal)).map((chat_id) => ({ chat_id }))
      return { status: 200, json: { chats } }
    },
  }),
  route({
    method: 'GET',
    path: '/api/chats/{chat_id}',
    summary: 'What the model reads of a chat',
    tag,
    answers: { 200: { about: 'Its turns' }, 404: noChat },
    handle: async (call) => {
      const thread = await chatOf(context, call)
      return {
        status: 200,
        json: { chat_id: thread.id, turns: await readTurns(context.engine, thread) },
      }
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/chats/{chat_id}',
    summary: 'Delete a chat, also one that is gone already',
    tag,
    answers: { 200: { about: 'It is gone' } },
    handle: async ({ path, principal }) => {
      const id = chatId(path.chat_id ?? '')
      if (await findChat(context.engine, principal, id)) await erase(context.engine, id)
      return { status: 200, json: { deleted: true } }
    },
  }),
]

async function openChat(engine: Engine, principal: Principal): Promise<Thread> {
  const chosen = await readDefault(engine.store)
  const { catalog } = engine
  const agent =
    (chosen === null ? null : catalog.agent(chosen)) ??
    catalog.agent('assistant') ??
    catalog.agents()[0]
  if (!agent) throw detail('unknown_agent', 'There is no agent. Add one to the agents folder.')
  return engine.openThread({
    agent: agent.name,
    policy: POLICY,
    origin: originOf(principal),
    account: principal.account,
  })
}

const PAGE = 1000

/** Threads that an agent opened for a task of its own are no chats. */
async function chatIds(engine: Engine, principal: Principal): Promise<string[]> {
  const query = { ...accountOf(principal), parentThread: null, limit: PAGE }
  const ids: string[] = []
  for (;;) {
    const page = await engine.store.threads({ ...query, offset: ids.length })
    ids.push(...page.items.map((row) => row.id))
    if (page.items.length < PAGE) return ids
  }
}

/** Somebody else may have been quicker. */
async function erase(engine: Engine, id: string): Promise<void> {
  try {
    await engine.erase(id)
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'not_found') throw error
  }
}

// ---- stopping -----------------------------------------------------------------------------------

const stopRoutes = (context: Context): Route[] => {
  const stop = async (call: Asking, queue: 'keep' | 'drop'): Promise<void> => {
    const { id } = await chatOf(context, call, () => 'Session not active')
    await attempt(context.engine, id, cancelRequest(queue, originOf(call.principal)))
  }
  return [
    route({
      method: 'POST',
      path: '/api/chats/{chat_id}/cancel',
      summary: 'Cancel the run that is going on; what waits goes on',
      tag,
      answers: { 200: { about: 'Nothing runs any more' }, 404: noChat },
      handle: async (call) => {
        await stop(call, 'keep')
        return { status: 200, json: { cancelled: true } }
      },
    }),
    route({
      method: 'POST',
      path: '/api/chats/{chat_id}/panic',
      summary: 'Cancel the run that is going on, and drop what waits',
      tag,
      answers: { 200: { about: 'Nothing runs or waits any more' }, 404: noChat },
      handle: async (call) => {
        await stop(call, 'drop')
        return { status: 200, json: { panicked: true } }
      },
    }),
  ]
}

type Asking = Pick<Call, 'path' | 'principal' | 'signal'>

// ---- the context --------------------------------------------------------------------------------

const contextRoutes = (context: Context): Route[] => [
  route({
    method: 'GET',
    path: '/api/chats/{chat_id}/context',
    summary: 'How full the context is',
    tag,
    answers: { 200: { about: 'Tokens, window and threshold' }, 404: noChat },
    handle: async (call) => {
      const { engine } = context
      const thread = await chatOf(context, call)
      const agent = engine.catalog.agent(thread.agent)
      if (!agent) throw detail('conflict', 'No active model or context', 400)
      const json = {
        current_tokens: contextTokens(thread),
        context_window: await windowOf(engine, thread, agent),
        compaction_threshold: await thresholdOf(engine, thread, agent),
      }
      return { status: 200, json }
    },
  }),
  route({
    method: 'POST',
    path: '/api/chats/{chat_id}/compact',
    summary: 'Put a summary in place of all but the last four exchanges',
    tag,
    answers: { 200: { about: 'Before and after' }, 404: noChat },
    handle: async (call) => {
      const thread = await chatOf(context, call)
      if (!context.engine.catalog.agent(thread.agent))
        throw detail('conflict', 'No active session to compact', 400)
      if (userTurns(thread) <= COMPACTION.keepExchanges)
        throw detail(
          'conflict',
          'Not enough conversation history to compact — need more than 4 exchanges.',
          400,
        )
      const json = await compactChat(context.engine, thread.id, {
        origin: originOf(call.principal),
        signal: call.signal,
      })
      return { status: 200, json }
    },
  }),
]

async function windowOf(engine: Engine, thread: Thread, agent: Agent): Promise<number | null> {
  const model =
    thread.active?.model ?? thread.model ?? agent.model ?? (await engine.models.preferred())
  return engine.models.card(model)?.contextWindow ?? null
}

/** Of the thread's own policy; 1 where nothing is compacted by itself. */
async function thresholdOf(engine: Engine, thread: Thread, agent: Agent): Promise<number> {
  const kept = thread.policy === null ? null : await engine.store.get('policy', thread.policy)
  const policy = kept as unknown as SharedPolicy | null
  return (policy?.compaction ?? agent.compaction).threshold ?? 1
}

/** The summary counts, as in the real gateway: right after a compaction nothing more is removed. */
const userTurns = (thread: Thread): number =>
  contextOf(thread).filter((m) => m.role === 'user' && !m.steered).length

// ---- the profile --------------------------------------------------------------------------------

const profileRoutes = (context: Context): Route[] => {
  const absent = (id: string) => `Chat ${id} not found`
  const get = async (call: Asking): Promise<Reply> => {
    const { agent } = await chatOf(context, call, absent)
    return { status: 200, json: { profile_name: agent } }
  }
  const set = async (call: Asking, name: string): Promise<Reply> => {
    const thread = await chatOf(context, call, absent)
    await checkSwitch(context.engine, thread, profileOf(context.engine, name))
    const origin = originOf(call.principal)
    await context.engine.submit(thread.id, { do: 'change', agent: name, model: null, origin })
    return { status: 200, json: { profile_name: name } }
  }
  const summary = { get: 'The profile of a chat', set: 'Switch the profile of a chat' }
  const answers = { 200: { about: 'The profile' }, 404: noChat }
  const paths = {
    real: '/api/chats/{chat_id}/active-profile',
    page: '/api/chats/{chat_id}/profile',
  }
  return [
    { method: 'GET', path: paths.real, summary: summary.get, tag, answers, handle: get },
    { method: 'GET', path: paths.page, summary: summary.get, tag, answers, handle: get },
    route({
      method: 'POST',
      path: paths.real,
      summary: summary.set,
      tag,
      body: DefaultProfile,
      answers,
      handle: (call) => set(call, call.body.profile_name),
    }),
    route({
      method: 'PUT',
      path: paths.page,
      summary: summary.set,
      tag,
      body: NamedProfile,
      answers,
      handle: (call) => set(call, nameIn(call.body)),
    }),
  ]
}

/** The new model must be callable, and a context that it cannot hold must be made smaller first. */
async function checkSwitch(engine: Engine, thread: Thread, agent: Agent): Promise<void> {
  const model = agent.model ?? (await engine.models.preferred())
  const fault = await engine.models.check(model)
  if (fault) throw fault
  const window = engine.models.card(model)?.contextWindow ?? null
  const tokens = contextTokens(thread)
  if (window === null || tokens <= window) return
  const count = (n: number): string => n.toLocaleString('en-US')
  throw detail(
    'conflict',
    `Current context (~${count(tokens)} tokens) exceeds '${agent.name}' context window (${count(window)} tokens). Run /compact first, or stay on the current model.`,
  )
}
