/** Personas as people write them. A new version takes over; the one before is kept, and can be asked for. */

import type { Actor } from '../../kernel/accounts.ts'
import type { Agent } from '../../kernel/agent.ts'
import { isFault } from '../../kernel/fault.ts'
import type { Json } from '../../kernel/part.ts'
import type { Context } from './context.ts'
import { invalid, notFound, refusal } from './faults.ts'
import { uuidIn } from './id.ts'
import { agentName, isFor, KEPT, keptOf, personaView, versionsOf } from './persona.ts'
import { type ArkRoute, ark, demand, json } from './row.ts'
import { PersonaBody, PersonaPatch, ScopeQuery } from './schema.ts'

const MANAGE = { may: 'data.personas.manage', about: 'persona' } as const

export const personaRoutes = (context: Context): ArkRoute[] => [
  ark({
    method: 'GET',
    path: '/v1/personas',
    summary: 'All personas, their earlier versions too',
    rule: { may: 'data.personas.read', about: 'none' },
    query: ScopeQuery,
    handle: ({ actor, query }) => {
      const all = context.engine.catalog.agents().filter((a) => isFor(a, actor.account))
      const wanted = all.filter((a) => !query.scope || keptOf(a).scope === query.scope)
      return json(wanted.map((a) => personaView(a)))
    },
  }),
  ark({
    method: 'POST',
    path: '/v1/personas',
    summary: 'Make a persona, or another version of one',
    rule: { may: 'data.personas.manage', about: 'none' },
    body: PersonaBody,
    answers: 201,
    handle: async ({ actor, body }) =>
      context.turns.run('personas', async () => {
        if (body.scope === 'platform') demand(actor, 'platform.admin')
        const made = await create(context, actor, body)
        return json(personaView(made), 201)
      }),
  }),
  ark({
    method: 'PATCH',
    path: '/v1/personas/{persona}',
    summary: 'Change a persona; with another version, the old one is kept',
    rule: MANAGE,
    body: PersonaPatch,
    handle: async ({ actor, path, body }) =>
      context.turns.run('personas', async () => {
        const agent = own(context, actor, path.persona)
        return json(personaView(await change(context, agent, body)))
      }),
  }),
  ark({
    method: 'DELETE',
    path: '/v1/personas/{persona}',
    summary: 'Delete a persona',
    rule: MANAGE,
    handle: async ({ actor, path }) =>
      context.turns.run('personas', async () => {
        const agent = own(context, actor, path.persona)
        await context.engine.catalog.remove(agent.name)
        return json({ ok: true })
      }),
  }),
]

/** Built-in ones have no UUID, and are not changed here. */
function own({ engine }: Context, actor: Actor, text: string | undefined): Agent {
  const id = uuidIn(text)
  if (id === null) throw invalid('invalid persona_id')
  const agent = engine.catalog.agents().find((a) => keptOf(a).id === id)
  if (!agent || !isFor(agent, actor.account)) throw notFound('personas.not_found', 'persona')
  const kept = keptOf(agent)
  if (kept.account !== actor.account) demand(actor, 'platform.admin')
  return agent
}

async function create(context: Context, actor: Actor, body: PersonaBody): Promise<Agent> {
  const { engine } = context
  const { persona_key: key, version } = body
  const { account } = actor
  const scope = body.scope ?? 'user'
  const name = scope === 'platform' ? key : agentName(account, key)
  const all = versionsOf(engine.catalog, account, key)
  // A persona of one's own stands before the platform's of that key, and leaves it as it is.
  const there = all.filter((a) => isSameShelf(keptOf(a), { account, scope }))
  if (all.some((a) => keptOf(a).id === null))
    throw refusal('forbidden', 'personas.system_protected', 'this persona belongs to the server')
  const named = engine.catalog.agent(name)
  const isTaken = named !== null && !there.includes(named)
  if (isTaken || there.some((a) => keptOf(a).version === version))
    throw refusal('conflict', 'personas.conflict', 'persona already exists')
  const old = there.find((a) => keptOf(a).isActive)
  if (old) await keep(context, old)
  return write(context, old?.name ?? name, { key, version, account, scope }, body)
}

type Shelf = Pick<Head, 'account' | 'scope'>

