/**
 * The models this server knows facts of, from `prices.json`. Prices are as of the day that file
 * names; what it does not know is null, never a guess.
 */

import { readFileSync } from 'node:fs'
import type { ModelCard } from '../kernel/ports.ts'
import type { Price } from './settings.ts'

/** A row of the file. */
export interface Entry {
  id: string
  /** What the provider calls it, when that is not the part of `id` after the colon. */
  wire?: string
  name: string
  tier: ModelCard['tier']
  about: string
  contextWindow: number | null
  maxOutputTokens: number | null
  inputUsd: number | null
  outputUsd: number | null
  cacheReadUsd: number | null
  cacheWriteUsd: number | null
  /** Prices of a request whose prompt has more tokens than `above`. */
  long?: Price & { above: number }
  /** Prices from a day on that is known already. */
  later?: Price & { from: string }
  capabilities: string[]
  aliases: string[]
  releasedAt: string | null
  default?: boolean
}

export interface Table {
  /** The day on which the prices were looked up. */
  asOf: string
  entries: readonly Entry[]
  /** By id, provider's own name, alias or display name; with or without the provider in front. */
  find(name: string): Entry | null
}

/** Read beside this file, because importing JSON still warns on Node 20. */
export function loadTable(prices: Record<string, Price> = {}): Table {
  const text = readFileSync(new URL('./prices.json', import.meta.url), 'utf8')
  const file = JSON.parse(text) as { asOf: string; models: Entry[] }
  const entries = file.models.map((entry) => repriced(entry, prices[entry.id]))
  const known = new Set(entries.map((e) => e.id))
  for (const [id, price] of Object.entries(prices))
    if (!known.has(id)) entries.push(repriced(unlisted(id), price))
  const names = namesOf(entries)
  return { asOf: file.asOf, entries, find: (name) => names.get(name.toLowerCase()) ?? null }
}

/** The first entry that claims a name has it, and an id claims its name before any alias does. */
function namesOf(entries: Entry[]): Map<string, Entry> {
  const names = new Map<string, Entry>()
  const claim = (name: string, entry: Entry): void => {
    const key = name.toLowerCase()
    if (!names.has(key)) names.set(key, entry)
  }
  for (const entry of entries) claim(entry.id, entry)
  for (const entry of entries) {
    const provider = providerOf(entry.id)
    claim(wireName(entry), entry)
    claim(`${provider}:${wireName(entry)}`, entry)
    claim(bareName(entry.id), entry)
  }
  for (const entry of entries) {
    for (const alias of entry.aliases) {
      claim(alias, entry)
      claim(`${providerOf(entry.id)}:${alias}`, entry)
    }
    claim(entry.name, entry)
  }
  return names
}

export const providerOf = (id: string): string => id.slice(0, Math.max(0, id.indexOf(':')))
export const bareName = (id: string): string => id.slice(id.indexOf(':') + 1)
export const wireName = (entry: Entry): string => entry.wire ?? bareName(entry.id)

function repriced(entry: Entry, price: Price | undefined): Entry {
  if (!price) return entry
  const { long: _, later: __, ...rest } = entry
  const { inputUsd, outputUsd, cacheReadUsd = null, cacheWriteUsd = null } = price
  return { ...rest, inputUsd, outputUsd, cacheReadUsd, cacheWriteUsd }
}

export const unlisted = (id: string): Entry => ({
  id,
  name: bareName(id),
  tier: 'balanced',
  about: 'Named in the settings of this server.',
  contextWindow: null,
  maxOutputTokens: null,
  inputUsd: null,
  outputUsd: null,
  cacheReadUsd: null,
  cacheWriteUsd: null,
  capabilities: ['tools', 'streaming'],
  aliases: [],
  releasedAt: null,
})

export function cardOf(entry: Entry, isUsable: boolean): ModelCard {
  const { id, name, about, tier, contextWindow, maxOutputTokens } = entry
  const { inputUsd, outputUsd, cacheReadUsd, cacheWriteUsd } = entry
  return {
    id,
    name,
    provider: providerOf(id),
    about,
    tier,
    contextWindow,
    maxOutputTokens,
    inputUsd,
    outputUsd,
    cacheReadUsd,
    cacheWriteUsd,
    capabilities: [...entry.capabilities],
    aliases: [...entry.aliases],
    releasedAt: entry.releasedAt,
    isDefault: entry.default === true,
    isUsable,
  }
}

/** A model that runs on this machine and of which no more is known than its name. */
export const localEntry = (id: string, more: Partial<Entry> = {}): Entry => ({
  ...unlisted(id),
  tier: 'local',
  inputUsd: 0,
  outputUsd: 0,
  cacheReadUsd: 0,
  cacheWriteUsd: 0,
  about: 'On this machine.',
  ...more,
})
