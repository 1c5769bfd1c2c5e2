/**
 * `agent.json` as it may be written: Ownware's keys and our own. Keys that are not named here pass
 * and are kept; a key that is named must have the form it says, because a setting that is silently
 * not followed could be one that forbids something.
 */

import { z } from 'zod'
import { HOOK_MOMENTS } from '../kernel/hook.ts'
import { durationMs } from './duration.ts'

export const AGENT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

const NAME_FORM =
  'must begin with a letter or digit and have at most 64 letters, digits, dots, dashes and underscores'

const agentName = z.string().regex(AGENT_NAME, NAME_FORM)
const globs = z.array(z.string().min(1).max(300)).max(1000)
const texts = z.record(z.string(), z.string())
const verdict = z.enum(['allow', 'ask', 'deny'])
const count = z.number().int().positive()
const duration = z
  .union([z.string(), z.number()])
  .refine((d) => durationMs(d) !== null, 'must be a duration such as "45s", "30m" or "2h"')

const server = z.looseObject({
  transport: z.enum(['stdio', 'sse', 'streamable_http', 'http', 'websocket']).optional(),
  command: z.string().min(1).optional(),
  args: z.array(z.string()).optional(),
  env: texts.optional(),
  url: z.url({ protocol: /^https?$|^wss?$/ }).optional(),
  headers: texts.optional(),
})

const servers = z.record(
  z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'a server name has letters, digits, - and _'),
  server,
)

const tools = z.looseObject({
  preset: z.enum(['full', 'coding', 'readonly', 'none']).optional(),
  allow: globs.optional(),
  deny: globs.optional(),
  custom: z.array(z.unknown()).optional(),
  mcp: servers.optional(),
})

const zone = z.enum(['safe', 'workspace', 'build', 'network', 'external', 'machine', 'never'])

const security = z.looseObject({
  level: z.enum(['permissive', 'standard', 'strict', 'paranoid']).optional(),
  permissionMode: z.enum(['auto', 'ask', 'deny', 'allowlist']).optional(),
  hitlTimeoutMs: z.number().positive().nullable().optional(),
  zones: z
    .looseObject({
      enabled: z.boolean().optional(),
      maxAutoZone: zone.optional(),
      overrides: z.array(z.looseObject({ tool: z.string().min(1), zone })).optional(),
    })
    .optional(),
})

const shellPolicy = z.looseObject({
  kind: z.literal('shell'),
  tool: z.string().min(1),
  allowPrefixes: z.array(z.string().min(1)).optional(),
  denyPatterns: z.array(z.string().min(1)).optional(),
})

const permissions = z.strictObject({
  rules: z
    .array(z.strictObject({ tool: z.string().min(1), pattern: z.string().optional(), verdict }))
    .optional(),
  otherwise: z
    .strictObject({
      read: verdict.optional(),
      write: verdict.optional(),
      execute: verdict.optional(),
      network: verdict.optional(),
      agent: verdict.optional(),
      none: verdict.optional(),
    })
    .optional(),
})

const limits = z.strictObject({
  turns: count.optional(),
  wallMs: count.optional(),
  toolMs: count.optional(),
  tokens: count.nullable().optional(),
  costUsd: z.number().positive().nullable().optional(),
})

const share = z.number().gt(0).max(1)

const compaction = z.looseObject({
  threshold: share.nullable().optional(),
  keepExchanges: z.number().int().min(0).optional(),
  trigger: z
    .looseObject({
      type: z.enum(['fraction', 'tokens', 'messages', 'disabled']).optional(),
      fraction: share.optional(),
      threshold: z.number().optional(),
    })
    .optional(),
  retain: z
    .looseObject({
      type: z.enum(['messages', 'fraction', 'tokens']).optional(),
      messages: z.number().int().min(0).optional(),
      count: z.number().min(0).optional(),
    })
    .optional(),
})

const child = z.union([
  agentName,
  z.looseObject({ name: agentName, profile: agentName.optional() }),
])

