/**
 * The registry of models: what can be named, what is usable right now, and the stream of a call.
 * Nothing here waits for a network longer than 300 ms, except the calls themselves.
 */

import { Fault } from '../kernel/fault.ts'
import type { ModelCard, ModelItem, ModelRequest, Models } from '../kernel/ports.ts'
import { NO_USAGE } from '../kernel/usage.ts'
import { demo } from './demo/demo.ts'
import { ABORTED, classify, failure, masker } from './failure.ts'
import {
  DEMO_MODEL,
  endpointEntry,
  type House,
  type Named,
  offlineEntry,
  openHouse,
} from './house.ts'
import { hasModel } from './ollama.ts'
import type { Provider } from './providers.ts'
import { scripted } from './scripted.ts'
import { DEFAULT_FIRST_BYTE_MS, DEFAULT_STALL_MS, type ModelSettings } from './settings.ts'
import { cardOf, type Entry, localEntry, providerOf } from './table.ts'
import { callUpstream } from './upstream.ts'

export type { ModelSettings, Price, ProviderAccess } from './settings.ts'
export { DEMO_MODEL }

const DEMO_RATE = 40

export function createModels(settings: ModelSettings): Models {
  const house = openHouse(settings)
  return {
    stream: (request) => stream(house, request),
    check: (model) => check(house, model),
    list: () => list(house),
    preferred: () => preferred(house),
    card(model) {
      const named = house.resolve(model)
      return named?.entry ? cardOf(named.entry, isUsable(house, named, knownAt(house))) : null
    },
    define: (endpoint) => house.define(endpoint),
    undefine: (name) => house.undefine(name),
  }
}

/** The port promises that a stream never throws; what is thrown here is a fault of ours. */
function stream(house: House, request: ModelRequest): AsyncIterable<ModelItem> {
  return {
    [Symbol.asyncIterator]() {
      const items = speak(house, request)[Symbol.asyncIterator]()
      let isOver = false
      const fail = (error: unknown): IteratorResult<ModelItem> => {
        isOver = true
        const problem = request.signal.aborted
          ? ABORTED
          : {
              ...classify(error, 'Model call', house.mask),
              code: 'provider_error',
              retryable: false,
            }
        return { done: false, value: { kind: 'failed', failure: problem, usage: NO_USAGE } }
      }
      const end = { done: true as const, value: undefined }
      return {
        next: () => (isOver ? Promise.resolve(end) : items.next().catch(fail)),
        return: () => items.return?.() ?? Promise.resolve(end),
      }
    },
  }
}

function speak(house: House, request: ModelRequest): AsyncGenerator<ModelItem, void, void> {
  const { settings } = house
  const named = house.resolve(request.model)
  if (!named) return refused('unknown_model', unknownText(house, request.model))
  const { provider, model, entry } = named
  if (!provider) {
    if (named.id.startsWith('demo:')) return demo(request, settings.demoRate ?? DEMO_RATE)
    const rate = settings.scriptedRate ?? 0
    return scripted(request, { rate, fixtures: settings.fixtures ?? null })
  }
  if (!hasKey(provider)) return refused('no_credentials', keyText(provider))
  const limits = {
    firstByteMs: settings.firstByteMs ?? provider.firstByteMs ?? DEFAULT_FIRST_BYTE_MS,
    stallMs: settings.stallMs ?? DEFAULT_STALL_MS,
  }
  // The key may be replaced while the call is going on; the old one must not show either.
  const own = masker([provider.apiKey])
  const mask = (text: string): string => house.mask(own(text))
  return callUpstream(request, { provider, model, entry, limits, mask })
}

async function* refused(code: string, message: string): AsyncGenerator<ModelItem, void, void> {
  yield { kind: 'failed', failure: failure(code, message), usage: NO_USAGE }
}

/** Servers at another address decide by themselves whether they want a key. */
const hasKey = (provider: Provider): boolean => provider.apiKey !== null || !provider.isOwnAddress

const keyText = ({ title, keyNames }: Provider): string =>
  keyNames.length > 0
    ? `${title} is not configured: set ${keyNames.join(' or ')} and start the server again.`
    : `The endpoint ${title} has no key: define it again with one.`

