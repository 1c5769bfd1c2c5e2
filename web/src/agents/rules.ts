/** The permissions in an agent's settings, as a person edits them. Pure. */

import { type Config, valueAt, withValue } from './config-text.ts'
import type { Verdict } from './types.ts'

export interface Rule {
  tool: string
  /** What the call must be about; absent: whatever it is about. */
  pattern?: string
  verdict: Verdict
}

export const VERDICTS: readonly Verdict[] = ['allow', 'ask', 'deny']

/** Kinds of access, for calls that no rule fits. */
export const ACCESS = ['read', 'write', 'execute', 'network', 'agent'] as const
export type Access = (typeof ACCESS)[number]

const isVerdict = (value: unknown): value is Verdict => VERDICTS.some((v) => v === value)

function isRule(value: unknown): value is Rule {
  if (typeof value !== 'object' || value === null) return false
  const { tool, pattern, verdict, ...rest } = value as Record<string, unknown>
  return (
    typeof tool === 'string' &&
    (pattern === undefined || typeof pattern === 'string') &&
    isVerdict(verdict) &&
    Object.keys(rest).length === 0
  )
}

/** Null when there is more in them than rows can show: then they are edited as text only. */
export function rulesIn(config: Config): Rule[] | null {
  const rules = valueAt(config, 'permissions.rules') ?? []
  return Array.isArray(rules) && rules.every(isRule) ? rules : null
}

export const withRules = (config: Config, rules: readonly Rule[]): Config =>
  tidy(withValue(config, 'permissions.rules', rules.length > 0 ? rules : undefined))

export function verdictIn(config: Config, access: Access): Verdict | null {
  const verdict = valueAt(config, `permissions.otherwise.${access}`)
  return isVerdict(verdict) ? verdict : null
}

export const withVerdict = (config: Config, access: Access, verdict: Verdict | null): Config =>
  tidy(withValue(config, `permissions.otherwise.${access}`, verdict ?? undefined))

/** What was emptied goes. */
function tidy(config: Config): Config {
  return ['permissions.otherwise', 'permissions'].reduce(
    (now, path) => (isEmpty(valueAt(now, path)) ? withValue(now, path, undefined) : now),
    config,
  )
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0

/** The list with one of its items in the place of its neighbour. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const item = list[from]
  return item === undefined ? [...list] : list.toSpliced(from, 1).toSpliced(to, 0, item)
}
