/** Whether an input has the form that an action of a workspace asks for. */

import type { Json } from '../kernel/part.ts'

/** What is wrong with it; null when nothing is. A schema that is none lets nothing through. */
export async function inputProblem(schema: Json | null, input: Json): Promise<string | null> {
  if (schema === null || typeof schema !== 'object') return null
  const { Ajv2020 } = await import('ajv/dist/2020.js')
  const ajv = new Ajv2020({ strict: false, validateFormats: false, logger: false, allErrors: true })
  try {
    const isRight = ajv.compile(withoutPatterns(schema) as object)
    if (isRight(input)) return null
    const errors = isRight.errors ?? []
    return errors.map((e) => `${e.instancePath || '/'} ${e.message}`).join('; ')
  } catch {
    return 'its input_schema is no JSON Schema'
  }
}

/** A pattern that somebody in the workspace wrote could keep the server busy for ever. */
function withoutPatterns(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(withoutPatterns)
  if (schema === null || typeof schema !== 'object') return schema
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key]) => key !== 'pattern' && key !== 'patternProperties')
      .map(([key, value]) => [key, withoutPatterns(value)]),
  )
}
