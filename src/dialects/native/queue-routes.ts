/** What waits for a thread's run to end: read, edited, moved, dropped, promoted. */

import type { Engine } from '../../kernel/ports.ts'
import { type Reply, type Route, route } from '../../wire/dialect.ts'
import * as commands from './commands.ts'
import { send, threadOf } from './desk.ts'
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
    answers: { 200: { about: 'The entries.', schema: schema.Items } },
    handle: async (call) => {
      const { id } = await threadOf(engine, call, call.path.thread as string)
      return queueOf(engine, id)
    },
  }),
  route({
    method: 'PATCH',
    path: `${AT}/{run}`,
    tag,
    summary: 'Gives a waiting run another input, another place, or both.',
    body: schema.QueueBody,
    answers: { 200: { about: 'The entries.', schema: schema.Items } },
    handle: async (call) => {
      const { id } = await threadOf(engine, call, call.path.thread as string)
      const run = call.path.run as string
      const { input, place } = call.body
      const origin = commands.originOf(call.principal)
      if (input !== undefined)
        await engine.submit(id, { do: 'edit', run, input: commands.partsOf(input), origin })
      if (place !== undefined) await engine.submit(id, { do: 'move', run, place, origin })
      return queueOf(engine, id)
    },
  }),
  route({
    method: 'DELETE',
    path: `${AT}/{run}`,
    tag,
    summary: 'Takes a waiting run out of the queue; it ends as cancelled.',
    answers: { 200: { about: 'The entries.', schema: schema.Items } },
    handle: async (call) => {
      const { id } = await threadOf(engine, call, call.path.thread as string)
      const origin = commands.originOf(call.principal)
      await engine.submit(id, { do: 'drop', run: call.path.run as string, origin })
      return queueOf(engine, id)
    },
  }),
  route({
    method: 'POST',
    path: `${AT}/{run}/promote`,
    tag,
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

async function queueOf(engine: Engine, id: string): Promise<Reply> {
  const thread = await engine.thread(id)
  return { status: 200, json: { items: queueView(thread), seq: thread.seq } }
}
