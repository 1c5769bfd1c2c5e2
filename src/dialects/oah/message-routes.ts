/** Messages: send, read, and look around one; the queue; and compaction. */

import { isFault } from '../../kernel/fault.ts'
import type { Principal } from '../../kernel/ports.ts'
import type { Thread } from '../../kernel/thread.ts'
import { type Reply, type Route, route } from '../../wire/dialect.ts'
import type { z } from '../../wire/schema.ts'
import { inputOf } from './content.ts'
import { type Context, originOf } from './context.ts'
import { ended } from './ending.ts'
import { noRun, refusal } from './faults.ts'
import { iso } from './frame.ts'
import { inputMessageId, runId } from './id.ts'
import { filesNamed } from './mention.ts'
import { messagePage } from './page.ts'
import { queueItems } from './queue-telling.ts'
import { allMessages, messageResource } from './resource.ts'
import * as schema from './schema.ts'
import { chronicleOf, sessionOf } from './scope.ts'

const tag = 'runs'
const refused = { about: 'Refused', schema: schema.Refusal }
const MESSAGE_LIMIT = 16 * 1024 * 1024

export const messageRoutes = (context: Context): Route[] => [
  route({
    method: 'POST',
    path: '/api/v1/sessions/{session}/messages',
    summary: 'Say something; the answer is a run',
    tag,
    body: schema.NewMessage,
    bodyLimit: MESSAGE_LIMIT,
    answers: { 202: { about: 'It is accepted' }, 400: refused, 404: refused, 413: refused },
    handle: async ({ path, body, principal }) => {
      const thread = await sessionOf(context, principal, path.session as string)
      return { status: 202, json: await say(context, principal, thread, body) }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/sessions/{session}/messages',
    summary: 'What was said, in pages from either end',
    tag,
    query: schema.MessagesQuery,
    answers: { 200: { about: 'A page' }, 400: refused, 404: refused },
    handle: async ({ path, query, principal }) => {
      const all = await messagesOf(context, principal, path.session as string)
      return { status: 200, json: messagePage(all, query) }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/sessions/{session}/messages/{message}',
    summary: 'One message',
    tag,
    answers: { 200: { about: 'The message' }, 404: refused },
    handle: async ({ path, principal }) => {
      const all = await messagesOf(context, principal, path.session as string)
      return { status: 200, json: all[placeOf(all, path.message as string)] }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/sessions/{session}/messages/{message}/context',
    summary: 'A message with what was said around it',
    tag,
    query: schema.ContextQuery,
    answers: { 200: { about: 'The message and its neighbours' }, 404: refused },
    handle: async ({ path, query, principal }) => {
      const all = await messagesOf(context, principal, path.session as string)
      const at = placeOf(all, path.message as string)
      const from = Math.max(0, at - (query.before ?? 20))
      const to = at + 1 + (query.after ?? 20)
      return {
        status: 200,
        json: {
          anchor: all[at],
          before: all.slice(from, at),
          after: all.slice(at + 1, to),
          hasMoreBefore: from > 0,
          hasMoreAfter: to < all.length,
        },
      }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/sessions/{session}/queue',
    summary: 'What waits behind the run that goes on',
    tag,
    answers: { 200: { about: 'The queue, next first' }, 404: refused },
    handle: async ({ path, principal }) => {
      const thread = await sessionOf(context, principal, path.session as string)
      const { telling } = await chronicleOf(context, thread)
      return { status: 200, json: { items: queueItems(telling.queue) } }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/sessions/{session}/compact',
    summary: 'Put a summary in place of the older conversation; answers when it is done',
    tag,
    body: schema.CompactBody,
    bodyOptional: true,
    answers: { 200: { about: 'What came of it' }, 404: refused, 409: refused },
    handle: async ({ path, body, principal, signal }) => {
      const thread = await sessionOf(context, principal, path.session as string)
      return compact(context, principal, thread, { instructions: body?.instructions, signal })
    },
  }),
]

async function messagesOf(context: Context, who: Principal, session: string) {
  const thread = await sessionOf(context, who, session)
  const chronicle = await chronicleOf(context, thread)
  return allMessages(chronicle).map((m) => messageResource(thread.id, m))
}

function placeOf(all: { id: string }[], id: string): number {
  const at = all.findIndex((m) => m.id === id)
  if (at >= 0) return at
  throw refusal('not_found', 'message_not_found', `Message ${id} was not found.`)
}

async function say(
  context: Context,
  who: Principal,
  thread: Thread,
  { content, metadata, runningRunBehavior: behavior = 'queue' }: z.infer<typeof schema.NewMessage>,
) {
  const named = typeof content === 'string' ? await filesOf(context, thread, content) : []
  const hints = {
    ...(metadata === undefined ? {} : { metadata }),
    ...(named.length > 0 ? { attached: named.length } : {}),
    behavior,
  }
  const receipt = await context.engine.submit(thread.id, {
    do: 'submit',
    input: [...inputOf(content), ...named],
    busy: behavior,
    origin: originOf(who, hints),
  })
  const run = receipt.run as string
  const row = await context.engine.store.run(run)
  return {
    messageId: inputMessageId(run),
    runId: runId(run),
    status: 'queued',
    delivery: receipt.position === null ? 'active_run' : 'session_queue',
    ...(receipt.position === null ? {} : { queuedPosition: receipt.position }),
    createdAt: iso(row?.createdAt ?? context.settings.now()),
  }
}

/** A folder that is gone has no files that could be meant. */
const filesOf = ({ engine }: Context, { workspace }: Thread, text: string) =>
  filesNamed(text, () =>
    engine.sandbox.openWorkspace(workspace).catch((error) => {
      if (isFault(error)) return null
      throw error
    }),
  )

async function compact(
  context: Context,
  who: Principal,
  thread: Thread,
  { instructions, signal }: { instructions: string | undefined; signal: AbortSignal },
): Promise<Reply> {
  const receipt = await context.engine.submit(thread.id, {
    do: 'compact',
    ...(instructions ? { instructions } : {}),
    origin: originOf(who),
  })
  const id = receipt.run as string
  await ended(context.engine, { thread: thread.id, after: receipt.seq, run: id, signal })
  const chronicle = await chronicleOf(context, await context.engine.thread(thread.id))
  const run = chronicle.runs.get(id)
  if (!run) throw noRun(runId(id))
  if (run.status !== 'completed')
    throw refusal(
      'conflict',
      'session_compact_failed',
      run.errorMessage ?? `The compaction was ${run.status}.`,
      run.status === 'failed' ? 502 : 409,
    )
  const done = run.compaction
  const outcome =
    done && 'boundary' in done
      ? {
          compacted: true,
          boundaryMessageId: done.boundary,
          summaryMessageId: done.summary,
          summarizedMessageCount: done.count,
        }
      : { compacted: false, reason: done?.reason ?? 'insufficient_history' }
  return {
    status: 200,
    json: {
      runId: runId(id),
      status: 'completed',
      ...outcome,
      createdAt: iso(run.createdAt),
      completedAt: iso(run.endedAt ?? run.createdAt),
    },
  }
}
