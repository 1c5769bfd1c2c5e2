/**
 * What dialects write schemas with. In a query everything is text, so the helpers here accept the
 * text of a value strictly - `5`, never `5abc` or an empty string - and document the value's type.
 */

import { z } from 'zod'

export { z }

export interface IntegerRange {
  min?: number
  max?: number
}

/** A whole number in a query. */
export function integerText({ min = Number.MIN_SAFE_INTEGER, max }: IntegerRange = {}) {
  const top = max ?? Number.MAX_SAFE_INTEGER
  return z
    .string()
    .regex(/^-?\d{1,16}$/, 'Expected a whole number')
    .transform(Number)
    .pipe(z.number().int().min(min).max(top))
    .meta({
      type: 'integer',
      ...(min > Number.MIN_SAFE_INTEGER ? { minimum: min } : {}),
      ...(max === undefined ? {} : { maximum: max }),
    })
}

/** `true` or `1`, `false` or `0`. */
export const flagText = () =>
  z
    .enum(['true', 'false', '1', '0'])
    .transform((text) => text === 'true' || text === '1')
    .meta({ type: 'boolean' })

/** One value, several with commas between them, or the name several times. */
export const listText = <T extends z.ZodType<unknown, string>>(item: T) =>
  z
    .union([z.string(), z.array(z.string())])
    .transform((given) => [given].flat().flatMap((text) => text.split(',').filter(Boolean)))
    .pipe(z.array(item))

/** Epoch milliseconds, or a date as ISO 8601 has it. */
export const timeText = () =>
  z
    .string()
    .refine(
      (text) => !Number.isNaN(timeOf(text)),
      'Expected an ISO 8601 date or epoch milliseconds',
    )
    .transform(timeOf)
    .meta({ type: 'string', format: 'date-time' })

const timeOf = (text: string): number =>
  /^\d{1,15}$/.test(text) ? Number(text) : /^\d{4}-\d\d/.test(text) ? Date.parse(text) : Number.NaN

/** What validation found, as zod reports it. */
export interface Issue {
  path: PropertyKey[]
  message: string
  code?: string
  /** The type that was wanted, where it is another one. */
  expected?: unknown
  /** Of a value that has one of several forms: what it lacks of each. */
  errors?: Issue[][]
}

/**
 * Where a value fits none of several forms, what it lacks of the one it comes closest to: the form in
 * which the mistake is deepest. Where it is nothing like any of them, what they are.
 */
export function closest(issues: readonly Issue[]): Issue[] {
  return issues.flatMap((issue) => {
    const { code, errors = [], path } = issue
    if (code !== 'invalid_union' || errors.length === 0) return [issue]
    const forms = errors.map(closest)
    const depths = forms.map((form) => Math.max(0, ...form.map((inner) => inner.path.length)))
    const deepest = Math.max(...depths)
    const kinds = [...new Set(forms.flatMap((form) => form.map((inner) => inner.expected)))]
    if (deepest === 0 && kinds.every((kind) => typeof kind === 'string'))
      return [{ ...issue, message: `Expected ${kinds.join(' or ')}` }]
    const nearest = forms[depths.indexOf(deepest)] ?? []
    return nearest.map((inner) => ({ ...inner, path: [...path, ...inner.path] }))
  })
}

/** `input.0.text: Expected a string`, one for every issue. */
export const issueTexts = (issues: readonly Issue[]): string[] =>
  issues.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))

/** The issues a Fault carries, or none. Who checks files names the place in one text. */
export function issuesOf(details: Readonly<Record<string, unknown>>): Issue[] {
  if (!Array.isArray(details.issues)) return []
  const issues = details.issues as (Omit<Issue, 'path'> & { path: PropertyKey[] | string })[]
  return issues.map((issue) => ({
    ...issue,
    path: typeof issue.path === 'string' ? issue.path.split('.').filter(Boolean) : issue.path,
  }))
}
