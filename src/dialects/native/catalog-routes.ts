/** What there is: models, tools, and whether the server does its work. */

import type { Agent } from '../../kernel/agent.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Engine, Tool } from '../../kernel/ports.ts'
import { type Route, route } from '../../wire/dialect.ts'
import { openApi } from '../../wire/openapi.ts'
import * as catalog from './catalog-schema.ts'
import { agentOf } from './desk.ts'
import * as schema from './schema.ts'

const AT = '/manifold/v1'

export interface About {
  version: string
  /** Epoch milliseconds. */
  startedAt: number
}

export const catalogRoutes = (engine: Engine, about: About): Route[] => [
  route({
    method: 'GET',
    path: `${AT}/models`,
    tag: 'catalog',
    summary: 'Every model that can be named, with what is usable right now.',
    answers: { 200: { about: 'All of them.', schema: catalog.ModelList } },
    handle: async () => {
      const [items, preferred] = await Promise.all([
        engine.models.list(),
        engine.models.preferred(),
      ])
      return { status: 200, json: { items, preferred } }
    },
  }),
  route({
    method: 'GET',
    path: `${AT}/tools`,
    tag: 'catalog',
    summary: 'The tools that an agent has.',
    query: schema.ToolsQuery,
    answers: { 200: { about: 'All of them.', schema: catalog.ToolList } },
    handle: async ({ query }) => {
      const agent = engine.catalog.agent(agentOf(engine, query.agent)) as Agent
      const { tools, problems } = await engine.toolbox.open(agent)
      return { status: 200, json: { agent: agent.name, items: tools.map(toolView), problems } }
    },
  }),
  route({
    method: 'GET',
    path: `${AT}/health`,
    tag: 'server',
    summary: 'Whether the server can do its work.',
    isPublic: true,
    answers: { 200: { about: 'It can.', schema: catalog.Health } },
    handle: async () => {
      await engine.store.health().catch(() => {
        throw new Fault('unavailable', 'The store does not answer. Look at the log of the server.')
      })
      const { version, startedAt } = about
      const uptimeMs = Date.now() - startedAt
      return { status: 200, json: { status: 'ok', name: 'manifold', version, uptimeMs } }
    },
  }),
]

/** What describes the table of routes itself, and so comes after it. */
export function documentRoutes(routes: readonly Route[], { version }: About): Route[] {
  const title = 'Manifold'
  const text = 'Threads, runs and their event log, natively.'
  const describe = () =>
    openApi({ title, version, about: text, refusal: schema.Refusal }, [...routes, ...own])
  const own: Route[] = [
    route({
      method: 'GET',
      path: AT,
      tag: 'server',
      summary: 'What can be asked for here.',
      isPublic: true,
      answers: { 200: { about: 'An index.', schema: catalog.Index } },
      handle: ({ base }) => ({
        status: 200,
        json: {
          name: 'manifold',
          version,
          openapi: `${base}${AT}/openapi.json`,
          health: `${base}${AT}/health`,
          routes: [...routes, ...own].map(({ method, path, summary }) => ({
            method,
            path,
            summary,
          })),
        },
      }),
    }),
    route({
      method: 'GET',
      path: `${AT}/openapi.json`,
      tag: 'server',
      summary: 'This API as an OpenAPI 3.1 document.',
      isPublic: true,
      answers: { 200: { about: 'The document.', schema: schema.Anything } },
      handle: ({ base }) => ({ status: 200, json: { ...describe(), servers: [{ url: base }] } }),
    }),
  ]
  return own
}

const toolView = ({ name, about, input, kind, access, readOnly, replayable }: Tool) => ({
  name,
  about,
  input,
  kind,
  access,
  readOnly,
  replayable,
})