const isSameShelf = (a: Shelf, b: Shelf): boolean =>
  a.scope === b.scope && (a.scope === 'platform' || a.account === b.account)

/** The version in force moves aside, under a name of its own. */
async function keep(context: Context, agent: Agent): Promise<void> {
  const kept = keptOf(agent)
  const name = `${agent.name}.v${kept.version.replaceAll(':', '-')}`.slice(0, 64)
  const there = context.engine.catalog.agent(name)
  if (there && (keptOf(there).key !== kept.key || keptOf(there).account !== kept.account))
    throw refusal('conflict', 'personas.conflict', `another persona is called ${name}`)
  const config = { ...configOf(agent), [KEPT]: { ...kept, isActive: false } as unknown as Json }
  await engineWrite(context, name, { config, instructions: agent.instructions })
}

async function change(context: Context, agent: Agent, body: PersonaPatch): Promise<Agent> {
  const kept = keptOf(agent)
  const { version } = body
  if (version && version !== kept.version) {
    const all = versionsOf(context.engine.catalog, kept.account ?? '', kept.key)
    if (all.some((a) => isSameShelf(keptOf(a), kept) && keptOf(a).version === version))
      throw refusal('conflict', 'personas.conflict', 'persona version already exists')
    await keep(context, agent)
  }
  const { key, account, scope } = kept
  return write(
    context,
    agent.name,
    { key, version: version ?? kept.version, account, scope },
    body,
    agent,
  )
}

type Head = { key: string; version: string; account: string | null; scope: 'user' | 'platform' }

async function write(
  context: Context,
  name: string,
  head: Head,
  body: PersonaBody | PersonaPatch,
  old?: Agent,
): Promise<Agent> {
  const { settings } = context
  const before = old ? keptOf(old) : null
  const fields = { ...before?.fields, ...fieldsOf(body) }
  const isSame = before?.version === head.version
  const kept = {
    ...head,
    isActive: body.is_active ?? before?.isActive ?? true,
    id: isSame ? before.id : settings.newId(),
    createdAt: isSame ? before.createdAt : settings.now(),
    fields,
  }
  const base = old ? configOf(old) : {}
  const config: Record<string, Json> = {
    ...base,
    ...(body.description === undefined ? {} : { description: body.description ?? '' }),
    ...(body.display_name === undefined ? {} : { displayName: body.display_name }),
    ...(body.model === undefined ? {} : { model: body.model ?? null }),
    ...toolsOf(body, old),
    ...(head.scope === 'user' && head.account !== null ? { account: head.account } : {}),
    [KEPT]: kept as unknown as Json,
  }
  const instructions = body.prompt_md ?? old?.instructions ?? ''
  return engineWrite(context, name, { config, instructions })
}

function toolsOf(body: PersonaBody | PersonaPatch, old?: Agent): Record<string, Json> {
  const { tool_allowlist: allow, tool_denylist: deny } = body
  if (allow === undefined && deny === undefined) return {}
  const preset = allow && allow.length > 0 ? 'none' : (old?.tools.preset ?? 'full')
  const tools = {
    preset,
    allow: allow ?? old?.tools.allow ?? [],
    deny: deny ?? old?.tools.deny ?? [],
  }
  return { tools }
}

const FIELDS = [
  'display_name',
  'user_selectable',
  'selector_name',
  'selector_order',
  'reasoning_mode',
  'preferred_credential',
  'budgets',
] as const

const fieldsOf = (body: PersonaBody | PersonaPatch): Record<string, unknown> =>
  Object.fromEntries(FIELDS.flatMap((f) => (body[f] === undefined ? [] : [[f, body[f]]])))

/** What the agent's file says, as far as this API can say it. */
const configOf = (agent: Agent): Record<string, Json> => ({
  ...(agent.extra as Record<string, Json>),
  description: agent.about,
  model: agent.model,
  tools: { preset: agent.tools.preset, allow: agent.tools.allow, deny: agent.tools.deny },
})

async function engineWrite(
  { engine }: Context,
  name: string,
  files: { config: Record<string, Json>; instructions: string },
): Promise<Agent> {
  try {
    return await engine.catalog.write(name, files)
  } catch (error) {
    if (isFault(error) && error.code === 'forbidden')
      throw refusal('forbidden', 'personas.system_protected', error.message)
    throw error
  }
}
