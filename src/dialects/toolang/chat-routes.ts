/** Talking: models, a whole answer, an answer as it comes; and threads made before their first word. */

import { type Route, route } from '../../wire/dialect.ts'
import { newThread, peerOf, runEnded, startChat } from './chat.ts'
import { chatReply } from './chat-stream.ts'
import type { Context } from './context.ts'
import { runId, type ThreadKind, threadId } from './id.ts'
import { modelList } from './model.ts'
import { assistantOf, inputMessage } from './record.ts'
import { ChatRequest, Fields, NewThread, Problem } from './schema.ts'
import { runOf, taleOf } from './scope.ts'
import { threadInfo } from './thread-info.ts'

const tag = 'chat'
const refused = { about: 'Refused', schema: Problem }

/** Terminals speak the next version; other clients may be the AI SDK, which knows no such frame. */
const isTerminal = (kind: ThreadKind): boolean => kind === 'tui' || kind === 'term'

export const chatRoutes = (context: Context): Route[] => [
  {
    method: 'GET',
    path: '/api/v1/chat/models',
    summary: 'List Chat Models',
    tag,
    answers: { 200: { about: 'Successful Response', schema: Fields } },
    handle: async () => ({ status: 200, json: await modelList(context.engine.models) }),
  },
  route({
    method: 'POST',
    path: '/api/v1/chat',
    summary: 'Submit Chat',
    tag,
    body: ChatRequest,
    answers: { 200: { about: 'Successful Response', schema: Fields }, 422: refused },
    handle: async (call) => {
      const receipt = await startChat(context, call)
      await runEnded(context.engine, receipt, call.signal)
      const found = await runOf(context, call.principal, runId(receipt.run as string))
      const { run, place, at } = found
      const tale = await taleOf(context, found)
      const names = { thread_id: threadId(place.kind, place.thread), run_id: runId(run.id) }
      const first = tale.inputs[0]
      const json = {
        thread_id: names.thread_id,
        thread: threadInfo(place.thread, at),
        run_id: names.run_id,
        message: first ? inputMessage(first.payload, names) : null,
        assistant: assistantOf(run, place, tale),
      }
      return { status: 200, json }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/chat/stream',
    summary: 'Submit Chat Stream',
    tag,
    body: ChatRequest,
    answers: { 200: { about: 'Successful Response' }, 422: refused },
    handle: async (call) => {
      const receipt = await startChat(context, call)
      const found = await runOf(context, call.principal, runId(receipt.run as string))
      const { run, place } = found
      const id = threadId(place.kind, place.thread)
      const queued = isTerminal(place.kind) ? { position: receipt.position ?? 0 } : {}
      const { firstSeq } = run
      return chatReply({ thread: place.thread, run: run.id, threadId: id, firstSeq, ...queued })
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/threads',
    summary: 'Create Thread',
    tag: 'activity',
    body: NewThread,
    answers: { 200: { about: 'Successful Response', schema: Fields }, 422: refused },
    handle: async ({ body, principal }) => {
      const peer = body.peer ? { peer: peerOf(body.peer) } : {}
      const client = body.client === 'web' || body.client === 'chat' ? body.client : 'term'
      const hints = { client, ...peer }
      const { id, seq } = await context.engine.openThread(newThread(context, principal, hints))
      const at = await context.journal.reckon(id, seq)
      return { status: 200, json: { thread_id: threadId(at.kind, id), thread: threadInfo(id, at) } }
    },
  }),
]
