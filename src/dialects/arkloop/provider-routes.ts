/** Providers of models and the models they are asked for. A key is stored sealed, and never told again. */

import type { Actor } from '../../kernel/accounts.ts'
import { LOCAL_ACCOUNT } from '../../kernel/accounts.ts'
import type { Json } from '../../kernel/part.ts'
import { addressProblem } from './address.ts'
import type { Context } from './context.ts'
import { invalid, notFound, refusal } from './faults.ts'
import { uuidIn } from './id.ts'
import {
  dropProvider,
  endpointOf,
  KIND_OF,
  type ModelRecord,
  modelView,
  type ProviderRecord,
  providersOf,
  providerView,
  saveProvider,
} from './provider.ts'
import { tryModel } from './provider-test.ts'
import { ANYTHING, type ArkRoute, ark, demand, json } from './row.ts'
import { ModelBody, ModelPatch, ProviderBody, ProviderPatch, ScopeQuery } from './schema.ts'

const MANAGE = { may: 'data.secrets.manage', about: 'provider' } as const
const ONE = '/v1/llm-providers/{provider}'

export const providerRoutes = (context: Context): ArkRoute[] => {
  const { engine, settings, turns } = context
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => turns.run('providers', work)
  return [
    ark({
      method: 'GET',
      path: '/v1/llm-providers',
      summary: 'Providers of the account, or of the platform',
      rule: { may: 'data.secrets.manage', about: 'none' },
      query: ScopeQuery,
      handle: async ({ actor, query }) => {
        const scope = query.scope ?? 'platform'
        if (scope === 'platform') demand(actor, 'platform.admin')
        const account = scope === 'platform' ? LOCAL_ACCOUNT : actor.account
        const all = await providersOf(engine, account)
        return json(all.filter((p) => p.scope === scope).map(providerView))
      },
    }),
    ark({
      method: 'POST',
      path: '/v1/llm-providers',
      summary: 'Add a provider with its key',
      rule: { may: 'data.secrets.manage', about: 'none' },
      body: ProviderBody,
      answers: 201,
      handle: ({ actor, body }) => inTurn(async () => json(await add(context, actor, body), 201)),
    }),
    ark({
      method: 'PATCH',
      path: ONE,
      summary: 'Change a provider',
      rule: MANAGE,
      body: ProviderPatch,
      handle: ({ actor, path, body }) =>
        inTurn(async () => {
          const old = await find(context, actor, path.provider)
          return json(providerView(await changed(context, old, body)))
        }),
    }),
    ark({
      method: 'DELETE',
      path: ONE,
      summary: 'Take a provider away, with its key',
      rule: MANAGE,
      handle: ({ actor, path }) =>
        inTurn(async () => {
          const provider = await find(context, actor, path.provider)
          await dropProvider(engine, provider)
          await engine.endpoints.drop(endpointOf(provider.id))
          return json({ ok: true })
        }),
    }),
    ark({
      method: 'GET',
      path: `${ONE}/available-models`,
      summary: 'Models that such a provider is known to have',
      rule: MANAGE,
      handle: async ({ actor, path }) => {
        const provider = await find(context, actor, path.provider)
        const cards = await engine.models.list()
        const known = cards.filter((c) => c.provider === KIND_OF[provider.provider])
        const models = known.map((c) => ({
          id: c.id.slice(c.id.indexOf(':') + 1),
          name: c.name,
          configured: provider.models.some((m) => c.id.endsWith(`:${m.model}`)),
        }))
        return json({ models })
      },
    }),
    ark({
      method: 'POST',
      path: `${ONE}/models`,
      summary: 'Add a model: a route that runs can name',
      rule: MANAGE,
      body: ModelBody,
      answers: 201,
      handle: ({ actor, path, body }) =>
        inTurn(async () => {
          const provider = await find(context, actor, path.provider)
          refuseTaken(provider, body.model, null)
          const row = { ...rowOf(body, null), id: settings.newId(), model: body.model }
          await saveModels(context, provider, [...provider.models, row], row)
          return json(modelView(provider, row), 201)
        }),
    }),
    ark({
      method: 'PATCH',
      path: `${ONE}/models/{model}`,
      summary: 'Change a model',
      rule: MANAGE,
      body: ModelPatch,
      handle: ({ actor, path, body }) =>
        inTurn(async () => {
          const provider = await find(context, actor, path.provider)
          const old = modelIn(provider, path.model)
          const model = body.model ?? old.model
          refuseTaken(provider, model, old.id)
          const row = { ...rowOf(body, old), id: old.id, model }
          const rows = provider.models.map((m) => (m.id === old.id ? row : m))
          await saveModels(context, provider, rows, row)
          return json(modelView(provider, row))
        }),
    }),
    ark({
      method: 'DELETE',
      path: `${ONE}/models/{model}`,
      summary: 'Take a model away',
      rule: MANAGE,
      handle: ({ actor, path }) =>
        inTurn(async () => {
          const provider = await find(context, actor, path.provider)
          const old = modelIn(provider, path.model)
          const models = provider.models.filter((m) => m.id !== old.id)
          await saveProvider(engine, { ...provider, models })
          return json({ ok: true })
        }),
    }),
    ark({
      method: 'POST',
      path: `${ONE}/models/{model}/test`,
      summary: 'Does the model answer',
      rule: MANAGE,
      body: ANYTHING,
      handle: async ({ actor, path, signal }) => {
        const provider = await find(context, actor, path.provider)
        const row = modelIn(provider, path.model)
        const name = `${endpointOf(provider.id)}:${row.model}`
        const outcome = await tryModel(engine.models, name, { now: settings.now, signal })
        return json({ ...outcome, model_id: row.id })
      },
    }),
  ]
}

