/**
 * What is wrong with a request, issue by issue, in the form and the words of the validator that the
 * real server uses. Its clients show them to people and some read `loc` and `type`.
 */

import { type Issue, issuesOf } from '../../wire/schema.ts'

export interface Told {
  type: string
  loc: (string | number)[]
  msg: string
  input: unknown
  ctx?: Record<string, unknown>
}

interface Fine extends Issue {
  expected?: unknown
  minimum?: unknown
  origin?: unknown
  values?: unknown[]
  keys?: string[]
}

/** Null when the Fault is not about the form of a request. */
export function issuesIn(details: Readonly<Record<string, unknown>>): Told[] | null {
  switch (details.where) {
    case 'absent':
      return [{ type: 'missing', loc: ['body'], msg: 'Field required', input: null }]
    case 'json':
      return [brokenJson(details)]
    case 'body':
    case 'query': {
      const where = details.where
      return issuesOf(details).flatMap((i) => tell(i, where, details.input))
    }
    default:
      return null
  }
}

/** Columns of the words that Python has for what is wrong with a JSON text. */
const JSON_WORDS: [RegExp, string][] = [
  [/property name|after ',' in object/i, 'Expecting property name enclosed in double quotes'],
  [/':' after/i, "Expecting ':' delimiter"],
  [/',' or|after (property|array)/i, "Expecting ',' delimiter"],
  [/unterminated string/i, 'Unterminated string starting at'],
  [/after JSON/i, 'Extra data'],
]

function brokenJson({ issue, position }: Readonly<Record<string, unknown>>): Told {
  const words = JSON_WORDS.find(([sign]) => sign.test(String(issue)))
  return {
    type: 'json_invalid',
    loc: ['body', typeof position === 'number' ? position : 0],
    msg: 'JSON decode error',
    input: {},
    ctx: { error: words?.[1] ?? 'Expecting value' },
  }
}

function tell(issue: Fine, where: string, whole: unknown): Told[] {
  const loc = [where, ...issue.path.map((p) => (typeof p === 'number' ? p : String(p)))]
  const { value, holder, isThere } = valueAt(whole, issue.path)
  if (issue.code === 'unrecognized_keys')
    return (issue.keys ?? []).map((key) => ({
      type: 'extra_forbidden',
      loc: [...loc, key],
      msg: 'Extra inputs are not permitted',
      input: (value as Record<string, unknown>)[key],
    }))
  if (!isThere) return [{ type: 'missing', loc, msg: 'Field required', input: holder ?? null }]
  return [{ ...wordsOf(issue, where, value), loc, input: value ?? null }].map(ordered)
}

/** Keys in the order in which the real server writes them. */
const ordered = ({ type, loc, msg, input, ctx }: Told): Told => ({
  type,
  loc,
  msg,
  input,
  ...(ctx ? { ctx } : {}),
})

type Words = Pick<Told, 'type' | 'msg' | 'ctx'>

function wordsOf(issue: Fine, where: string, value: unknown): Words {
  if (issue.code === 'invalid_value') return literal(issue.values ?? [])
  if (issue.code === 'too_small') return tooSmall(issue, value)
  if (where === 'query' && (issue.code === 'invalid_format' || issue.code === 'invalid_type'))
    return {
      type: 'int_parsing',
      msg: 'Input should be a valid integer, unable to parse string as an integer',
    }
  if (issue.code === 'invalid_type') return typeWords(issue.expected)
  return { type: 'value_error', msg: `Value error, ${issue.message}` }
}

function literal(values: unknown[]): Words {
  const quoted = values.map((v) => `'${String(v)}'`)
  const last = quoted.at(-1) ?? ''
  const expected = quoted.length < 2 ? last : `${quoted.slice(0, -1).join(', ')} or ${last}`
  return { type: 'literal_error', msg: `Input should be ${expected}`, ctx: { expected } }
}

function tooSmall({ minimum, origin }: Fine, value: unknown): Words {
  const few = Number(minimum)
  if (origin === 'string')
    return {
      type: 'string_too_short',
      msg: `String should have at least ${few} character${few === 1 ? '' : 's'}`,
      ctx: { min_length: few },
    }
  const actual = Array.isArray(value) ? value.length : 0
  return {
    type: 'too_short',
    msg: `List should have at least ${few} item${few === 1 ? '' : 's'} after validation, not ${actual}`,
    ctx: { field_type: 'List', min_length: few, actual_length: actual },
  }
}

const TYPES: Record<string, [string, string]> = {
  string: ['string_type', 'Input should be a valid string'],
  array: ['list_type', 'Input should be a valid list'],
  record: ['dict_type', 'Input should be a valid dictionary'],
  boolean: ['bool_type', 'Input should be a valid boolean'],
  number: ['float_type', 'Input should be a valid number'],
}

function typeWords(expected: unknown): Words {
  const [type, msg] = TYPES[String(expected)] ?? [
    'model_attributes_type',
    'Input should be a valid dictionary or object to extract fields from',
  ]
  return { type, msg }
}

function valueAt(whole: unknown, path: readonly PropertyKey[]) {
  let value = whole
  let holder: unknown = whole
  let isThere = true
  for (const key of path) {
    holder = value
    isThere = typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    value = isThere ? (value as Record<PropertyKey, unknown>)[key] : undefined
    if (!isThere) break
  }
  return { value, holder, isThere }
}
