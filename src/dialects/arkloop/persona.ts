/**
 * Personas: agents of the catalog. A key stands for the version that is in force; earlier versions
 * are kept as agents of their own, under a name that follows from key and version.
 */

import { LOCAL_ACCOUNT } from '../../kernel/accounts.ts'
import type { Agent } from '../../kernel/agent.ts'
import type { Catalog } from '../../kernel/ports.ts'

/** What a persona keeps in the agent's file beside what the agent is. */
export interface Kept {
  key: string
  version: string
  isActive: boolean
  /** Made through this API; `account` and `user` say for whom. */
  account: string | null
  scope: 'user' | 'platform'
  id: string | null
  createdAt: number | null
  fields: Record<string, unknown>
}

export const KEPT = 'arkloop'

/** Personas that the official clients name without having asked which there are. */
const HOUSE_NAMES = ['normal', 'work']

const DEFAULT = 'assistant'

export function keptOf(agent: Agent): Kept {
  const raw = agent.extra[KEPT]
  const kept = (typeof raw === 'object' && raw !== null ? raw : {}) as Partial<Kept>
  const version = agent.extra.version
  return {
    key: kept.key ?? agent.name,
    version: kept.version ?? (typeof version === 'string' ? version : '1'),
    isActive: kept.isActive ?? true,
    account: kept.account ?? null,
    scope: kept.scope ?? 'platform',
    id: kept.id ?? null,
    createdAt: kept.createdAt ?? null,
    fields: kept.fields ?? {},
  }
}

const MAX_KEY = 48

/** What a persona is called in the catalog: two accounts may have one of the same key. */
export const agentName = (account: string, key: string): string =>
  account === LOCAL_ACCOUNT ? key : `${key.slice(0, MAX_KEY)}.${account.slice(-12)}`

/** May somebody of the account use and see it? */
export function isFor(agent: Agent, account: string): boolean {
  const kept = keptOf(agent)
  return kept.account === null || kept.account === account || kept.scope === 'platform'
}

export const defaultAgent = (catalog: Catalog): Agent | null =>
  catalog.agent(DEFAULT) ?? catalog.agents().find((a) => keptOf(a).account === null) ?? null

/** All versions of a key that the account may use, its own before the platform's. */
export const versionsOf = (catalog: Catalog, account: string, key: string): Agent[] =>
  catalog
    .agents()
    .filter((a) => keptOf(a).key === key && isFor(a, account))
    .sort(ownFirst)

const ownFirst = (a: Agent, b: Agent): number => Number(isPlatforms(a)) - Number(isPlatforms(b))
const isPlatforms = (agent: Agent): boolean => keptOf(agent).scope === 'platform'

export interface Casting {
  agent: string
  /** The version that there is, when another one was asked for. */
  available?: string
}

/** Who a persona id means. Nobody: the name is given on, the run begins, and then fails. */
export function cast(catalog: Catalog, account: string, personaId: string): Casting {
  const [key, version] = personaId.split('@') as [string, string | undefined]
  const all = versionsOf(catalog, account, key)
  const active = all.find((a) => keptOf(a).isActive)
  if (version === undefined) {
    const house = HOUSE_NAMES.includes(key) ? defaultAgent(catalog) : null
    // An agent of that name may be there that is another account's.
    return { agent: (active ?? house)?.name ?? (catalog.agent(key) ? `${key}@` : key) }
  }
  const exact = all.find((a) => keptOf(a).version === version)
  if (exact) return { agent: exact.name }
  const known = active ? keptOf(active).version : null
  return { agent: `${key}@${version}`, ...(known ? { available: known } : {}) }
}

/** The docs of a persona list: what an agent is, in this API's words. */
export interface PersonaView {
  [key: string]: unknown
}

export function personaView(agent: Agent, alias?: { key: string; title: string }): PersonaView {
  const kept = keptOf(agent)
  const key = alias?.key ?? kept.key
  const isBuiltin = kept.id === null
  const { fields } = kept
  return {
    id: kept.id ?? `builtin:${key}:${kept.version}`,
    project_id: null,
    scope: kept.scope,
    persona_key: key,
    version: kept.version,
    display_name: alias?.title ?? textOr(fields.display_name, displayName(agent)),
    description: agent.about,
    user_selectable: fields.user_selectable !== false,
    ...(fields.selector_name ? { selector_name: fields.selector_name } : {}),
    ...(fields.selector_order === undefined ? {} : { selector_order: fields.selector_order }),
    prompt_md: agent.instructions,
    tool_allowlist: fields.tool_allowlist ?? agent.tools.allow,
    tool_denylist: fields.tool_denylist ?? agent.tools.deny,
    core_tools: [],
    budgets: fields.budgets ?? {},
    roles: {},
    conditional_tools: [],
    is_active: kept.isActive,
    created_at: kept.createdAt === null ? EPOCH : new Date(kept.createdAt).toISOString(),
    ...(fields.preferred_credential ? { preferred_credential: fields.preferred_credential } : {}),
    ...(agent.model === null ? {} : { model: agent.model }),
    reasoning_mode: textOr(fields.reasoning_mode, 'auto'),
    stream_thinking: true,
    prompt_cache_control: 'none',
    executor_type: 'agent.simple',
    executor_config: {},
    source: isBuiltin ? 'builtin' : 'custom',
  }
}

/** Agents that are files have no such time. */
const EPOCH = '1970-01-01T00:00:00Z'

const textOr = (value: unknown, otherwise: string): string =>
  typeof value === 'string' && value !== '' ? value : otherwise

const displayName = ({ name, extra }: Agent): string => textOr(extra.displayName, name)

/** What a user can choose from: each key once, and the names that the clients know by heart. */
export function selectable(catalog: Catalog, account: string): PersonaView[] {
  const active = catalog.agents().filter((a) => isFor(a, account) && keptOf(a).isActive)
  const byKey = new Map<string, Agent>()
  for (const agent of [...active].sort(ownFirst))
    if (!byKey.has(keptOf(agent).key)) byKey.set(keptOf(agent).key, agent)
  const views = active.filter((a) => byKey.get(keptOf(a).key) === a).map((a) => personaView(a))
  const missing = HOUSE_NAMES.filter((name) => !views.some((v) => v.persona_key === name))
  const house = defaultAgent(catalog)
  const aliases = house
    ? missing.map((key) => personaView(house, { key, title: TITLES[key] ?? key }))
    : []
  return [...views, ...aliases]
}

const TITLES: Readonly<Record<string, string>> = { normal: 'Chat', work: 'Work' }

/** The key of a run's agent, as lists tell it. */
export function personaKey(catalog: Catalog, agent: string): string {
  const found = catalog.agent(agent)
  return found ? keptOf(found).key : (agent.split('@')[0] as string)
}
