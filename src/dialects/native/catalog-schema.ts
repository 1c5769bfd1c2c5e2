/** The forms in which native tells what there is: agents, models, tools, use, and the server itself. */

import { z } from '../../wire/schema.ts'
import { Usage } from './schema.ts'

const Problem = z.object({ file: z.string(), problem: z.string() })

const AgentSummary = z.object({
  name: z.string(),
  about: z.string(),
  model: z.string().nullable().describe('Null: the default model of the server.'),
  revision: z.string().describe('Changes whenever the agent does.'),
  isBuiltIn: z.boolean(),
})

export const AgentList = z.object({
  items: z.array(AgentSummary),
  problems: z.array(Problem).describe('Files that could not be read.'),
})

const Verdict = z.enum(['allow', 'ask', 'deny'])

export const AgentView = z.looseObject({
  name: z.string(),
  about: z.string(),
  instructions: z.string(),
  model: z.string().nullable(),
  tools: z.object({
    preset: z.string(),
    allow: z.array(z.string()),
    deny: z.array(z.string()),
  }),
  permissions: z.object({
    rules: z.array(z.looseObject({})),
    otherwise: z.record(z.string(), Verdict).describe('By kind of access.'),
  }),
  limits: z.object({
    turns: z.number(),
    wallMs: z.number(),
    tokens: z.number().nullable(),
    costUsd: z.number().nullable(),
  }),
  skills: z.array(z.object({ name: z.string(), about: z.string() })),
  servers: z.array(z.object({ name: z.string(), transport: z.enum(['stdio', 'http']) })),
  children: z.array(z.string()).nullable().describe('Null: any agent may be given tasks.'),
  revision: z.string(),
})

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

export const UsageList = z.object({
  items: z.array(
    z.object({
      day: z.string().optional().describe('`YYYY-MM-DD`, UTC.'),
      agent: z.string().optional(),
      model: z.string().optional(),
      calls: z.number().int(),
      usage: Usage,
    }),
  ),
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
