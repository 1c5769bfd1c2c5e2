/** The forms in which native tells what there is: models, tools, and the server's pulse. */

import { z } from '../../wire/schema.ts'

const Price = z.number().nullable().describe('US dollars per million tokens; null: not known.')

const Model = z.looseObject({
  id: z.string().describe('`provider:model`.'),
  name: z.string(),
  provider: z.string(),
  contextWindow: z.number().nullable(),
  maxOutputTokens: z.number().nullable(),
  inputUsd: Price,
  outputUsd: Price,
  isDefault: z.boolean().describe("The provider's own default."),
  isUsable: z.boolean().describe('It can be called right now.'),
})

export const ModelList = z.object({
  items: z.array(Model),
  preferred: z.string().describe('Answers where an agent names no model.'),
})

const Tool = z.object({
  name: z.string(),
  about: z.string(),
  input: z.looseObject({}).describe('A JSON Schema.'),
  kind: z.enum(['plain', 'question', 'child']),
  access: z.string().describe('What a permission is decided on.'),
  readOnly: z.boolean(),
  replayable: z.boolean().describe('May run again after a crash.'),
})

export const ToolList = z.object({
  agent: z.string(),
  items: z.array(Tool),
  problems: z.array(z.string()).describe('Tool servers that do not answer.'),
})

export const Health = z.object({
  status: z.literal('ok'),
  name: z.literal('manifold'),
  version: z.string(),
  uptimeMs: z.number().int(),
})

export const Index = z.object({
  name: z.string(),
  version: z.string(),
  openapi: z.string(),
  health: z.string(),
  routes: z.array(z.object({ method: z.string(), path: z.string(), summary: z.string() })),
})
