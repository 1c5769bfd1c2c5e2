/** Personas as people write them. A new version takes over; the one before is kept, and can be asked for. */

import type { Actor } from '../../kernel/accounts.ts'
import type { Agent } from '../../kernel/agent.ts'
import { isFault } from '../../kernel/fault.ts'
import type { Json } from '../../kernel/part.ts'
import { withBudgets, withReasoning } from './budget.ts'
import type { Context } from './context.ts'
import { invalid, notFound, refusal } from './faults.ts'
import { uuidIn } from './id.ts'
import { agentName, isFor, KEPT, type Kept, keptOf, personaView, versionsOf } from './persona.ts'
import { PersonaBody, PersonaPatch, ScopeQuery } from './persona-schema.ts'
import { type ArkRoute, ark, demand, json } from './row.ts'

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
  const copied = body.copy_from_repo_persona_key ?? null
  const model = copied === null ? null : (versionsOf(engine.catalog, account, copied)[0] ?? null)
  if (copied !== null && !model) throw notFound('personas.not_found', 'persona')
  const old = there.find((a) => keptOf(a).isActive)
  if (old) await keep(context, old)
  const head = { key, version, account, scope }
  const base = model ? await configOf(context, model) : {}
  const files = { config: copyOf(base), instructions: model?.instructions ?? '' }
  return write(context, old?.name ?? name, head, { body, files, before: null })
}

/** Without what says whose it is. */
const copyOf = ({ [KEPT]: _, account: __, ...rest }: Record<string, Json>) => rest

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
  const base = await configOf(context, agent)
  const config = { ...base, [KEPT]: { ...kept, isActive: false } as unknown as Json }
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
  const head = { key, version: version ?? kept.version, account, scope }
  const files = { config: await configOf(context, agent), instructions: agent.instructions }
  return write(context, agent.name, head, { body, files, before: kept })
}

type Head = { key: string; version: string; account: string | null; scope: 'user' | 'platform' }

interface Files {
  config: Record<string, Json>
  instructions: string
}

interface Edit {
  body: PersonaBody | PersonaPatch
  /** As they are, or as those of what is copied. */
  files: Files
  /** Of the same persona; null for a new one. */
  before: Kept | null
}

async function write(context: Context, name: string, head: Head, { body, files, before }: Edit) {
  const { settings } = context
  const isSame = before?.version === head.version
  const kept: Kept = {
    ...head,
    isActive: body.is_active ?? before?.isActive ?? true,
    id: isSame ? before.id : settings.newId(),
    createdAt: isSame ? before.createdAt : settings.now(),
    fields: { ...before?.fields, ...fieldsOf(body) },
  }
  const config: Record<string, Json> = {
    ...settled(files.config, body),
    ...(head.scope === 'user' && head.account !== null ? { account: head.account } : {}),
    [KEPT]: kept as unknown as Json,
  }
  return engineWrite(context, name, { config, instructions: body.prompt_md ?? files.instructions })
}

/** The agent's own settings, with what the body says of them. */
function settled(old: Record<string, Json>, body: PersonaBody | PersonaPatch) {
  const { description, display_name, model, budgets, reasoning_mode } = body
  let config: Record<string, Json> = {
    ...old,
    ...(description === undefined ? {} : { description: description ?? '' }),
    ...(display_name == null ? {} : { displayName: display_name }),
    ...(model === undefined ? {} : { model: model ?? null }),
    ...toolsOf(body, old),
  }
  if (budgets !== undefined) config = withBudgets(config, budgets ?? {})
  if (reasoning_mode !== undefined) config = withReasoning(config, reasoning_mode ?? '')
  return config
}

function toolsOf(
  body: PersonaBody | PersonaPatch,
  old: Record<string, Json>,
): Record<string, Json> {
  const { tool_allowlist: allow, tool_denylist: deny } = body
  if (allow === undefined && deny === undefined) return {}
  const before = (old.tools ?? {}) as { preset?: Json; allow?: Json; deny?: Json }
  const tools = {
    preset: allow && allow.length > 0 ? 'none' : (before.preset ?? 'full'),
    allow: allow ?? before.allow ?? [],
    deny: deny ?? before.deny ?? [],
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
  'tool_allowlist',
  'tool_denylist',
] as const

const fieldsOf = (body: PersonaBody | PersonaPatch): Record<string, unknown> =>
  Object.fromEntries(FIELDS.flatMap((f) => (body[f] === undefined ? [] : [[f, body[f]]])))

/** As it is written, without the name, which is the folder's. */
async function configOf({ settings }: Context, agent: Agent): Promise<Record<string, Json>> {
  const { name: _, ...config } = (await settings.source(agent.name))?.config ?? {}
  return config as Record<string, Json>
}

async function engineWrite({ engine }: Context, name: string, files: Files): Promise<Agent> {
  try {
    return await engine.catalog.write(name, files)
  } catch (error) {
    if (isFault(error) && error.code === 'forbidden')
      throw refusal('forbidden', 'personas.system_protected', error.message)
    throw error
  }
}
