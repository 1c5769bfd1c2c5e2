/** Ask the person a question. The engine asks it; the answer is the result, and this tool never runs. */

import { z } from 'zod'
import type { Json } from '../kernel/part.ts'
import type { Tool } from '../kernel/ports.ts'
import { defineTool, failed, parse } from './define.ts'

const Option = z.strictObject({
  label: z.string().min(1).max(200),
  about: z.string().max(1000).optional().describe('What choosing it means.'),
})

const Input = z.strictObject({
  question: z.string().min(1).max(10_000),
  options: z
    .array(z.preprocess((o) => (typeof o === 'string' ? { label: o } : o), Option))
    .max(20)
    .optional()
    .describe('Answers to choose from. The person may always answer in words of their own.'),
})

export const createAskUser = (): Tool => ({
  ...defineTool({
    name: 'ask_user',
    about: 'Ask the person a question and wait for the answer, however long it takes.',
    input: Input,
    access: 'none',
    kind: 'question',
    run: async () => failed('A question is asked, not run.'),
  }),
  question: (raw) => {
    const parsed = parse(Input, raw)
    if (!('input' in parsed)) return parsed
    const { question: text, options } = parsed.input
    return { text, ...(options?.length ? { options } : {}), schema: answerSchema(options ?? []) }
  },
})

/** One of the labels, or any other text. */
function answerSchema(options: { label: string }[]): Json {
  const free: Json = { type: 'string', minLength: 1 }
  if (options.length === 0) return free
  return { anyOf: [{ type: 'string', enum: options.map((o) => o.label) }, free] }
}
