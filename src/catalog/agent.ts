/** An agent from what its folder says. Pure: the same texts and secrets make the same agent. */

import {
  type Agent,
  type CompactionRule,
  DEFAULT_COMPACTION,
  DEFAULT_LIMITS,
  type Limits,
  type Sampling,
  type Skill,
} from '../kernel/agent.ts'
import type { Hook } from '../kernel/hook.ts'
import { type AgentFile, extraOf } from './agent-file.ts'
import { durationMs } from './duration.ts'
import { permissionsOf } from './permission.ts'
import { mayUseServer, toolChoice } from './tool-name.ts'
import { type Secret, toolServers } from './tool-server.ts'

export interface Source {
  /** For a file that gives no name. */
  name: string
  soul: string
  memory: string
  skills: Skill[]
  folder: string | null
  revision: string
}

/** The agent, and what its file asks for that it does not get. */
export function agentOf(
  file: AgentFile,
  source: Source,
  secret: Secret,
): { agent: Agent; problems: string[] } {
  const { permissions, problems } = permissionsOf(file)
  const named = toolServers({ ...file.tools?.mcp, ...file.mcp }, secret)
  const [used, unused] = splitServers(named.servers, file.tools?.allow)
  const name = file.name ?? source.name
  const agent: Agent = {
    name,
    about: file.description ?? file.displayName ?? '',
    instructions: instructionsOf(file, source),
    model: file.model ?? null,
    tools: toolChoice(file.tools ?? {}),
    permissions,
    limits: limitsOf(file),
    compaction: compactionOf(file.compaction ?? {}),
    unknownOutcome: file.unknownOutcome ?? 'tell',
    ...sampling(file),
    askTimeoutMs: file.security?.hitlTimeoutMs ?? null,
    skills: source.skills,
    servers: used,
    hooks: hooksOf(file),
    children: childrenOf(name, file),
    folder: source.folder,
    revision: source.revision,
    extra: extraOf(file),
  }
  return { agent, problems: [...problems, ...named.problems, ...unused, ...unspoken(file)] }
}

function instructionsOf(file: AgentFile, { soul, memory }: Source): string {
  const remembers = file.memory?.enabled !== false && memory.trim() !== ''
  return [
    (file.systemPrompt ?? soul).trim(),
    remembers ? `# What you remember\n\n${memory.trim()}` : '',
    file.criticalReminder ? `# Never forget\n\n${file.criticalReminder.trim()}` : '',
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

function sampling(file: AgentFile): Sampling & Pick<Agent, 'thinking'> {
  const { temperature, topP, maxTokens, thinking } = file
  return {
    ...(temperature === undefined || temperature === null ? {} : { temperature }),
    ...(topP === undefined || topP === null ? {} : { topP }),
    ...(maxTokens === undefined ? {} : { maxOutputTokens: maxTokens }),
    ...(thinking?.enabled ? { thinking: { budgetTokens: thinking.budgetTokens ?? 10_000 } } : {}),
  }
}

const HOOK_TIMEOUT_MS = 30_000

/** Ownware's own hooks are rules of permission, or nothing that is done here. */
const hooksOf = ({ hooks }: AgentFile): Hook[] =>
  !Array.isArray(hooks)
    ? []
    : hooks.map((hook) => ({
        name: hook.name,
        moments: hook.moments,
        tools: hook.tools ?? [],
        command: hook.command,
        env: hook.env ?? {},
        cwd: hook.cwd ?? null,
        timeoutMs: hook.timeoutMs ?? HOOK_TIMEOUT_MS,
        form: null,
      }))

function limitsOf({ limits = {}, maxTurns, execution = {} }: AgentFile): Limits {
  const { timeout } = execution
  const wallMs = limits.wallMs ?? (timeout === undefined ? null : durationMs(timeout))
  const costUsd = limits.costUsd === undefined ? execution.maxCostUsd : limits.costUsd
  return {
    turns: limits.turns ?? maxTurns ?? DEFAULT_LIMITS.turns,
    wallMs: wallMs ?? DEFAULT_LIMITS.wallMs,
    ...(limits.toolMs === undefined ? {} : { toolMs: limits.toolMs }),
    tokens: limits.tokens ?? DEFAULT_LIMITS.tokens,
    costUsd: costUsd ?? DEFAULT_LIMITS.costUsd,
  }
}

function compactionOf(rule: NonNullable<AgentFile['compaction']>): CompactionRule {
  return { threshold: thresholdOf(rule), keepExchanges: keptOf(rule) }
}

function thresholdOf({
  threshold,
  trigger = {},
}: NonNullable<AgentFile['compaction']>): number | null {
  if (threshold !== undefined) return threshold
  if (trigger.type === 'disabled') return null
  const isShare = trigger.type === undefined || trigger.type === 'fraction'
  const asked = trigger.fraction ?? (isShare ? trigger.threshold : undefined)
  return asked !== undefined && asked > 0 && asked <= 1 ? asked : DEFAULT_COMPACTION.threshold
}

/** Ownware counts messages; an exchange is a message and its answer. */
function keptOf({ keepExchanges, retain = {} }: NonNullable<AgentFile['compaction']>): number {
  if (keepExchanges !== undefined) return keepExchanges
  const counts = retain.type === undefined || retain.type === 'messages'
  const messages = retain.messages ?? (counts ? retain.count : undefined)
  return messages === undefined ? DEFAULT_COMPACTION.keepExchanges : Math.ceil(messages / 2)
}

/** Whom the agent may give tasks to is a boundary: nobody but its own like, unless the file says so. */
function childrenOf(name: string, { subagents = [] }: AgentFile): string[] | null {
  if (subagents === 'any') return null
  const named = subagents.map((s) => (typeof s === 'string' ? s : (s.profile ?? s.name)))
  return [...new Set([name, ...named])]
}

/** The servers of which something may be used, and word of the others. */
function splitServers(
  servers: Agent['servers'],
  allow: string[] | undefined,
): [Agent['servers'], string[]] {
  const entries = Object.entries(servers)
  const unused = entries.filter(([name]) => !mayUseServer(name, allow)).map(([name]) => name)
  const used = entries.filter(([name]) => !unused.includes(name))
  const problem = (name: string) =>
    `mcp.${name}: tools.allow names none of its tools, so it is left out; add "${name}__*" to use it`
  return [Object.fromEntries(used), unused.map(problem)]
}

/** What Ownware would do with the file and this server does not. */
function unspoken(file: AgentFile): string[] {
  const problems: string[] = []
  if (file.tools?.custom && file.tools.custom.length > 0)
    problems.push('tools.custom: tools written in code are not loaded; offer them over MCP')
  const buckets = Array.isArray(file.hooks) ? [] : Object.values(file.hooks ?? {})
  const hooks = buckets.flatMap((bucket) =>
    Array.isArray(bucket) ? (bucket as { action?: unknown }[]) : [],
  )
  const others = hooks.flatMap((h) => (h.action === 'approve' ? [] : [String(h.action)]))
  if (others.length > 0)
    problems.push(`hooks: only "approve" acts here, not ${[...new Set(others)].join(', ')}`)
  return problems
}
