/** Whether an input has the form that an action of a workspace asks for. */

import type { Json } from '../kernel/part.ts'
import { patternless } from './patternless.ts'

/** What is wrong with it; null when nothing is. A schema that is none lets nothing through. */
export async function inputProblem(schema: Json | null, input: Json): Promise<string | null> {
  if (schema === null || typeof schema !== 'object') return null
  const { Ajv2020 } = await import('ajv/dist/2020.js')
  const ajv = new Ajv2020({ strict: false, validateFormats: false, logger: false, allErrors: true })
  try {
    const isRight = ajv.compile(patternless(schema) as object)
    if (isRight(input)) return null
    const errors = isRight.errors ?? []
    return errors.map((e) => `${e.instancePath || '/'} ${e.message}`).join('; ')
  } catch {
    return 'its input_schema is no JSON Schema'
  }
}
