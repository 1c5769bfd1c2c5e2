/** Threads: opened, read, changed, submitted to, forked, compacted. */

import { isAbsolute } from 'node:path'
import { Fault } from '../../kernel/fault.ts'
import type { Engine, Receipt } from '../../kernel/ports.ts'
import { type Call, type Route, route } from '../../wire/dialect.ts'
import * as commands from './commands.ts'
import { readOn } from './cursor.ts'
import {
  accountOf,
  agentOf,
  begin,
  checkModel,
  earlierOf,
  idempotencyOf,
  KEY,
  pageOf,
  receipt,
  refuseKey,
  replayed,
  send,
  threadOf,
} from './desk.ts'
import { threadSummary, threadView } from './project.ts'
import * as schema from './schema.ts'

const AT = '/manifold/v1/threads'
const ONE = `${AT}/{thread}`
const tag = 'threads'

export const threadRoutes = (engine: Engine): Route[] => [
  route({
    method: 'POST',
    path: AT,
    tag,
    headers: KEY,
    summary: 'Opens a thread, with a first input if you like.',
    body: schema.OpenBody.prefault({}),
    bodyOptional: true,
    answers: { 201: { about: 'The thread.', schema: schema.ThreadView } },
    handle: (call) => open(engine, call),
  }),
  route({
    method: 'GET',
    path: AT,
    tag,
    summary: 'Lists threads, the one that changed last first.',
    query: schema.ThreadsQuery,
    answers: { 200: { about: 'A page.', schema: schema.ThreadPage } },
    handle: async ({ query, principal }) => {
      const { limit = 50, offset = 0, parent, ...filters } = query
      const parentThread =
        parent === undefined ? {} : { parentThread: parent === 'none' ? null : parent }
      const page = await engine.store.threads({
        ...commands.given(filters),
        ...parentThread,
        ...accountOf(principal),
        limit,
        offset,
      })
      const on = readOn(page.items, { limit, before: query.before }, (t) => t.updatedAt)
      return { status: 200, json: { ...pageOf(page, offset, threadSummary), ...on } }
    },
  }),
  route({
    method: 'GET',
    path: ONE,
    tag,
    summary: 'One thread as it is now; follow its events from `seq` to stay up to date.',
    query: schema.ThreadQuery,
    answers: { 200: { about: 'The thread.', schema: schema.ThreadView } },
    handle: async (call) => {
      const { id } = await threadOf(engine, call, call.path.thread as string)
      return { status: 200, json: threadView(await engine.thread(id), call.query.messages ?? 100) }
    },
  }),
  route({
    method: 'PATCH',
    path: ONE,
    tag,
    headers: KEY,
    summary: 'Changes title, agent, model or policy, for the runs to come.',
    body: schema.ChangeBody,
    answers: { 200: { about: 'The thread.', schema: schema.ThreadView } },
    handle: async (call) => {
      const { id } = await threadOf(engine, call, call.path.thread as string)
      const { body, principal } = call
      if (body.agent !== undefined) agentOf(engine, body.agent)
      await checkModel(engine, body.model)
      const origin = commands.originOf(principal)
      const command = { do: 'change' as const, ...commands.given(body), origin }
      const receipt = await engine.submit(id, command, idempotencyOf(call))
      return {
        status: 200,
        headers: replayed(receipt),
        json: threadView(await engine.thread(id), 0),
      }
    },
  }),
  route({
    method: 'DELETE',
    path: ONE,
    tag,
    summary: 'Ends what goes on in the thread and deletes it, log and all.',
    answers: { 204: { about: 'It is gone.' } },
    handle: async (call) => {
      const { id } = await threadOf(engine, call, call.path.thread as string)
      await engine.erase(id)
      return { status: 204, empty: true }
    },
  }),
  route({
    method: 'POST',
    path: `${ONE}/submit`,
    tag,
    headers: KEY,
    summary: 'Says something in the thread. `busy` decides what happens when it has a run.',
    body: schema.SubmitBody,
    answers: { 202: { about: 'What became of it.', schema: schema.ReceiptView } },
    handle: async (call) => {
      const { body } = call
      const earlier = await earlierOf(engine, call)
      if (earlier) return receipt(earlier)
      const { id } = await threadOf(engine, call, call.path.thread as string)
      if (body.agent !== undefined) agentOf(engine, body.agent)
      await checkModel(engine, body.model)
      return send(engine, call, id, commands.submit(body, commands.originOf(call.principal)))
    },
  }),
  route({
    method: 'POST',
    path: `${ONE}/cancel`,
    tag,
    headers: KEY,
    summary: 'Cancels what goes on in the thread.',
    body: schema.CancelBody,
    bodyOptional: true,
    answers: { 202: { about: 'It is being cancelled.', schema: schema.ReceiptView } },
    handle: async (call) => {
      const { id } = await threadOf(engine, call, call.path.thread as string)
      const command = commands.cancel(undefined, call.body, commands.originOf(call.principal))
      return send(engine, call, id, command)
    },
  }),
  route({
    method: 'POST',
    path: `${ONE}/fork`,
    tag,
    summary: 'A new thread that begins with what was said up to `seq`.',
    body: schema.ForkBody,
    bodyOptional: true,
    answers: { 201: { about: 'The new thread.', schema: schema.ThreadView } },
    handle: async (call) => {
      refuseKey(call, 'Look for the fork in the list of threads before you ask again.')
      const { id } = await threadOf(engine, call, call.path.thread as string)
      const origin = commands.originOf(call.principal)
      const fork = await engine.fork(id, call.body.seq ?? null, origin)
      const headers = { location: `${call.base}${AT}/${fork.id}` }
      return { status: 201, headers, json: threadView(fork, 100) }
    },
  }),
  route({
    method: 'POST',
    path: `${ONE}/compact`,
    tag,
    headers: KEY,
    summary: 'Has a summary made of what is old, so that the model reads less.',
    body: schema.CompactBody,
    bodyOptional: true,
    answers: { 202: { about: 'The run that does it.', schema: schema.ReceiptView } },
    handle: async (call) => {
      const { id } = await threadOf(engine, call, call.path.thread as string)
      const origin = commands.originOf(call.principal)
      return send(engine, call, id, { do: 'compact', ...commands.given(call.body), origin })
    },
  }),
]

