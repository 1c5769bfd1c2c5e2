/**
 * A profile is an agent of the catalog: which model, and where it is called. What an agent's file
 * does not say - an address, a key, a window - is an endpoint of the profile's own. Pure.
 */

import { createHash } from 'node:crypto'
import type { Agent } from '../../kernel/agent.ts'
import type { Json } from '../../kernel/part.ts'
import type { Endpoint, ModelCard, ShownEndpoint } from '../../kernel/ports.ts'
import type { Profile, Provider } from './schema.ts'
import { limitsOf } from './window.ts'

/** Always all six keys, and never the API key itself. */
export interface ShownProfile {
  provider: string
  model: string
  base_url: string | null
  api_key: string | null
  context_window: number | null
  max_output_tokens: number | null
}

/** In an agent's file: what the profile says of limits, and that it was made here. */
interface Mark {
  context_window: number | null
  max_output_tokens: number | null
}

export function markOf({ extra }: Pick<Agent, 'extra'>): Mark | null {
  const mark = extra.clotho as Partial<Mark> | undefined
  if (typeof mark !== 'object' || mark === null) return null
  const { context_window = null, max_output_tokens = null } = mark
  return { context_window, max_output_tokens }
}

/** `preferred` is the model of agents that name none. */
export function shownProfile(
  agent: Agent,
  endpoints: readonly ShownEndpoint[],
  preferred: string,
): ShownProfile {
  const { provider, model } = splitModel(agent.model ?? preferred)
  const endpoint = endpoints.find((e) => e.name === provider)
  const mark = markOf(agent)
  return {
    provider: endpoint?.kind ?? provider,
    model,
    base_url: endpoint?.baseUrl ?? null,
    api_key: endpoint?.keyHint ?? null,
    context_window: mark?.context_window ?? null,
    max_output_tokens: mark?.max_output_tokens ?? agent.maxOutputTokens ?? null,
  }
}

function splitModel(name: string): { provider: string; model: string } {
  const at = name.indexOf(':')
  return { provider: name.slice(0, Math.max(0, at)), model: name.slice(at + 1) }
}

export const needsEndpoint = ({ base_url, api_key, context_window }: Profile): boolean =>
  [base_url, api_key, context_window].some((v) => v !== undefined && v !== null && v !== '')

/** Two profiles whose names differ only in case or in odd characters have endpoints of their own. */
export function endpointName(profile: string): string {
  const plain = profile.toLowerCase().replace(/[^a-z0-9._-]/g, '-')
  if (plain === profile && plain.length <= 48) return `clotho-${plain}`
  const hash = createHash('sha256').update(profile).digest('hex').slice(0, 8)
  return `clotho-${plain.slice(0, 40)}-${hash}`
}

/** `card` is what the server knows of the model when its own provider is asked. */
export function endpointOf(name: string, profile: Profile, card: ModelCard | null): Endpoint {
  const known = limitsOf(profile.model)
  const contextWindow = profile.context_window ?? card?.contextWindow ?? known?.window ?? null
  const maxOutputTokens =
    profile.max_output_tokens ?? card?.maxOutputTokens ?? known?.output ?? null
  return {
    name: endpointName(name),
    kind: profile.provider,
    baseUrl: profile.base_url || null,
    apiKey: profile.api_key || null,
    models: { [profile.model]: { contextWindow, maxOutputTokens } },
  }
}

export const modelOf = (name: string, profile: Profile): string =>
  `${needsEndpoint(profile) ? endpointName(name) : profile.provider}:${profile.model}`

export const ownModel = ({ provider, model }: { provider: Provider; model: string }): string =>
  `${provider}:${model}`

/** The file of a new profile's agent. */
export const newConfig = (name: string, profile: Profile): Record<string, Json> => ({
  description: `Profile made by a Clotho client: ${ownModel(profile)}.`,
  tools: { preset: 'full', allow: [], deny: [] },
  subagents: 'any',
  ...modelConfig(name, profile),
})

/** The same file with another model; what else somebody wrote into it stays. */
export function changedConfig(agent: Agent, profile: Profile): Record<string, Json> {
  const { clotho: _, ...extra } = agent.extra
  const { preset, allow, deny } = agent.tools
  const { temperature, thinking } = agent
  return {
    ...(extra as Record<string, Json>),
    description: agent.about,
    tools: { preset, allow, deny },
    subagents: agent.children ?? 'any',
    permissions: {
      rules: agent.permissions.rules.map((rule) => ({ ...rule })),
      otherwise: { ...agent.permissions.otherwise },
    },
    limits: { ...agent.limits },
    compaction: { ...agent.compaction },
    unknownOutcome: agent.unknownOutcome,
    ...(temperature === undefined ? {} : { temperature }),
    ...(thinking === undefined
      ? {}
      : { thinking: { enabled: true, budgetTokens: thinking.budgetTokens } }),
    ...modelConfig(agent.name, profile),
  }
}

function modelConfig(name: string, profile: Profile): Record<string, Json> {
  const { context_window = null, max_output_tokens = null } = profile
  return {
    model: modelOf(name, profile),
    ...(max_output_tokens === null ? {} : { maxTokens: max_output_tokens }),
    clotho: { context_window, max_output_tokens },
  }
}