const MASKED = 8

async function add(context: Context, actor: Actor, body: ProviderBody) {
  const { engine, settings } = context
  const scope = body.scope ?? 'platform'
  if (scope === 'platform') demand(actor, 'platform.admin')
  const apiKey = body.api_key.trim()
  if (apiKey === '')
    throw refusal('invalid', 'llm_providers.api_key_missing', 'api_key is required')
  const account = scope === 'platform' ? LOCAL_ACCOUNT : actor.account
  await refuseName(context, account, body.name, null)
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
  await saveProvider(engine, record)
  return providerView(record)
}

/** So little of it that nobody could guess the rest. */
const prefixOf = (key: string): string => (key.length >= 4 * MASKED ? key.slice(0, MASKED) : '')

const define = ({ engine }: Context, record: ProviderRecord, apiKey: string): Promise<void> =>
  engine.endpoints.put({
    name: endpointOf(record.id),
    kind: KIND_OF[record.provider],
    baseUrl: record.base_url,
    apiKey,
    models: {},
    ...(record.scope === 'user' ? { account: record.account } : {}),
  })

function addressOf(url: string | null): string | null {
  const text = url?.trim().replace(/\/+$/, '') ?? ''
  if (text === '') return null
  const problem = addressProblem(text)
  if (problem) throw invalid(problem, { reason: 'base_url' })
  return text
}

async function changed(
  context: Context,
  old: ProviderRecord,
  body: ProviderPatch,
): Promise<ProviderRecord> {
  if (body.name !== undefined) await refuseName(context, old.account, body.name, old.id)
  const base_url = body.base_url === undefined ? old.base_url : addressOf(body.base_url)
  const provider = body.provider ?? old.provider
  const isElsewhere = base_url !== old.base_url || provider !== old.provider
  const apiKey = body.api_key?.trim() ?? ''
  // A key is never sent to another address than the one it was given for.
  if (isElsewhere && apiKey === '')
    throw refusal('invalid', 'llm_providers.api_key_missing', 'send api_key with a new address')
  const record: ProviderRecord = {
    ...old,
    name: body.name ?? old.name,
    provider,
    base_url,
    openai_api_mode: body.openai_api_mode ?? old.openai_api_mode,
    advanced_json:
      body.advanced_json === undefined
        ? old.advanced_json
        : (body.advanced_json as { [key: string]: Json } | null),
    ...(apiKey === '' ? {} : { key_prefix: prefixOf(apiKey) }),
  }
  if (apiKey !== '') await define(context, record, apiKey)
  await saveProvider(context.engine, record)
  return record
}

async function refuseName(
  { engine }: Context,
  account: string,
  name: string,
  except: string | null,
): Promise<void> {
  const all = await providersOf(engine, account)
  if (all.some((p) => p.name === name && p.id !== except))
    throw refusal('conflict', 'llm_providers.name_conflict', 'a provider of this name exists')
}

/** The platform's are for who administers it; another account's are as unknown as none. */
async function find(
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

function modelIn(provider: ProviderRecord, text: string | undefined): ModelRecord {
  const id = uuidIn(text)
  const found = provider.models.find((m) => m.id === id)
  if (found) return found
  throw notFound('llm_provider_models.not_found', 'model')
}

function refuseTaken(provider: ProviderRecord, model: string, except: string | null): void {
  if (provider.models.some((m) => m.model === model && m.id !== except))
    throw refusal('conflict', 'llm_provider_models.model_conflict', 'the model exists already')
}

/** At most one is the default. */
async function saveModels(
  { engine }: Context,
  provider: ProviderRecord,
  rows: ModelRecord[],
  row: ModelRecord,
): Promise<void> {
  const models = row.is_default
    ? rows.map((m) => (m.id === row.id ? m : { ...m, is_default: false }))
    : rows
  await saveProvider(engine, { ...provider, models })
}

const COSTS = [
  'cost_per_1k_input',
  'cost_per_1k_output',
  'cost_per_1k_cache_write',
  'cost_per_1k_cache_read',
] as const

function rowOf(
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
