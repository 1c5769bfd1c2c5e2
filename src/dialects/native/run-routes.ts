/** Runs: begun, listed, read, cancelled, steered, done again. */

import type { Engine } from '../../kernel/ports.ts'
import { type Route, route } from '../../wire/dialect.ts'
import * as commands from './commands.ts'
import { readOn } from './cursor.ts'
import { accountOf, checkModel, KEY, pageOf, receipt, runOf, send } from './desk.ts'
import { runView } from './project.ts'
import * as schema from './schema.ts'
import { beginThread } from './thread-routes.ts'

const AT = '/manifold/v1/runs'
const ONE = `${AT}/{run}`
const tag = 'runs'

export const runRoutes = (engine: Engine): Route[] => [
  route({
    method: 'POST',
    path: AT,
    tag,
    headers: KEY,
    summary: 'Opens a thread and submits to it, in one step or not at all.',
    body: schema.BeginBody,
    answers: { 202: { about: 'What became of it.', schema: schema.ReceiptView } },
    handle: async (call) => receipt(await beginThread(engine, call, call.body)),
  }),
  route({
    method: 'GET',
    path: AT,
    tag,
    summary: 'Lists runs, newest first.',
    query: schema.RunsQuery,
    answers: { 200: { about: 'A page.', schema: schema.RunPage } },
    handle: async ({ query, principal }) => {
      const { limit = 50, offset = 0, ...filters } = query
      const page = await engine.store.runs({
        ...commands.given(filters),
        ...accountOf(principal),
        limit,
        offset,
      })
      const on = readOn(page.items, { limit, before: query.before }, (r) => r.createdAt)
      return { status: 200, json: { ...pageOf(page, offset, runView), ...on } }
    },
  }),
  route({
    method: 'GET',
    path: ONE,
    tag,
    summary: 'One run.',
    answers: { 200: { about: 'The run.', schema: schema.RunView } },
    handle: async (call) => {
      const run = await runOf(engine, call, call.path.run as string)
      return { status: 200, json: runView(run) }
    },
  }),
  route({
    method: 'POST',
    path: `${ONE}/cancel`,
    tag,
    headers: KEY,
    summary: 'Ends a run: at once, or when the step that goes on is complete.',
    body: schema.CancelBody,
    bodyOptional: true,
    answers: { 202: { about: 'It is being cancelled.', schema: schema.ReceiptView } },
    handle: async (call) => {
      const { id, thread } = await runOf(engine, call, call.path.run as string)
      const command = commands.cancel(id, call.body, commands.originOf(call.principal))
      return send(engine, call, thread, command)
    },
  }),
  route({
    method: 'POST',
    path: `${ONE}/steer`,
    tag,
    headers: KEY,
    summary: 'Says something into a run that goes on; the model reads it before its next step.',
    body: schema.SteerBody,
    answers: { 202: { about: 'It will be read.', schema: schema.ReceiptView } },
    handle: async (call) => {
      const { id, thread } = await runOf(engine, call, call.path.run as string)
      const command = commands.steer(id, call.body.input, commands.originOf(call.principal))
      return send(engine, call, thread, command)
    },
  }),
  route({
    method: 'POST',
    path: `${ONE}/retry`,
    tag,
    headers: KEY,
    summary:
      'Does a run again, with another input if you like; it and all later ones no longer count.',
    body: schema.RetryBody,
    bodyOptional: true,
    answers: { 202: { about: 'The new run.', schema: schema.ReceiptView } },
    handle: async (call) => {
      const { id, thread } = await runOf(engine, call, call.path.run as string)
      await checkModel(engine, call.body.model)
      const command = commands.retry(id, call.body, commands.originOf(call.principal))
      return send(engine, call, thread, command)
    },
  }),
]
