/** How providers and their models are made and changed; `provider-routes.ts` says for whom. */

import type { Actor } from '../../kernel/accounts.ts'
import { LOCAL_ACCOUNT } from '../../kernel/accounts.ts'
import type { Json } from '../../kernel/part.ts'
import { addressProblem } from './address.ts'
import type { Context } from './context.ts'
import { invalid, notFound, refusal } from './faults.ts'
import { uuidIn } from './id.ts'
import {
  addProvider,
  changeProvider,
  endpointOf,
  KIND_OF,
  type ModelRecord,
  type ProviderRecord,
  providersOf,
  providerView,
} from './provider.ts'
import type { ModelBody, ModelPatch, ProviderBody, ProviderPatch } from './provider-schema.ts'
import { demand } from './row.ts'

const MASKED = 8

export async function add(context: Context, actor: Actor, body: ProviderBody) {
  const { engine, settings } = context
  const scope = body.scope ?? 'platform'
  if (scope === 'platform') demand(actor, 'platform.admin')
  const apiKey = body.api_key.trim()
  if (apiKey === '')
    throw refusal('invalid', 'llm_providers.api_key_missing', 'api_key is required')
  const account = scope === 'platform' ? LOCAL_ACCOUNT : actor.account
  const record: ProviderRecord = {
    id: settings.newId(),
    account,
    scope,
    name: body.name,
    provider: body.provider,
    key_prefix: prefixOf(apiKey),
    base_url: addressOf(body.base_url ?? null),
    openai_api_mode: body.openai_api_mode ?? 'auto',
    advanced_json: (body.advanced_json as { [key: string]: Json } | null | undefined) ?? null,
    createdAt: settings.now(),
    models: [],
  }
  await define(context, record, apiKey)
  if (await addProvider(engine, record)) return providerView(record)
  await engine.endpoints.drop(endpointOf(record.id))
  throw nameTaken()
}

const nameTaken = () =>
  refusal('conflict', 'llm_providers.name_conflict', 'a provider of this name exists')

/** Changes what there is now, also when somebody else changes it at the same time. */
export async function amend(
  context: Context,
  actor: Actor,
  id: string | undefined,
  edit: (old: ProviderRecord) => ProviderRecord,
): Promise<{ before: ProviderRecord; after: ProviderRecord }> {
  for (;;) {
    const before = await find(context, actor, id)
    const after = edit(before)
    const outcome = await changeProvider(context.engine, before, after)
    if (outcome === 'taken') throw nameTaken()
    if (outcome === 'changed') return { before, after }
  }
}

/** So little of it that nobody could guess the rest. */
const prefixOf = (key: string): string => (key.length >= 4 * MASKED ? key.slice(0, MASKED) : '')

/** Null: the key that is kept. */
const define = (
  { engine }: Context,
  record: ProviderRecord,
  apiKey: string | null,
): Promise<void> =>
  engine.endpoints.put(
    {
      name: endpointOf(record.id),
      kind: KIND_OF[record.provider],
      baseUrl: record.base_url,
      apiKey,
      models: {},
      ...(record.scope === 'user' ? { account: record.account } : {}),
    },
    { keepsKey: apiKey === null },
  )

function addressOf(url: string | null): string | null {
  const text = url?.trim().replace(/\/+$/, '') ?? ''
  if (text === '') return null
  const problem = addressProblem(text)
  if (problem) throw invalid(problem, { reason: 'base_url' })
  return text
}

/** A key is never sent to another server than the one it was given for. */
export function change(old: ProviderRecord, body: ProviderPatch): ProviderRecord {
  const base_url = body.base_url === undefined ? old.base_url : addressOf(body.base_url)
  const provider = body.provider ?? old.provider
  const isElsewhere = originOf(base_url) !== originOf(old.base_url) || provider !== old.provider
  const apiKey = keyIn(body)
  if (isElsewhere && apiKey === null)
    throw refusal('invalid', 'llm_providers.api_key_missing', 'send api_key with a new address')
  return {
    ...old,
    name: body.name ?? old.name,
    provider,
    base_url,
    openai_api_mode: body.openai_api_mode ?? old.openai_api_mode,
    advanced_json:
      body.advanced_json === undefined
        ? old.advanced_json
        : (body.advanced_json as { [key: string]: Json } | null),
    ...(apiKey === null ? {} : { key_prefix: prefixOf(apiKey) }),
  }
}

const originOf = (address: string | null): string | null =>
  address === null ? null : new URL(address).origin

const keyIn = (body: ProviderPatch): string | null => body.api_key?.trim() || null

/** The endpoint says what the record says. */
export async function redefine(
  context: Context,
  record: ProviderRecord,
  body: ProviderPatch,
): Promise<void> {
  const apiKey = keyIn(body)
  const isNew = apiKey !== null || body.base_url !== undefined || body.provider !== undefined
  if (isNew) await define(context, record, apiKey)
}

/** The platform's are for who administers it; another account's are as unknown as none. */
export async function find(
  { engine }: Context,
  actor: Actor,
  text: string | undefined,
): Promise<ProviderRecord> {
  const id = uuidIn(text)
  if (id === null) throw invalid('invalid provider_id')
  const found = (await providersOf(engine, actor.account)).find((p) => p.id === id)
  if (!found) throw notFound('llm_providers.not_found', 'provider')
  if (found.scope === 'platform') demand(actor, 'platform.admin')
  return found
}

export function modelIn(provider: ProviderRecord, text: string | undefined): ModelRecord {
  const id = uuidIn(text)
  const found = provider.models.find((m) => m.id === id)
  if (found) return found
  throw notFound('llm_provider_models.not_found', 'model')
}

export function refuseTaken(provider: ProviderRecord, model: string, except: string | null): void {
  if (provider.models.some((m) => m.model === model && m.id !== except))
    throw refusal('conflict', 'llm_provider_models.model_conflict', 'the model exists already')
}

/** With the model in its place, or as the last one. At most one is the default. */
export function withModel(provider: ProviderRecord, row: ModelRecord): ProviderRecord {
  const isThere = provider.models.some((m) => m.id === row.id)
  const rows = isThere ? provider.models : [...provider.models, row]
  const models = rows.map((m) => {
    if (m.id === row.id) return row
    return row.is_default ? { ...m, is_default: false } : m
  })
  return { ...provider, models }
}

const COSTS = [
  'cost_per_1k_input',
  'cost_per_1k_output',
  'cost_per_1k_cache_write',
  'cost_per_1k_cache_read',
] as const

export function rowOf(
  body: ModelBody | ModelPatch,
  old: ModelRecord | null,
): Omit<ModelRecord, 'id' | 'model'> {
  const costs = Object.fromEntries(
    COSTS.flatMap((name) => (typeof body[name] === 'number' ? [[name, body[name]]] : [])),
  )
  const object = (value: unknown): { [key: string]: Json } => value as { [key: string]: Json }
  return {
    priority: body.priority ?? old?.priority ?? 0,
    is_default: body.is_default ?? old?.is_default ?? false,
    show_in_picker: body.show_in_picker ?? old?.show_in_picker ?? true,
    tags: body.tags ?? old?.tags ?? [],
    when: body.when ? object(body.when) : (old?.when ?? {}),
    advanced_json: body.advanced_json ? object(body.advanced_json) : (old?.advanced_json ?? null),
    multiplier: body.multiplier ?? old?.multiplier ?? 1,
    costs: { ...old?.costs, ...costs },
  }
}
