/**
 * What is wrong with a request, in the words of the validator that the real gateway uses. Only the
 * first issue is told: `profile -> provider: Field required`.
 */

import { type Issue, issuesOf } from '../../wire/schema.ts'

/** The message of a 422 for the details of a transport Fault. */
export function firstIssue(details: Readonly<Record<string, unknown>>): string {
  switch (details.where) {
    case 'absent':
      return 'Field required'
    case 'json':
      return `${typeof details.position === 'number' ? details.position : 0}: JSON decode error`
    case 'path':
      return 'path: Input should be valid percent-encoded UTF-8'
  }
  const issue = issuesOf(details)[0]
  if (!issue) return 'Input should be valid'
  const place = details.where === 'query' ? ['query', ...issue.path] : issue.path
  const text = wordsOf(issue, valueAt(details.input, issue.path))
  return place.length === 0 ? text : `${place.map(String).join(' -> ')}: ${text}`
}

/** The same for a frame of a socket, in the validator's own multi-line form. */
export function frameIssue(model: string, issues: readonly Issue[], input: unknown): string {
  const lines = issues.map((i) => {
    const place = i.path.length === 0 ? '' : `${i.path.map(String).join('.')}\n`
    return `${place}  ${wordsOf(i, valueAt(input, i.path))}`
  })
  const count = `${issues.length} validation error${issues.length === 1 ? '' : 's'}`
  return `${count} for ${model}\n${lines.join('\n')}`
}

interface Told extends Issue {
  expected?: unknown
  minimum?: unknown
  maximum?: unknown
  origin?: unknown
}

function wordsOf(issue: Told, value: unknown): string {
  if (value === undefined && issue.code !== 'custom') return 'Field required'
  switch (issue.code) {
    case 'invalid_type':
      return typeWords(issue.expected, value)
    case 'too_small':
      return sizeWords(issue, 'at least', 'greater than or equal to', issue.minimum)
    case 'too_big':
      return sizeWords(issue, 'at most', 'less than or equal to', issue.maximum)
    default:
      return issue.message
  }
}

function typeWords(expected: unknown, value: unknown): string {
  switch (expected) {
    case 'boolean':
      return typeof value === 'string' || typeof value === 'number'
        ? 'Input should be a valid boolean, unable to interpret input'
        : 'Input should be a valid boolean'
    case 'int':
    case 'number':
      return typeof value === 'number'
        ? 'Input should be a valid integer, got a number with a fractional part'
        : 'Input should be a valid integer'
    case 'array':
      return 'Input should be a valid list'
    case 'record':
      return 'Input should be a valid dictionary'
    case 'object':
      return 'Input should be a valid dictionary or object to extract fields from'
    default:
      return `Input should be a valid ${String(expected)}`
  }
}

function sizeWords(issue: Told, length: string, size: string, bound: unknown): string {
  if (issue.origin !== 'string') return `Input should be ${size} ${String(bound)}`
  return `String should have ${length} ${String(bound)} character${bound === 1 ? '' : 's'}`
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}
