/** What waits for a thread's run to end: read, edited, moved, dropped, promoted. */

import type { Engine, Receipt } from '../../kernel/ports.ts'
import { type Reply, type Route, route } from '../../wire/dialect.ts'
import * as commands from './commands.ts'
import { idempotencyOf, KEY, replayed, send, threadOf } from './desk.ts'
import { queueView } from './project.ts'
import * as schema from './schema.ts'

const AT = '/manifold/v1/threads/{thread}/queue'
const tag = 'queue'

export const queueRoutes = (engine: Engine): Route[] => [
  route({
    method: 'GET',
    path: `${AT}`,
    tag,
    summary: 'What waits for the run that goes on, in order.',
    answers: { 200: { about: 'The entries.', schema: schema.Queue } },
    handle: async (call) => {
      const { id } = await threadOf(engine, call, call.path.thread as string)
      return queueOf(engine, id)
    },
  }),
  route({
    method: 'PATCH',
    path: `${AT}/{run}`,
    tag,
    headers: KEY,
    summary: 'Gives a waiting run another input, or another place.',
    body: schema.QueueBody,
    answers: { 200: { about: 'The entries.', schema: schema.Queue } },
    handle: async (call) => {
      const { id } = await threadOf(engine, call, call.path.thread as string)
      const run = call.path.run as string
      const command = commands.requeue(run, call.body, commands.originOf(call.principal))
      const receipt = await engine.submit(id, command, idempotencyOf(call))
      return queueOf(engine, id, receipt)
    },
  }),
  route({
    method: 'DELETE',
    path: `${AT}/{run}`,
    tag,
    headers: KEY,
    summary: 'Takes a waiting run out of the queue; it ends as cancelled.',
    answers: { 200: { about: 'The entries.', schema: schema.Queue } },
    handle: async (call) => {
      const { id } = await threadOf(engine, call, call.path.thread as string)
      const origin = commands.originOf(call.principal)
      const run = call.path.run as string
      const receipt = await engine.submit(id, { do: 'drop', run, origin }, idempotencyOf(call))
      return queueOf(engine, id, receipt)
    },
  }),
  route({
    method: 'POST',
    path: `${AT}/{run}/promote`,
    tag,
    headers: KEY,
    summary: 'Puts a waiting run at the head; with `interrupt` it also cancels what goes on.',
    body: schema.PromoteBody,
    bodyOptional: true,
    answers: { 202: { about: 'Done.', schema: schema.ReceiptView } },
    handle: async (call) => {
      const { id } = await threadOf(engine, call, call.path.thread as string)
      const { interrupt } = call.body
      const origin = commands.originOf(call.principal)
      const run = call.path.run as string
      return send(engine, call, id, { do: 'promote', run, interrupt, origin })
    },
  }),
]

async function queueOf(engine: Engine, id: string, receipt?: Receipt): Promise<Reply> {
  const thread = await engine.thread(id)
  const json = { items: queueView(thread), seq: thread.seq }
  return { status: 200, headers: replayed(receipt), json }
}
