/**
 * Hooks: commands and services that are told what goes on at certain moments of a run, and heard. Here
 * is what they are, which are meant at a moment, and what a plain hook is told and says. Pure.
 */

import type { Json, Outcome } from './part.ts'
import { globMatches } from './policy.ts'

/** Before a tool or a model a hook can block what is about to happen. */
export const HOOK_MOMENTS = [
  'tool.before',
  'tool.after',
  'model.before',
  'model.after',
  'compaction.before',
  'compaction.after',
  'run.completed',
  'run.failed',
] as const

export type HookMoment = (typeof HOOK_MOMENTS)[number]

export type Hook = CommandHook | HttpHook

interface AnyHook {
  /** Unique in the agent. */
  name: string
  moments: HookMoment[]
  /** Globs over tool names, for moments that concern a call; empty: every tool. */
  tools: string[]
  timeoutMs: number
  /** How it is told what goes on, and says what it wants; null: as `PLAIN` has it. */
  form: string | null
}

export interface CommandHook extends AnyHook {
  /** For the shell, in the workspace and behind the walls of every command. */
  command: string
  env: Record<string, string>
  /** Relative to the workspace; null: its root. */
  cwd: string | null
}

/** A service: what a command would read is posted to it, and its answer is what one would print. */
export interface HttpHook extends AnyHook {
  url: string
  headers: Record<string, string>
}

/** Asks the service of a hook. Throws a Fault when there is no answer, and nothing else. */
export type PostHook = (
  service: Pick<HttpHook, 'url' | 'headers' | 'timeoutMs'>,
  body: string,
  signal: AbortSignal,
) => Promise<{ status: number; text: string }>

/** That a hook was performed. */
export interface HookMark {
  moment: HookMoment
  hook: string
}

/** What a hook is performed for. */
export interface Occasion {
  moment: HookMoment
  hook: string
  thread: string
  run: string
  /** What the run is for. */
  kind: string
  agent: string
  /** Absolute path. */
  workspace: string
  turn: number
  /** At moments that concern a call. `result` is null before it. */
  call: {
    call: string
    tool: string
    input: Json
    result: { outcome: Outcome; output: string } | null
  } | null
}

/** What a hook wants. Only `blocked` and `failed` have a reason. */
export interface HookSaying {
  outcome: 'passed' | 'blocked' | 'failed'
  reason?: string
  /** Before a tool: the input it is to have instead. */
  input?: Json
  /** To be told to the model. */
  context?: string
}

/** How a command ended that is a hook. */
export interface HookExit {
  code: number | null
  stdout: string
  stderr: string
}

/** A way of speaking with hooks. */
export interface HookForm {
  stdin(occasion: Occasion): Json
  env(occasion: Occasion): Record<string, string>
  read(exit: HookExit, occasion: Occasion): HookSaying
}

/** The hooks of that moment that concern the tool, or with null the run, in their order. */
export const hooksAt = <H extends Pick<Hook, 'moments' | 'tools'>>(
  hooks: readonly H[],
  moment: HookMoment,
  tool: string | null,
): H[] => hooks.filter((h) => h.moments.includes(moment) && concerns(h.tools, tool))

const concerns = (tools: string[], tool: string | null): boolean =>
  tool === null || tools.length === 0 || tools.some((glob) => globMatches(glob, tool))

/** Those that have not been performed yet. */
export const unperformed = <H extends Pick<Hook, 'name'>>(
  hooks: readonly H[],
  marks: readonly HookMark[],
  moment: HookMoment,
): H[] => hooks.filter((h) => !marks.some((m) => m.hook === h.name && m.moment === moment))

/** Exit 2 blocks; any other but 0 is a failure of the hook, which stops nothing. */
const BLOCKS = 2

/**
 * Reads the occasion as JSON from its input. May answer with a JSON object: `{"decision": "block",
 * "reason": "..."}`, `{"input": {...}}`, `{"context": "..."}`; any other text says nothing.
 */
export const PLAIN: HookForm = {
  stdin: (occasion) => ({ ...occasion }) as unknown as Json,
  env: () => ({}),
  read({ code, stdout, stderr }) {
    const said = objectIn(stdout)
    const words = stderr.trim() || stdout.trim()
    if (code === BLOCKS) return { outcome: 'blocked', reason: textAt(said, 'reason') ?? words }
    if (code !== 0) return { outcome: 'failed', reason: words || `It ended with ${code}.` }
    if (said.decision === 'block')
      return { outcome: 'blocked', reason: textAt(said, 'reason') ?? '' }
    const context = textAt(said, 'context')
    return {
      outcome: 'passed',
      ...(isObject(said.input) ? { input: said.input } : {}),
      ...(context === undefined ? {} : { context }),
    }
  },
}

type Fields = { [key: string]: Json }

const isObject = (value: Json | undefined): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function objectIn(text: string): Fields {
  try {
    const value = JSON.parse(text) as Json
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

const textAt = (fields: Fields, name: string): string | undefined => {
  const value = fields[name]
  return typeof value === 'string' ? value : undefined
}
