/**
 * A JSON Schema without its regular expressions: one that somebody else wrote could keep the server
 * busy for ever. What is left accepts all that the schema accepts, and perhaps more.
 */

import type { Json } from '../kernel/part.ts'

/** Below these, keys are names that the schema's author chose. */
const NAMING = new Set(['properties', '$defs', 'definitions', 'dependentSchemas'])
/** These hold data. */
const DATA = new Set(['const', 'enum', 'default', 'examples'])
/** What a property may be that no pattern allows any more. */
const FURTHER = ['patternProperties', 'additionalProperties', 'unevaluatedProperties']

export function patternless(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(patternless)
  if (schema === null || typeof schema !== 'object') return schema
  const dropped = new Set(['pattern', ...('patternProperties' in schema ? FURTHER : [])])
  const kept = Object.entries(schema).filter(([key]) => !dropped.has(key))
  return Object.fromEntries(kept.map(([key, value]) => [key, below(key, value)]))
}

function below(key: string, value: Json): Json {
  if (DATA.has(key)) return value
  const isNaming = NAMING.has(key) && typeof value === 'object' && value !== null
  if (!isNaming || Array.isArray(value)) return patternless(value)
  return Object.fromEntries(Object.entries(value).map(([name, s]) => [name, patternless(s)]))
}
