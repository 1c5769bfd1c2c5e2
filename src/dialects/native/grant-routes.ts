/** What people have allowed agents for good: told, and taken back. */

import { Fault } from '../../kernel/fault.ts'
import type { Grant } from '../../kernel/policy.ts'
import type { Engine } from '../../kernel/ports.ts'
import { type Route, route } from '../../wire/dialect.ts'
import * as schema from './agent-schema.ts'
import { ownerOnly, theAgent } from './desk.ts'

const AT = '/manifold/v1/agents/{agent}/grants'
const tag = 'agents'

export const grantRoutes = (engine: Engine): Route[] => [
  route({
    method: 'GET',
    path: AT,
    tag,
    summary: 'What people have allowed the agent for good.',
    answers: { 200: { about: 'All of them.', schema: schema.GrantList } },
    handle: async ({ path, principal }) => {
      ownerOnly(principal, 'read grants')
      const { name } = theAgent(engine, path.agent as string)
      return { status: 200, json: { items: await grantsOf(engine, name) } }
    },
  }),
  route({
    method: 'POST',
    path: `${AT}/revoke`,
    tag,
    summary: 'Takes a grant back: from then on the agent asks again.',
    body: schema.GrantBody,
    answers: { 200: { about: 'What is left.', schema: schema.GrantList } },
    handle: async ({ path, body, principal }) => {
      ownerOnly(principal, 'take grants back')
      const { name } = theAgent(engine, path.agent as string)
      const before = await grantsOf(engine, name)
      const given = before.find((g) => g.tool === body.tool && g.pattern === body.pattern)
      if (!given) throw new Fault('not_found', `The agent ${name} has no such grant.`)
      await engine.revoke({ agent: name, ...given })
      return { status: 200, json: { items: before.filter((g) => g !== given) } }
    },
  }),
]

/** From the store: what the engine has in memory may be a moment old. */
async function grantsOf(engine: Engine, agent: string): Promise<Omit<Grant, 'agent'>[]> {
  const documents = await engine.store.list('grant', `${agent}/`)
  return documents.map(({ body }) => {
    const { tool, pattern } = body as unknown as Grant
    return { tool, pattern }
  })
}
