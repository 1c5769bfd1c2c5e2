/** Profiles, tools and models as this dialect lists them: pure views of the kernel's agents and cards. */

import type { Agent } from '../../kernel/agent.ts'
import { type Access, judge } from '../../kernel/policy.ts'
import type { ModelCard, Tool } from '../../kernel/ports.ts'
import { iso } from './messages.ts'

export interface ProfileUse {
  runs: number
  costUsd: number
  lastUsedAt: number | null
  isLive: boolean
}

/** What Ownware keeps in `agent.json` for its shells travels in `extra`. */
export function profileResource(agent: Agent, tools: readonly Tool[], use: ProfileUse) {
  const { extra } = agent
  return {
    id: agent.name,
    name: agent.name,
    displayName: textIn(extra, 'displayName') ?? agent.name,
    description: agent.about,
    productId: textIn(extra, 'productId'),
    locked: false,
    model: agent.model,
    tags: listIn(extra, 'tags'),
    toolCount: tools.length,
    hasSkills: agent.skills.length > 0,
    hasMcp: Object.keys(agent.servers).length > 0,
    icon: textIn(extra, 'icon'),
    color: textIn(extra, 'color'),
    category: textIn(extra, 'category'),
    role: textIn(extra, 'role'),
    composioToolkits: [],
    avatar: textIn(extra, 'avatar'),
    pixelAvatar: textIn(extra, 'pixelAvatar'),
    firstHello: textIn(extra, 'firstHello'),
    starters: listIn(extra, 'starters'),
    useCount: use.runs,
    totalCost: use.costUsd,
    lastUsedAt: use.lastUsedAt === null ? null : iso(use.lastUsedAt),
    helperCount: agent.children?.length ?? 0,
    isLive: use.isLive,
    kind: textIn(extra, 'kind') ?? 'agent',
    source: agent.folder === null ? 'builtin' : 'user',
    readOnly: agent.folder === null,
    forkedFrom: textIn(extra, 'forkedFrom'),
    hasUpdate: false,
  }
}

const textIn = (extra: Agent['extra'], name: string): string | null => {
  const value = extra[name]
  return typeof value === 'string' ? value : null
}

const listIn = (extra: Agent['extra'], name: string): unknown[] => {
  const value = extra[name]
  return Array.isArray(value) ? value : []
}

/** Never the servers' settings: their environment and headers hold secrets. */
export const profileConfig = (agent: Agent) => ({
  ...withoutSecrets(agent.extra),
  name: agent.name,
  description: agent.about,
  model: agent.model,
  tools: agent.tools,
  maxTurns: agent.limits.turns,
  ...(agent.temperature === undefined ? {} : { temperature: agent.temperature }),
  ...(agent.maxOutputTokens === undefined ? {} : { maxTokens: agent.maxOutputTokens }),
  mcp: Object.fromEntries(
    Object.entries(agent.servers).map(([name, s]) => [name, { transport: s.transport }]),
  ),
})

function withoutSecrets(extra: Agent['extra']): Record<string, unknown> {
  const { mcp: _, env: __, headers: ___, ...rest } = extra
  return rest
}

const CATEGORIES: Record<Access, string> = {
  read: 'filesystem',
  write: 'filesystem',
  execute: 'shell',
  network: 'web',
  agent: 'agents',
  none: 'custom',
}

export const toolResource = (agent: Agent, tool: Tool) => ({
  name: tool.name,
  description: tool.about,
  category: CATEGORIES[tool.access],
  isReadOnly: tool.readOnly,
  requiresPermission:
    judge(agent.permissions, [], { tool: tool.name, access: tool.access, subject: '' }) !== 'allow',
})

export const modelResource = (card: ModelCard) => ({
  id: card.id,
  name: card.name,
  provider: card.provider,
  tier: card.tier,
  description: card.about,
  contextWindow: card.contextWindow,
  maxOutputTokens: card.maxOutputTokens,
  costPer1kInput: per1k(card.inputUsd),
  costPer1kOutput: per1k(card.outputUsd),
  capabilities: card.capabilities,
  aliases: card.aliases,
  releaseDate: card.releasedAt,
  ...(card.isDefault ? { default: true } : {}),
  hasCredentials: card.isUsable,
})

/** Prices are known per million tokens; the detour keeps 2.5 from becoming 0.0025000000000000001. */
const per1k = (perMillion: number | null): number | null =>
  perMillion === null ? null : Number((perMillion / 1000).toPrecision(12))

/** A model that is named by an alias or by the name people use. */
export function resolveModel(cards: readonly ModelCard[], name: string): string {
  const wanted = name.trim().toLowerCase()
  const found = cards.find(
    (c) =>
      c.id.toLowerCase() === wanted ||
      c.name.toLowerCase() === wanted ||
      c.aliases.some((a) => a.toLowerCase() === wanted),
  )
  return found?.id ?? name.trim()
}