/** Performed by the engine. The names of hooks differ within an agent. */
const hook = z.strictObject({
  name: z.string().min(1).max(100),
  moments: z.array(z.enum(HOOK_MOMENTS)).min(1),
  tools: globs.optional(),
  command: z.string().min(1),
  env: z.record(z.string(), z.string()).optional(),
  cwd: z.string().min(1).optional(),
  timeoutMs: z.number().int().min(1).max(600_000).optional(),
})

const hooks = z
  .array(hook)
  .max(50)
  .refine((all) => new Set(all.map((h) => h.name)).size === all.length, 'have names that differ')

const ownwareHooks = z.looseObject({
  onToolCall: z.array(z.looseObject({ action: z.string(), tools: globs.optional() })).optional(),
})

export const AgentFile = z.looseObject({
  name: agentName.optional(),
  displayName: z.string().max(200).optional(),
  description: z.string().optional(),
  model: z.string().min(1).max(300).nullable().optional(),
  temperature: z.number().min(0).max(2).nullable().optional(),
  topP: z.number().min(0).max(1).nullable().optional(),
  maxTokens: count.optional(),
  maxTurns: count.optional(),
  thinking: z
    .looseObject({ enabled: z.boolean().optional(), budgetTokens: count.optional() })
    .optional(),
  systemPrompt: z.string().optional(),
  criticalReminder: z.string().optional(),
  memory: z.looseObject({ enabled: z.boolean().optional() }).optional(),
  tools: tools.optional(),
  mcp: servers.optional(),
  policies: z.array(shellPolicy).optional(),
  security: security.optional(),
  permissions: permissions.optional(),
  execution: z
    .looseObject({ timeout: duration.optional(), maxCostUsd: z.number().positive().optional() })
    .optional(),
  limits: limits.optional(),
  compaction: compaction.optional(),
  skills: z.looseObject({ dirs: z.array(z.string().min(1)).max(20).optional() }).optional(),
  subagents: z.union([z.literal('any'), z.array(child)]).optional(),
  hooks: z.union([hooks, ownwareHooks]).optional(),
  unknownOutcome: z.enum(['tell', 'ask']).optional(),
})

export type AgentFile = z.infer<typeof AgentFile>
export type ServerEntry = z.infer<typeof server>

/** Keys that are wholly told by the fields of an Agent; all others are kept beside it. */
const HONOURED: ReadonlySet<string> = new Set(
  Object.keys(AgentFile.shape).filter((key) => key !== 'displayName' && key !== 'hooks'),
)

export const extraOf = (file: AgentFile): Record<string, unknown> =>
  Object.fromEntries(Object.entries(file).filter(([key]) => !HONOURED.has(key)))

export interface Issue {
  /** `tools.preset`; '' for the whole. */
  path: string
  message: string
}

/** The file's content, or what is wrong with it. Values are never repeated: they may be secrets. */
export function checkAgentFile(value: unknown): AgentFile | Issue[] {
  const result = AgentFile.safeParse(value)
  if (result.success) return result.data
  return result.error.issues.map((i) => ({ path: i.path.join('.'), message: i.message }))
}

export const tellIssues = (issues: Issue[]): string =>
  issues.map((i) => (i.path === '' ? i.message : `${i.path}: ${i.message}`)).join('; ')

/** Parses the text of an `agent.json`; the message says where it is wrong and repeats nothing of it. */
export function readAgentFile(text: string): AgentFile | Issue[] {
  const plain = text.replace(/^\uFEFF/, '')
  try {
    return checkAgentFile(JSON.parse(plain))
  } catch {
    return [{ path: '', message: `is not valid JSON (${placeOfError(plain)})` }]
  }
}

/** The parser often does not say where it stopped; the longest good beginning does. */
function placeOfError(text: string): string {
  let good = 0
  let bad = text.length + 1
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    if (mayGoOn(text.slice(0, middle))) good = middle
    else bad = middle
  }
  const before = text.slice(0, good).split('\n')
  return `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`
}

/** Could something be put after the text that makes it JSON? */
function mayGoOn(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch (error) {
    const message = String(error)
    const at = /position (\d+)/.exec(message)?.[1]
    return /Unexpected end|Unterminated/.test(message) || Number(at ?? -1) >= text.length
  }
}
