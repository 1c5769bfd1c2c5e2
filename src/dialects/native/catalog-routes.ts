/** What there is: agents, models, tools, what was used, and how the server fares. */

import type { Agent } from '../../kernel/agent.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Engine, Tool, UsageTotal } from '../../kernel/ports.ts'
import { addUsage } from '../../kernel/usage.ts'
import { type Route, route } from '../../wire/dialect.ts'
import { openApi } from '../../wire/openapi.ts'
import * as catalog from './catalog-schema.ts'
import { given } from './commands.ts'
import { accountOf, agentOf } from './desk.ts'
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
    path: `${AT}/agents`,
    tag: 'catalog',
    summary: 'The agents, and the files that could not be read.',
    answers: { 200: { about: 'All of them.', schema: catalog.AgentList } },
    handle: () => ({
      status: 200,
      json: {
        items: engine.catalog.agents().map(agentSummary),
        problems: engine.catalog.problems(),
      },
    }),
  }),
  route({
    method: 'GET',
    path: `${AT}/agents/{agent}`,
    tag: 'catalog',
    summary: 'One agent, with its instructions and limits.',
    answers: { 200: { about: 'The agent.', schema: catalog.AgentView } },
    handle: ({ path }) => {
      const agent = engine.catalog.agent(path.agent as string)
      if (!agent) throw new Fault('not_found', `There is no agent ${path.agent}.`)
      return { status: 200, json: agentView(agent) }
    },
  }),
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
    path: `${AT}/usage`,
    tag: 'usage',
    summary: 'Tokens and money, by day, agent and model.',
    query: schema.UsageQuery,
    answers: { 200: { about: 'The totals.', schema: catalog.UsageList } },
    handle: async ({ query, principal }) => {
      const { by = ['day', 'agent', 'model'], ...span } = query
      const totals = await engine.store.usage({ ...given(span), ...accountOf(principal) })
      return { status: 200, json: { items: groupUsage(totals, by) } }
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

const agentSummary = ({ name, about, model, revision, folder }: Agent) => ({
  name,
  about,
  model,
  revision,
  isBuiltIn: folder === null,
})

/** Of tool servers only that they are there: their settings hold secrets. */
function agentView({ extra: _, servers, skills, ...agent }: Agent) {
  return {
    ...agent,
    skills: skills.map(({ name, about }) => ({ name, about })),
    servers: Object.entries(servers).map(([name, { transport }]) => ({ name, transport })),
  }
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

type UsageKey = 'day' | 'agent' | 'model'

function groupUsage(totals: readonly UsageTotal[], by: readonly UsageKey[]) {
  const groups = new Map<string, Partial<UsageTotal> & Pick<UsageTotal, 'calls' | 'usage'>>()
  for (const total of totals) {
    const names = Object.fromEntries(by.map((key) => [key, total[key]]))
    const key = JSON.stringify(names)
    const before = groups.get(key)
    groups.set(key, {
      ...names,
      calls: (before?.calls ?? 0) + total.calls,
      usage: before ? addUsage(before.usage, total.usage) : total.usage,
    })
  }
  return [...groups.values()]
}
