/** The agents of a thread - itself and those that worked for it - and what each of them says. */

import type { ThreadRow } from '../../kernel/rows.ts'
import type { Thread } from '../../kernel/thread.ts'
import { type Reply, type Route, route } from '../../wire/dialect.ts'
import { cursorOf } from './commands.ts'
import { type Context, reckon } from './context.ts'
import { refusal } from './faults.ts'
import { agentId, isThreadId, ROOT, threadId } from './id.ts'
import type { Reckoning } from './journal.ts'
import { iso } from './messages.ts'
import { Problem, SinceQuery } from './schema.ts'
import { agentThread, descendants, threadOf } from './scope.ts'
import {
  childFeed,
  DONE,
  feedReply,
  replayComplete,
  rootFeed,
  STREAM_HEADERS,
  streamStart,
} from './stream.ts'

const refused = { about: 'Refused', schema: Problem }
const owns = (path: Record<string, string>): boolean => isThreadId(path.thread)

const MAX_HISTORY = 10_000

export const agentRoutes = (context: Context): Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/threads/{thread}/agents',
    summary: 'The agents of a thread',
    tag: 'threads',
    answers: { 200: { about: 'The agents' }, 404: refused },
    owns,
    handle: async ({ path, principal }) => {
      const thread = await threadOf(context.engine, principal, path.thread as string)
      const agents = await agentsOf(context, thread)
      return {
        status: 200,
        json: { threadId: threadId(thread.id), count: agents.length, agents },
      }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/threads/{thread}/agents/{agent}/events',
    summary: 'The frames of one agent',
    tag: 'events',
    query: SinceQuery,
    answers: { 200: { about: 'Server-sent events' }, 400: refused, 404: refused, 409: refused },
    owns,
    handle: async ({ path, query, principal }) => {
      const thread = await threadOf(context.engine, principal, path.thread as string)
      return await agentEvents(context, thread, path.agent as string, query.since)
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/threads/{thread}/agents/{agent}/events/history',
    summary: 'The frames of one agent as a page',
    tag: 'events',
    query: SinceQuery,
    answers: { 200: { about: 'Up to 10 000 frames' }, 400: refused, 404: refused },
    owns,
    handle: async ({ path, query, principal }) => {
      const thread = await threadOf(context.engine, principal, path.thread as string)
      const since = cursorOf(query.since, 'Thread') ?? 0
      return { status: 200, json: await history(context, thread, path.agent as string, since) }
    },
  }),
]

export async function agentsOf(context: Context, thread: Thread): Promise<unknown[]> {
  const root = await reckon(context, thread)
  const below = await descendants(context.engine, thread.id)
  const agents = await Promise.all(
    below.map(async (row) => ({
      agentId: agentId(row.id),
      parentAgentId: parentName(thread, row),
      eventCount: (await context.journal.reckon(row.id, row.seq)).state.seq,
    })),
  )
  return [{ agentId: ROOT, parentAgentId: null, eventCount: root.state.seq }, ...agents]
}

const parentName = (root: Thread, { parentThread }: Pick<ThreadRow, 'parentThread'>) =>
  parentThread === root.id || parentThread === null ? ROOT : agentId(parentThread)

async function agentEvents(
  context: Context,
  thread: Thread,
  agent: string,
  sinceText: unknown,
): Promise<Reply> {
  const since = cursorOf(sinceText, 'Thread') ?? 0
  const address = { threadId: threadId(thread.id), agentId: agent }
  const own = await agentThread(context.engine, thread, agent)
  if (!own) return nobody(address, since)
  const at = await reckon(context, own)
  refuseAhead(at, since)
  const feed = agent === ROOT ? rootFeed : childFeed
  return feedReply(feed(own.id, address, at, since))
}

function refuseAhead(at: Reckoning, since: number): void {
  if (since > at.state.seq)
    throw refusal('conflict', 'cursor_ahead', 'Thread cursor is ahead of the stream', {
      streamHighWaterCursor: at.state.seq,
    })
}

/** An agent that never spoke has a stream too; it is empty and over. */
function nobody(address: { threadId: string; agentId: string }, since: number): Reply {
  const text =
    streamStart(address, since, 0) +
    replayComplete(address, { since, maxSeqAtStart: 0 }, 0, false) +
    DONE
  return { status: 200, headers: STREAM_HEADERS, text, type: 'text/event-stream' }
}

async function history(
  context: Context,
  thread: Thread,
  agent: string,
  since: number,
): Promise<unknown> {
  const own = await agentThread(context.engine, thread, agent)
  const maxSeq = own ? (await reckon(context, own)).state.seq : 0
  const frames = own ? await context.journal.frames(own.id, own.seq, since, MAX_HISTORY) : []
  const parentThread = own?.parent?.thread ?? null
  const parentAgentId = agent === ROOT ? null : parentName(thread, { parentThread })
  const events = frames.map(({ seq, at, body }) => ({
    seq,
    type: body.type,
    payload: body,
    createdAt: iso(at),
    parentAgentId,
  }))
  return {
    threadId: threadId(thread.id),
    agentId: agent,
    since,
    count: events.length,
    maxSeq,
    events,
  }
}
