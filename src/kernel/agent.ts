/** What people author: who an agent is, what it may do, and how far it may go. */

import type { Hook } from './hook.ts'
import type { Permissions } from './policy.ts'

/** How a model chooses its words. What is absent is the model's own affair. */
export interface Sampling {
  temperature?: number
  topP?: number
  maxOutputTokens?: number
}

export interface Agent extends Sampling {
  /** Unique in the catalog; `[A-Za-z0-9][A-Za-z0-9._-]*`. */
  name: string
  about: string
  /** The system prompt, without what the engine adds (skills, workspace, date). */
  instructions: string
  /** `provider:model`; null means the server's default model. */
  model: string | null
  tools: ToolChoice
  permissions: Permissions
  limits: Limits
  compaction: CompactionRule
  /** What to do with a tool that had begun when the server died and must not be run twice. */
  unknownOutcome: 'tell' | 'ask'
  thinking?: { budgetTokens: number }
  /** How long a person may take to answer before an ask is settled as expired; null: for ever. */
  askTimeoutMs: number | null
  skills: Skill[]
  /** MCP servers whose tools the agent may call, by name. */
  servers: Record<string, ToolServer>
  /** In the order in which they are performed. */
  hooks?: Hook[]
  /** Agents this one may give tasks to. `null` means any agent of the catalog. */
  children: string[] | null
  /** The folder the agent was read from, or null for a built-in one. */
  folder: string | null
  /** Changes whenever anything of the above does. */
  revision: string
  /** What the file said beyond this, for dialects that show it. */
  extra: Record<string, unknown>
}

export interface ToolChoice {
  preset: 'full' | 'coding' | 'readonly' | 'none'
  /** Globs over tool names. `deny` wins over `allow`, `allow` adds to the preset. */
  allow: string[]
  deny: string[]
}

export interface Limits {
  turns: number
  /** Working time of a run in milliseconds; time spent waiting for a person does not count. */
  wallMs: number
  /** The longest that one call of a tool may take; absent: as long as the tool itself allows. */
  toolMs?: number
  tokens: number | null
  /** A run that reaches this asks whether to go on. */
  costUsd: number | null
}

export interface CompactionRule {
  /** Share of the context window at which the transcript is compacted; null: only on command. */
  threshold: number | null
  /** How many of the last user exchanges are kept word for word. */
  keepExchanges: number
}

export interface Skill {
  name: string
  about: string
  /** Where its text is. Read on demand by the `skill` tool. */
  file: string
}

export type ToolServer = (
  | {
      transport: 'stdio'
      command: string
      args: string[]
      env: Record<string, string>
      /** It runs as the commands of this workspace do; absent: as the server itself. */
      confinedTo?: { root: string; cwd: string }
    }
  | { transport: 'http'; url: string; headers: Record<string, string> }
) & {
  /** Only these of its tools; absent: all. */
  only?: string[]
}

export const DEFAULT_LIMITS: Limits = { turns: 100, wallMs: 1_800_000, tokens: null, costUsd: null }

export const DEFAULT_COMPACTION: CompactionRule = { threshold: 0.8, keepExchanges: 4 }

/** The account whose agent it is, as its file says; null: the server's, and so everybody's. */
export const ownerOf = ({ extra }: Pick<Agent, 'extra'>): string | null =>
  typeof extra.account === 'string' ? extra.account : null
