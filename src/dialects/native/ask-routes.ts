/** The inbox: everything that any run of any thread asks, answered from anywhere. */

import { Fault } from '../../kernel/fault.ts'
import { isUuid } from '../../kernel/id.ts'
import type { Engine } from '../../kernel/ports.ts'
import type { AskRow } from '../../kernel/rows.ts'
import { type Call, type Route, route } from '../../wire/dialect.ts'
import * as commands from './commands.ts'
import { accountOf, earlierOf, KEY, mayUse, pageOf, receipt, send } from './desk.ts'
import { askView } from './project.ts'
import * as schema from './schema.ts'

const AT = '/manifold/v1/asks'
const tag = 'asks'

export const askRoutes = (engine: Engine): Route[] => [
  route({
    method: 'GET',
    path: AT,
    tag,
    summary: 'Everything that waits for a person, oldest first.',
    query: schema.AsksQuery,
    answers: { 200: { about: 'A page.', schema: schema.AskPage } },
    handle: async ({ query, principal }) => {
      const { limit = 50, offset = 0, ...filters } = query
      const page = await engine.store.asks({
        ...commands.given(filters),
        ...accountOf(principal),
        limit,
        offset,
      })
      return { status: 200, json: pageOf(page, offset, askView) }
    },
  }),
  route({
    method: 'GET',
    path: `${AT}/{ask}`,
    tag,
    summary: 'One open ask.',
    answers: { 200: { about: 'The ask.', schema: schema.AskView } },
    handle: async (call) => {
      const ask = await askOf(engine, call, call.path.ask as string)
      return { status: 200, json: askView(ask) }
    },
  }),
  route({
    method: 'POST',
    path: `${AT}/{ask}/answer`,
    tag,
    headers: KEY,
    summary: 'Answers: approves or refuses calls, answers a question, raises a limit.',
    body: schema.AnswerBody,
    answers: { 202: { about: 'It is settled.', schema: schema.ReceiptView } },
    handle: async (call) => {
      const earlier = await earlierOf(engine, call)
      if (earlier) return receipt(earlier)
      const { id, thread } = await askOf(engine, call, call.path.ask as string)
      const { body, principal } = call
      const command = commands.answer(id, body, commands.originOf(principal))
      return send(engine, call, thread, command, body.remember)
    },
  }),
]

async function askOf(engine: Engine, call: Pick<Call, 'principal'>, id: string): Promise<AskRow> {
  const ask = isUuid(id) ? await engine.store.ask(id) : null
  if (ask && mayUse(call.principal, ask.account)) return ask
  throw new Fault('not_found', `No ask ${id} is open. It was settled, or there never was one.`)
}