function unknownText(house: House, model: string): string {
  const ready = house.providers().filter(hasKey)
  const names = [...ready.map((p) => p.name), 'demo'].join(', ')
  return `There is no model "${model}". Name one as provider:model; configured providers: ${names}.`
}

async function check(house: House, model: string): Promise<Fault | null> {
  const named = house.resolve(model)
  if (!named) return new Fault('unknown_model', unknownText(house, model), { model })
  const { provider } = named
  if (!provider) return null
  if (!hasKey(provider))
    return new Fault('no_credentials', keyText(provider), { model, provider: provider.name })
  return checkOllama(house, provider, named.model)
}

async function checkOllama(house: House, provider: Provider, model: string): Promise<Fault | null> {
  const ollama = house.ollama(provider)
  if (!ollama) return null
  const installed = await ollama.installed()
  const details = { model: `${provider.name}:${model}`, provider: provider.name }
  if (installed === null)
    return new Fault(
      'no_credentials',
      `Ollama does not answer at ${ollama.url}: start it with "ollama serve", or set OLLAMA_HOST.`,
      details,
    )
  if (hasModel(installed, model)) return null
  const have = installed.length > 0 ? ` It has: ${installed.join(', ')}.` : ''
  return new Fault(
    'unknown_model',
    `Ollama has no model "${model}": get it with "ollama pull ${model}".${have}`,
    details,
  )
}

/** Per provider that runs Ollama: the models it has, or null when it does not answer. */
type Installed = Map<string, string[] | null>

const knownAt = (house: House): Installed =>
  new Map(house.providers().map((p) => [p.name, house.ollama(p)?.known() ?? null]))

async function installedAt(house: House): Promise<Installed> {
  const asked = house.providers().map(async (provider) => {
    const ollama = house.ollama(provider)
    return [provider.name, ollama ? await ollama.installed() : null] as const
  })
  return new Map(await Promise.all(asked))
}

/** A listed model may not be there at a server that is not the provider's own and wants no key. */
function isUsable(house: House, { provider, model }: Named, installed: Installed): boolean {
  if (!provider) return true
  if (provider.isLocal) return hasModel(installed.get(provider.name) ?? [], model)
  return provider.apiKey !== null || (house.endpoint(provider.name) !== null && hasKey(provider))
}

async function list(house: House): Promise<ModelCard[]> {
  const installed = await installedAt(house)
  const entries = [...house.table.entries, ...furtherEntries(house, installed)]
  const cards = entries.flatMap((entry) => {
    const named = house.resolve(entry.id)
    return named ? [cardOf(entry, isUsable(house, named, installed))] : []
  })
  const offline = { ...offlineEntry(DEMO_MODEL, house.settings), default: true }
  const order = [...house.providers().map((p) => p.name), 'demo']
  return [...cards, cardOf(offline, true)].sort(
    (a, b) => order.indexOf(a.provider) - order.indexOf(b.provider),
  )
}

/** What is installed here, and what endpoints are said to have. */
function furtherEntries(house: House, installed: Installed): Entry[] {
  const listed = new Set(house.table.entries.map((e) => e.id))
  const found = house.providers().flatMap((provider) => {
    const names = installed.get(provider.name) ?? []
    return names
      .filter((n) => !isListed(listed, provider.name, n))
      .map((n) => localEntry(`${provider.name}:${n}`))
  })
  const said = house.endpoints().flatMap((endpoint) => {
    const provider = house.resolve(`${endpoint.name}:x`)?.provider
    const models = Object.keys(endpoint.models).filter((m) => m !== '*')
    return provider ? models.map((m) => endpointEntry(house, endpoint, provider, m)) : []
  })
  const seen = new Set(said.map((e) => e.id))
  return [...said, ...found.filter((e) => !seen.has(e.id))].filter((e) => !listed.has(e.id))
}

const isListed = (listed: Set<string>, provider: string, name: string): boolean =>
  listed.has(`${provider}:${name}`) || listed.has(`${provider}:${name.replace(/:latest$/, '')}`)

async function preferred(house: House): Promise<string> {
  if (house.settings.defaultModel) return house.settings.defaultModel
  const cards = (await list(house)).filter((c) => c.isUsable && c.provider !== 'demo')
  const local = cards.find((c) => providerOf(c.id) === 'ollama')
  return (cards.find((c) => c.isDefault) ?? local ?? cards[0])?.id ?? DEMO_MODEL
}
