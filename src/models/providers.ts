/**
 * The wire formats that are spoken, a row each: where the provider is, which variable holds its key,
 * and which library speaks its language. A library is loaded at the first call.
 */

import type { Endpoint } from '../kernel/ports.ts'
import type { LanguageModel } from './library.ts'
import { LOCAL_FIRST_BYTE_MS, type ProviderAccess } from './settings.ts'

export type Kind = Endpoint['kind']
export type OpenaiApi = 'responses' | 'chat'

export interface Provider {
  /** The part of `provider:model` before the colon. */
  name: string
  kind: Kind
  /** How a person calls it. */
  title: string
  family: 'anthropic' | 'openai' | 'google' | 'compatible'
  apiKey: string | null
  /** The variables that may hold the key; the first is the one to name. */
  keyNames: readonly string[]
  /** The provider itself, where a key is needed; elsewhere it may not be. */
  isOwnAddress: boolean
  address: string
  isLocal: boolean
  /** Waits longer than the settings say, when a local server may have to load a model. */
  firstByteMs: number | null
  open(model: string, fetch: typeof globalThis.fetch): Promise<LanguageModel>
}

interface Row {
  title: string
  keyNames: readonly string[]
  /** Where it is when nothing else is said. */
  address: string
  /** People give an address with and without this part that the libraries want to be in it. */
  version: string
  /** Is the version missing from every path that has none, or only from a bare host? */
  addsVersion: 'always' | 'to-host'
}

const ROWS: Record<Kind, Row> = {
  anthropic: {
    title: 'Anthropic',
    keyNames: ['ANTHROPIC_API_KEY'],
    address: 'https://api.anthropic.com',
    version: 'v1',
    addsVersion: 'always',
  },
  openai: {
    title: 'OpenAI',
    keyNames: ['OPENAI_API_KEY'],
    address: 'https://api.openai.com',
    version: 'v1',
    addsVersion: 'to-host',
  },
  google: {
    title: 'Google',
    keyNames: ['GOOGLE_API_KEY', 'GEMINI_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY'],
    address: 'https://generativelanguage.googleapis.com',
    version: 'v1beta',
    addsVersion: 'to-host',
  },
  openrouter: {
    title: 'OpenRouter',
    keyNames: ['OPENROUTER_API_KEY'],
    address: 'https://openrouter.ai',
    version: 'api/v1',
    addsVersion: 'to-host',
  },
  ollama: {
    title: 'Ollama',
    keyNames: [],
    address: 'http://127.0.0.1:11434',
    version: 'v1',
    addsVersion: 'always',
  },
}

/** In the order in which they are listed and preferred. */
export const KINDS = Object.keys(ROWS) as Kind[]

export interface Seat {
  name: string
  kind: Kind
  access: ProviderAccess
  openaiApi?: OpenaiApi
}

/** A provider by its kind; `name` is the kind's own for the built-in ones. */
export function createProvider({ name, kind, access, openaiApi }: Seat): Provider {
  const { title, keyNames, address: own, version, addsVersion } = ROWS[kind]
  const address = (access.baseUrl ?? own).replace(/\/+$/, '')
  const isOwnAddress = kind !== 'ollama' && hostOf(address) === hostOf(own)
  const apiKey = access.apiKey?.trim() || null
  const baseURL = withVersion(address, version, addsVersion)
  const usesResponses = kind === 'openai' && (openaiApi ? openaiApi === 'responses' : isOwnAddress)
  return {
    name,
    kind,
    title: name === kind ? title : name,
    family: familyOf(kind, usesResponses),
    apiKey,
    keyNames: name === kind ? keyNames : [],
    isOwnAddress,
    address,
    isLocal: kind === 'ollama',
    firstByteMs: kind === 'ollama' ? LOCAL_FIRST_BYTE_MS : null,
    open: (model, fetch) =>
      OPENERS[familyOf(kind, usesResponses)]({ name, baseURL, apiKey, fetch }, model),
  }
}

const hostOf = (address: string): string =>
  URL.canParse(address) ? new URL(address).hostname : address

function familyOf(kind: Kind, usesResponses: boolean): Provider['family'] {
  if (kind === 'anthropic' || kind === 'google') return kind
  return usesResponses ? 'openai' : 'compatible'
}

function withVersion(address: string, version: string, adds: Row['addsVersion']): string {
  const path = URL.canParse(address) ? new URL(address).pathname : ''
  const isMissing = adds === 'to-host' ? path === '/' : !/\/v\d+[a-z]*$/.test(path)
  return isMissing ? `${address}/${version}` : address
}

interface Access {
  name: string
  baseURL: string
  apiKey: string | null
  fetch: typeof globalThis.fetch
}

/** A key may be absent at a server of one's own; the libraries insist on some text. */
const NO_KEY = 'none'

const OPENERS: Record<
  Provider['family'],
  (access: Access, model: string) => Promise<LanguageModel>
> = {
  async anthropic({ baseURL, apiKey, fetch }, model) {
    const { createAnthropic } = await import('@ai-sdk/anthropic')
    return createAnthropic({ baseURL, apiKey: apiKey ?? NO_KEY, fetch })(model)
  },
  async openai({ baseURL, apiKey, fetch }, model) {
    const { createOpenAI } = await import('@ai-sdk/openai')
    return createOpenAI({ baseURL, apiKey: apiKey ?? NO_KEY, fetch }).responses(model)
  },
  async google({ baseURL, apiKey, fetch }, model) {
    const { createGoogleGenerativeAI } = await import('@ai-sdk/google')
    return createGoogleGenerativeAI({ baseURL, apiKey: apiKey ?? NO_KEY, fetch })(model)
  },
  async compatible({ name, baseURL, apiKey, fetch }, model) {
    const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible')
    const key = apiKey === null ? {} : { apiKey }
    const chat = createOpenAICompatible({ name, baseURL, includeUsage: true, fetch, ...key })
    return chat.chatModel(model)
  },
}
