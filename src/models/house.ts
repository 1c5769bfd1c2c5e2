/**
 * Which providers there are and what a name means: the built-in ones and the endpoints that were
 * defined while the server runs. A key of the server goes to nobody but the provider it is for.
 */

import { Fault } from '../kernel/fault.ts'
import type { Endpoint } from '../kernel/ports.ts'
import { masker } from './failure.ts'
import { type Ollama, watchOllama } from './ollama.ts'
import { createProvider, KINDS, type Kind, type Provider } from './providers.ts'
import type { ModelSettings } from './settings.ts'
import {
  bareName,
  type Entry,
  loadTable,
  localEntry,
  type Table,
  unlisted,
  wireName,
} from './table.ts'

export const DEMO_MODEL = 'demo:assistant'
const OFFLINE = new Set(['demo', 'scripted'])
const OFFLINE_WINDOW = 200_000

/** A name as it was understood. `provider` is null for the models that need none. */
export interface Named {
  id: string
  provider: Provider | null
  /** What the provider calls it. */
  model: string
  entry: Entry | null
}

export interface House {
  readonly settings: ModelSettings
  readonly table: Table
  /** In the order in which they are listed. */
  providers(): Provider[]
  /** Of a provider that runs Ollama. */
  ollama(provider: Provider): Ollama | null
  endpoint(name: string): Endpoint | null
  endpoints(): Endpoint[]
  resolve(name: string): Named | null
  define(endpoint: Endpoint): void
  undefine(name: string): void
  /** Takes every key that is known out of a text. */
  mask(text: string): string
}

export function openHouse(settings: ModelSettings): House {
  const table = loadTable(settings.prices)
  const providers = new Map<string, Provider>()
  const ollamas = new Map<string, Ollama>()
  const endpoints = new Map<string, Endpoint>()
  const seat = (
    name: string,
    kind: Kind,
    access: Provider['apiKey'],
    baseUrl: string | null,
  ): void => {
    const watched = kind === 'ollama' ? watchOllama(baseUrl ?? settings.ollamaUrl) : null
    const address = watched ? watched.url : baseUrl
    const api = settings.openaiApi ? { openaiApi: settings.openaiApi } : {}
    providers.set(
      name,
      createProvider({ name, kind, access: { apiKey: access, baseUrl: address }, ...api }),
    )
    if (watched) ollamas.set(name, watched)
    else ollamas.delete(name)
  }
  for (const kind of KINDS) {
    const given = kind === 'ollama' ? undefined : settings.providers[kind]
    seat(kind, kind, given?.apiKey ?? null, given?.baseUrl ?? null)
  }
  const house: House = {
    settings,
    table,
    providers: () => [...providers.values()],
    ollama: (provider) => ollamas.get(provider.name) ?? null,
    endpoint: (name) => endpoints.get(name) ?? null,
    endpoints: () => [...endpoints.values()],
    resolve: (name) => resolve(house, name),
    define(endpoint) {
      const { name, kind, baseUrl } = endpoint
      refuseName(name)
      if (baseUrl !== null) refuseAddress(baseUrl)
      const own = providers.get(kind) as Provider
      endpoints.set(name, endpoint)
      seat(name, kind, endpoint.apiKey ?? inherited(own, baseUrl), baseUrl ?? own.address)
    },
    undefine(name) {
      if (!endpoints.delete(name)) return
      providers.delete(name)
      ollamas.delete(name)
    },
    mask: (text) => masker([...providers.values()].map((p) => p.apiKey))(text),
  }
  return house
}

function refuseName(name: string): void {
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(name))
    throw new Fault('invalid', 'The name of an endpoint is made of a-z, 0-9, dot, dash and _.')
  if (OFFLINE.has(name) || KINDS.some((kind) => kind === name))
    throw new Fault('invalid', `"${name}" is a built-in provider: give the endpoint another name.`)
}

function refuseAddress(baseUrl: string): void {
  const isWeb = URL.canParse(baseUrl) && /^https?:$/.test(new URL(baseUrl).protocol)
  if (!isWeb)
    throw new Fault('invalid', 'The address of an endpoint must begin with http:// or https://.')
}

/** Who may define an endpoint must not be able to have the server's own key sent to any address. */
function inherited(own: Provider, baseUrl: string | null): string | null {
  if (baseUrl === null) return own.apiKey
  return new URL(baseUrl).origin === new URL(own.address).origin ? own.apiKey : null
}

function resolve(house: House, name: string): Named | null {
  const given = name.trim() === 'demo' ? DEMO_MODEL : name.trim()
  const prefix = given.slice(0, Math.max(0, given.indexOf(':')))
  const model = bareName(given)
  const providers = new Map(house.providers().map((p) => [p.name, p]))
  const endpoint = house.endpoint(prefix)
  if (endpoint && model !== '') {
    const provider = providers.get(prefix) as Provider
    return { id: given, provider, model, entry: endpointEntry(house, endpoint, provider, model) }
  }
  const entry = house.table.find(given)
  if (entry) {
    const provider = providers.get(entry.id.slice(0, entry.id.indexOf(':')))
    return provider ? { id: entry.id, provider, model: wireName(entry), entry } : null
  }
  if (model === '') return null
  if (OFFLINE.has(prefix))
    return { id: given, provider: null, model, entry: offlineEntry(given, house.settings) }
  const provider = providers.get(prefix)
  if (!provider) return null
  return { id: given, provider, model, entry: provider.isLocal ? localEntry(given) : null }
}

/** A price is known only where the provider itself is asked. */
export function endpointEntry(
  { table }: Pick<House, 'table'>,
  endpoint: Endpoint,
  provider: Provider,
  model: string,
): Entry {
  const id = `${endpoint.name}:${model}`
  const facts = endpoint.models[model] ?? endpoint.models['*']
  const own = provider.isLocal
    ? localEntry(id)
    : provider.isOwnAddress
      ? table.find(`${endpoint.kind}:${model}`)
      : null
  const priced = table.find(id) ?? own ?? unlisted(id)
  return {
    ...priced,
    id,
    aliases: [],
    default: false,
    contextWindow: facts?.contextWindow ?? priced.contextWindow,
    maxOutputTokens: facts?.maxOutputTokens ?? priced.maxOutputTokens,
  }
}

export function offlineEntry(id: string, settings: ModelSettings): Entry {
  const isDemo = id.startsWith('demo:')
  return localEntry(id, {
    name: isDemo ? 'Demo (no language model)' : bareName(id),
    about: isDemo
      ? 'Built in, offline: follows fixed rules, calls tools on plain requests.'
      : 'Says what a script tells it to. For tests.',
    contextWindow: isDemo ? OFFLINE_WINDOW : (settings.scriptedWindow ?? OFFLINE_WINDOW),
    aliases: id === DEMO_MODEL ? ['demo'] : [],
  })
}
