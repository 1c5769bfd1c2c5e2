/**
 * Providers and their models, as people of an account configure them. The address and the sealed key
 * are an endpoint of the server's; the rest is a document. A model's row is what a run calls a route.
 */

import type { Actor } from '../../kernel/accounts.ts'
import { LOCAL_ACCOUNT } from '../../kernel/accounts.ts'
import type { Json } from '../../kernel/part.ts'
import type { Endpoint, Engine } from '../../kernel/ports.ts'
import { accountId, iso } from './id.ts'

const KIND = 'arkloop.provider'
const NAME = 'arkloop.provider-name'

/** Endpoints that were made here; nobody can name one who was not given it. */
export const ENDPOINT_PREFIX = 'ark-'

export interface ModelRecord {
  id: string
  model: string
  priority: number
  is_default: boolean
  show_in_picker: boolean
  tags: string[]
  when: { [key: string]: Json }
  advanced_json: { [key: string]: Json } | null
  multiplier: number
  costs: { [key: string]: number }
}

export interface ProviderRecord {
  id: string
  account: string
  scope: 'user' | 'platform'
  name: string
  provider: 'openai' | 'anthropic' | 'gemini'
  key_prefix: string
  base_url: string | null
  openai_api_mode: string
  advanced_json: { [key: string]: Json } | null
  createdAt: number
  models: ModelRecord[]
}

export const KIND_OF: Record<ProviderRecord['provider'], Endpoint['kind']> = {
  openai: 'openai',
  anthropic: 'anthropic',
  gemini: 'google',
}

export const endpointOf = (provider: string): string =>
  ENDPOINT_PREFIX + provider.replaceAll('-', '')

const keyOf = ({ account, id }: Pick<ProviderRecord, 'account' | 'id'>): string =>
  `${account}/${id}`

export async function providersOf(engine: Engine, account: string): Promise<ProviderRecord[]> {
  const kept = await engine.store.list(KIND, `${account}/`)
  return kept
    .map((d) => d.body as unknown as ProviderRecord)
    .sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
}

/** Its name is taken with it: no two of an account have the same, however many processes make them. */
export const addProvider = (engine: Engine, record: ProviderRecord): Promise<boolean> =>
  engine.store.putNew([
    { kind: KIND, key: keyOf(record), body: record as unknown as Json },
    nameDocument(record),
  ])

export async function dropProvider(engine: Engine, record: ProviderRecord): Promise<void> {
  await engine.store.drop(KIND, keyOf(record))
  await engine.store.drop(NAME, `${record.account}/${record.name}`)
}

/** `stale`: it has changed since it was read; `taken`: another has its new name. */
export async function changeProvider(
  engine: Engine,
  before: ProviderRecord,
  after: ProviderRecord,
): Promise<'changed' | 'stale' | 'taken'> {
  const { store } = engine
  const isRenamed = before.name !== after.name
  if (isRenamed && !(await store.putNew(nameDocument(after)))) return 'taken'
  const document = { kind: KIND, key: keyOf(after), body: after as unknown as Json }
  const isDone = await store.swap(document, before as unknown as Json)
  const left = isDone ? before : after
  if (isRenamed) await store.drop(NAME, `${left.account}/${left.name}`)
  return isDone ? 'changed' : 'stale'
}

const nameDocument = ({ account, name, id }: ProviderRecord) => ({
  kind: NAME,
  key: `${account}/${name}`,
  body: { provider: id },
})

/** What a run of that account may be routed to: its own, then the platform's. */
export async function usableProviders(engine: Engine, account: string): Promise<ProviderRecord[]> {
  const own = await providersOf(engine, account)
  const platform = account === LOCAL_ACCOUNT ? [] : await providersOf(engine, LOCAL_ACCOUNT)
  return [...own, ...platform.filter((p) => p.scope === 'platform')]
}

export const providerView = (record: ProviderRecord) => ({
  id: record.id,
  account_id: accountId(record.account),
  scope: record.scope,
  provider: record.provider,
  name: record.name,
  key_prefix: record.key_prefix,
  base_url: record.base_url,
  openai_api_mode: record.openai_api_mode,
  ...(record.advanced_json ? { advanced_json: record.advanced_json } : {}),
  created_at: iso(record.createdAt),
  models: record.models.map((m) => modelView(record, m)),
})

export const modelView = ({ id: provider_id }: ProviderRecord, row: ModelRecord) => ({
  id: row.id,
  provider_id,
  model: row.model,
  priority: row.priority,
  is_default: row.is_default,
  show_in_picker: row.show_in_picker,
  tags: row.tags,
  when: row.when,
  ...(row.advanced_json ? { advanced_json: row.advanced_json } : {}),
  multiplier: row.multiplier,
  ...row.costs,
})

// ---- which model a run uses ---------------------------------------------------------------------

export interface Routing {
  /** As the engine names it; absent: whatever the thread and the agent say. */
  model?: string
  missing?: 'route' | 'model'
}

interface Wanted {
  route: string | null
  model: string | null
}

/** What is not there is named all the same: the run begins, and then fails. */
export async function routingOf(engine: Engine, actor: Actor, wanted: Wanted): Promise<Routing> {
  const { route, model } = wanted
  if (route === null && model === null) return {}
  const providers = await usableProviders(engine, actor.account)
  if (route !== null && route !== 'default') {
    const found = rowsOf(providers).find(({ row }) => row.id === route.toLowerCase())
    if (found) return { model: nameOf(found) }
    return { model: `${ENDPOINT_PREFIX}none:${route}`, missing: 'route' }
  }
  return model === null ? {} : modelRouting(engine, providers, model)
}

async function modelRouting(
  engine: Engine,
  providers: ProviderRecord[],
  wanted: string,
): Promise<Routing> {
  const [credential, ...rest] = wanted.split('^')
  const name = rest.join('^')
  const own = rowsOf(providers).filter(({ provider, row }) =>
    name === '' ? row.model === wanted : provider.name === credential && row.model === name,
  )
  const best = own.sort((a, b) => b.row.priority - a.row.priority)[0]
  if (best) return { model: nameOf(best) }
  if (name !== '' || wanted.startsWith(ENDPOINT_PREFIX))
    return { model: `${ENDPOINT_PREFIX}none:${wanted}`, missing: 'model' }
  if (wanted.includes(':')) return { model: wanted }
  const cards = await engine.models.list()
  const named = cards.filter((c) => c.id.endsWith(`:${wanted}`) || c.aliases.includes(wanted))
  const card = named.find((c) => c.isUsable) ?? named[0]
  return { model: card?.id ?? wanted }
}

const rowsOf = (providers: ProviderRecord[]) =>
  providers.flatMap((provider) => provider.models.map((row) => ({ provider, row })))

const nameOf = ({ provider, row }: { provider: ProviderRecord; row: ModelRecord }): string =>
  `${endpointOf(provider.id)}:${row.model}`
