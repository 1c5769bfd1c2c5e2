/** What is there: health, capabilities, models, profiles; and hints that a list has changed. */

import type { Agent } from '../../kernel/agent.ts'
import type { Engine, Principal, Tool } from '../../kernel/ports.ts'
import { type Route, route } from '../../wire/dialect.ts'
import type { Live } from '../../wire/projection.ts'
import {
  modelResource,
  type ProfileUse,
  profileConfig,
  profileResource,
  toolResource,
} from './catalog.ts'
import { LIMITS } from './commands.ts'
import type { Context } from './context.ts'
import { sse } from './frame.ts'
import { Problem } from './schema.ts'
import { noProfile } from './scope.ts'
import { STREAM_HEADERS } from './stream.ts'

const refused = { about: 'Refused', schema: Problem }

export const serverRoutes = (context: Context): Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/health',
    summary: 'Whether the server answers',
    tag: 'server',
    isPublic: true,
    answers: { 200: { about: 'It does' } },
    handle: () => {
      const { version, startedAt, now } = context.settings
      const uptime = Math.floor((now() - startedAt) / 1000)
      return { status: 200, json: { status: 'ok', version, uptime } }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/capabilities',
    summary: 'What of the contract is served',
    tag: 'server',
    answers: { 200: { about: 'Contract, capabilities, limits' } },
    handle: () => ({ status: 200, json: CONTRACT }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/models',
    summary: 'Models, and whether they can answer right now',
    tag: 'server',
    answers: { 200: { about: 'A bare array' } },
    handle: async () => ({
      status: 200,
      json: (await context.engine.models.list()).map(modelResource),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/events',
    summary: 'Hints that something in a list has changed',
    tag: 'events',
    answers: { 200: { about: 'Server-sent events' } },
    handle: () => ({ status: 200, headers: STREAM_HEADERS, live: hints(context.engine) }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/profiles',
    summary: 'The agents that can be talked to',
    tag: 'profiles',
    answers: { 200: { about: 'A bare array' } },
    handle: async ({ principal }) => ({
      status: 200,
      json: await profiles(context.engine, principal, context.engine.catalog.agents()),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/profiles/{profile}',
    summary: 'One agent, with what it is told',
    tag: 'profiles',
    answers: { 200: { about: 'The profile' }, 404: refused },
    handle: async ({ path, principal }) => {
      const agent = named(context.engine, path.profile as string)
      const [shown] = await profiles(context.engine, principal, [agent])
      const json = { ...shown, config: profileConfig(agent), soulMd: agent.instructions }
      return { status: 200, json }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/profiles/{profile}/tools',
    summary: 'The built-in tools of an agent',
    tag: 'profiles',
    answers: { 200: { about: 'A bare array' }, 404: refused },
    handle: async ({ path }) => {
      const agent = named(context.engine, path.profile as string)
      const tools = await builtIn(context.engine, agent)
      return { status: 200, json: tools.map((tool) => toolResource(agent, tool)) }
    },
  }),
]

function named(engine: Engine, name: string): Agent {
  const agent = engine.catalog.agent(name)
  if (!agent) throw noProfile(name)
  return agent
}

/** MCP servers are left out: a list that is looked at must not start processes. */
async function builtIn(engine: Engine, agent: Agent): Promise<Tool[]> {
  return (await engine.toolbox.open({ ...agent, servers: {} })).tools
}

async function profiles(engine: Engine, { account }: Principal, agents: Agent[]) {
  const totals = await engine.store.usage({ account })
  const costOf = (name: string): number =>
    totals.reduce((sum, t) => sum + (t.agent === name ? (t.usage.costUsd ?? 0) : 0), 0)
  return await Promise.all(
    agents.map(async (agent) => {
      const tools = await builtIn(engine, agent)
      const use = { ...(await runsOf(engine, account, agent)), costUsd: costOf(agent.name) }
      return profileResource(agent, tools, use)
    }),
  )
}

async function runsOf(
  { store }: Engine,
  account: string,
  { name }: Agent,
): Promise<Omit<ProfileUse, 'costUsd'>> {
  const query = { account, agent: name, limit: 1, offset: 0 }
  const [all, live] = await Promise.all([
    store.runs(query),
    store.runs({ ...query, status: ['running', 'waiting', 'cancelling'] }),
  ])
  const [latest] = all.items
  return { runs: all.total, lastUsedAt: latest?.createdAt ?? null, isLive: live.total > 0 }
}

/** Of the real system's hints none has a cause here; clients ignore names they do not know. */
function hints({ catalog }: Engine): Live {
  return {
    open(out) {
      out.write(':ready\n\n')
      return catalog.onChange(() => {
        out.write(sse({ type: 'profile.changed' }))
      })
    },
    heartbeat: { everyMs: 30_000, text: ':keepalive\n\n' },
  }
}

const CAPABILITIES: Record<string, number> = {
  'gateway.capabilities': 11,
  'gateway.health': 1,
  'models.list': 1,
  'profiles.list': 1,
  'runs.abort': 3,
  'runs.attachments': 1,
  'runs.events': 3,
  'runs.resume': 3,
  'runs.snapshot': 3,
  'runs.start': 5,
}

/** Nothing is counted here: whether the server counts requests is not this contract's affair. */
const CONTRACT = {
  contract: { name: 'ownware.gateway', major: 1, revision: '0.30.0' },
  capabilities: Object.entries(CAPABILITIES).map(([id, version]) => ({ id, version })),
  limits: {
    jsonBodyBytes: 10_485_760,
    runAttachments: LIMITS,
    delegationDefaultTtlSeconds: 0,
    delegationMaxTtlSeconds: 0,
    idempotencyRetentionSeconds: 604_800,
    rateLimit: { enabled: false, windowSeconds: 60, generalRequests: 0, runStarts: 0 },
  },
}