type OpenCall = Call<Record<string, string>, unknown, schema.OpenBody>

async function open(engine: Engine, call: OpenCall) {
  const { input, ...opening } = call.body
  if (input !== undefined) {
    const receipt = await beginThread(engine, call, { ...opening, input })
    const thread = threadView(await engine.thread(receipt.thread), 100)
    return opened(call, { ...thread, receipt }, receipt)
  }
  refuseKey(call, 'Send an `input` along: an empty thread has no receipt.')
  const thread = await engine.openThread(await checked(engine, call, opening))
  return opened(call, threadView(thread, 0))
}

const opened = <View extends { id: string }>(
  call: Pick<Call, 'base'>,
  view: View,
  receipt?: Receipt,
) => ({
  status: 201,
  headers: { location: `${call.base}${AT}/${view.id}`, ...replayed(receipt) },
  json: view,
})

/** Opens a thread and submits to it, in one step or not at all. */
export async function beginThread(
  engine: Engine,
  call: Call<Record<string, string>, unknown, schema.OpenBody>,
  { input, ...opening }: schema.OpenBody & { input: schema.Input },
) {
  const earlier = await earlierOf(engine, call)
  if (earlier) return earlier
  const thread = await checked(engine, call, opening)
  return begin(engine, call, thread, commands.first(input, thread.origin))
}

async function checked(
  engine: Engine,
  { principal }: Pick<Call, 'principal'>,
  opening: schema.OpenBody,
) {
  if (opening.workspace !== undefined && !isAbsolute(opening.workspace))
    throw new Fault('invalid', 'The workspace must be an absolute path.')
  const agent = agentOf(engine, opening.agent)
  await checkModel(engine, opening.model)
  return commands.newThread(opening, agent, principal)
}
