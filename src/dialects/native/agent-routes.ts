/** Agents: listed, read whole, written, tried, and what people have allowed them for good. */

import type { Agent } from '../../kernel/agent.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Json } from '../../kernel/part.ts'
import type { Engine } from '../../kernel/ports.ts'
import { type Route, route } from '../../wire/dialect.ts'
import * as schema from './agent-schema.ts'
import { agentOf, ownerOnly, theAgent } from './desk.ts'
import { grantRoutes } from './grant-routes.ts'
import type { House } from './house.ts'
import { tryModel } from './model-check.ts'

const AT = '/manifold/v1/agents'
const ONE = `${AT}/{agent}`
const tag = 'agents'

export const agentRoutes = (engine: Engine): Route[] => [
  route({
    method: 'GET',
    path: AT,
    tag,
    summary: 'The agents, and the files that could not be read.',
    answers: { 200: { about: 'All of them.', schema: schema.AgentList } },
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
    path: ONE,
    tag,
    summary: 'One agent as it is in force, with its instructions and limits.',
    answers: { 200: { about: 'The agent.', schema: schema.AgentView } },
    handle: ({ path }) => ({
      status: 200,
      json: agentView(theAgent(engine, path.agent as string)),
    }),
  }),
  ...grantRoutes(engine),
  route({
    method: 'POST',
    path: `${ONE}/check`,
    tag,
    summary: 'Asks the model of the agent for a word, and says what came of it.',
    body: schema.CheckBody,
    bodyOptional: true,
    answers: { 200: { about: 'Whether it answers.', schema: schema.Check } },
    handle: async ({ path, body, principal, signal }) => {
      ownerOnly(principal, 'try models')
      const agent = theAgent(engine, path.agent as string)
      const model = body.model ?? agent.model ?? (await engine.models.preferred())
      return { status: 200, json: await tryModel(engine.models, model, signal) }
    },
  }),
]

/** What a server with a catalog that can be written has beside. */
export const authoringRoutes = (engine: Engine, { source, caps }: House): Route[] => [
  route({
    method: 'GET',
    path: `${ONE}/source`,
    tag,
    summary: "The agent's files as they are written.",
    answers: { 200: { about: 'The files.', schema: schema.AgentSourceView } },
    handle: async ({ path, principal }) => {
      ownerOnly(principal, "read agents' files")
      return { status: 200, json: await sourceView(engine, source, path.agent as string) }
    },
  }),
  route({
    method: 'POST',
    path: AT,
    tag,
    summary: 'Makes an agent.',
    body: schema.NewAgentBody,
    answers: { 201: { about: 'The agent.', schema: schema.AgentView } },
    handle: async ({ body: { name, ...files }, principal, base }) => {
      ownerOnly(principal, 'make agents')
      if (engine.catalog.agent(name) || (await source(name)))
        throw new Fault('conflict', `There is an agent ${name} already. Change it, or choose.`)
      const agent = await engine.catalog.write(name, edit({ config: {}, ...files }))
      const headers = { location: `${base}${AT}/${name}` }
      return { status: 201, headers, json: agentView(agent) }
    },
  }),
  route({
    method: 'PUT',
    path: ONE,
    tag,
    summary: "Writes an agent's settings or instructions; what is not sent stays.",
    body: schema.AgentBody,
    answers: { 200: { about: 'The agent as it was read back.', schema: schema.AgentView } },
    handle: async ({ path, body: { revision, ...files }, principal }) => {
      ownerOnly(principal, 'change agents')
      const name = path.agent as string
      const { config, revision: now } = await sourceView(engine, source, name)
      if (revision !== undefined && revision !== now)
        throw new Fault('stale', `The agent ${name} has changed meanwhile. Read it again.`)
      return {
        status: 200,
        json: agentView(await engine.catalog.write(name, edit({ config, ...files }))),
      }
    },
  }),
  route({
    method: 'DELETE',
    path: ONE,
    tag,
    summary: 'Removes an agent and its folder.',
    answers: { 204: { about: 'It is gone.' } },
    handle: async ({ path, principal }) => {
      ownerOnly(principal, 'remove agents')
      await engine.catalog.remove(path.agent as string)
      return { status: 204, empty: true }
    },
  }),
  route({
    method: 'GET',
    path: `${ONE}/capabilities`,
    tag,
    summary: 'Prompts, psyches, services and skills that count for the agent, with their texts.',
    answers: { 200: { about: 'All of them.', schema: schema.CapabilityList } },
    handle: ({ path, principal }) => {
      ownerOnly(principal, 'read capabilities')
      const name = agentOf(engine, path.agent as string)
      const items = caps.list(name).map(({ body: _, files: __, file: ___, server, ...cap }) => ({
        ...cap,
        // The texts of services may hold secrets.
        content: cap.kind === 'service' || server ? '' : cap.content,
      }))
      return { status: 200, json: { items } }
    },
  }),
]

async function sourceView(engine: Engine, source: House['source'], name: string) {
  const written = await source(name)
  const agent = engine.catalog.agent(name)
  if (!written) {
    const text = agent
      ? `The agent ${name} is not written in the agents' folder; a workspace defines it.`
      : `There is no agent ${name}.`
    throw new Fault('not_found', text)
  }
  const { config, soul: instructions, isWritable } = written
  const problems = engine.catalog
    .problems()
    .filter(({ file }) => file.split('/').includes(name))
    .map(({ problem }) => problem)
  return { name, config, instructions, isWritable, revision: agent?.revision ?? null, problems }
}

function edit(files: { config: Record<string, unknown>; instructions?: string | undefined }) {
  const { config, instructions } = files
  return {
    config: config as Record<string, Json>,
    ...(instructions === undefined ? {} : { instructions }),
  }
}

const agentSummary = ({ name, about, model, revision, folder }: Agent) => ({
  name,
  about,
  model,
  revision,
  isBuiltIn: folder === null,
})

/** Of tool servers only that they are there: their settings hold secrets, as the env of hooks does. */
function agentView({ extra: _, servers, skills, hooks = [], ...agent }: Agent) {
  return {
    ...agent,
    hooks: hooks.map(({ name, moments, tools }) => ({ name, moments, tools })),
    skills: skills.map(({ name, about }) => ({ name, about })),
    servers: Object.entries(servers).map(([name, { transport }]) => ({ name, transport })),
  }
}
