/** The forms in which native takes and tells agents: what people author, and what they allowed. */

import { z } from '../../wire/schema.ts'

const Verdict = z.enum(['allow', 'ask', 'deny'])

const AgentSummary = z.object({
  name: z.string(),
  about: z.string(),
  model: z.string().nullable().describe('Null: the default model of the server.'),
  revision: z.string().describe('Changes whenever the agent does.'),
  isBuiltIn: z.boolean(),
})

const Problem = z.object({ file: z.string(), problem: z.string() })

export const AgentList = z.object({
  items: z.array(AgentSummary),
  problems: z.array(Problem).describe('Files that could not be read.'),
})

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
    toolMs: z.number().optional().describe('The longest that one call of a tool may take.'),
    tokens: z.number().nullable(),
    costUsd: z.number().nullable(),
  }),
  skills: z.array(z.object({ name: z.string(), about: z.string() })),
  servers: z.array(z.object({ name: z.string(), transport: z.enum(['stdio', 'http']) })),
  hooks: z.array(
    z.object({
      name: z.string(),
      moments: z.array(z.string()).describe('When it is performed.'),
      tools: z.array(z.string()).describe('Globs; none: every tool.'),
    }),
  ),
  children: z.array(z.string()).nullable().describe('Null: any agent may be given tasks.'),
  revision: z.string(),
})

const Config = z
  .record(z.string(), z.json())
  .describe('The whole of `agent.json`; a key that is left out has its default.')

export const AgentSourceView = z.object({
  name: z.string(),
  config: z.looseObject({}),
  instructions: z.string().describe('The whole of `SOUL.md`.'),
  isWritable: z.boolean().describe('False: its folder is only read by this server.'),
  revision: z.string().nullable().describe('Null: it could not be read as an agent.'),
  problems: z.array(z.string()).describe('What is wrong with its files.'),
})

const files = {
  config: Config.optional(),
  instructions: z.string().max(1_048_576).optional(),
}

export const NewAgentBody = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'Letters, digits, dots, dashes and underscores'),
  ...files,
})

export const AgentBody = z
  .strictObject({
    ...files,
    revision: z
      .string()
      .optional()
      .describe('As it was read: the change is refused when the agent is another one by now.'),
  })
  .refine(
    ({ config, instructions }) => config !== undefined || instructions !== undefined,
    'Send `config` or `instructions`',
  )

export const CheckBody = z
  .strictObject({
    model: z.string().min(1).optional().describe("Default: the agent's own model."),
  })
  .prefault({})

export const Check = z.object({
  model: z.string(),
  ok: z.boolean(),
  text: z.string().describe('What it said.'),
  trouble: z.object({ code: z.string(), message: z.string() }).nullable(),
  durationMs: z.number().int(),
})

const Grant = z.object({
  tool: z.string(),
  pattern: z.string().nullable().describe('Null: every call of the tool.'),
})

export const GrantList = z.object({ items: z.array(Grant) })
export const GrantBody = z.strictObject({ tool: z.string().min(1), pattern: z.string().nullable() })

export const CapabilityList = z.object({
  items: z.array(
    z.object({
      kind: z.enum(['prompt', 'psyche', 'service', 'skill']),
      name: z.string(),
      visibility: z.enum(['private', 'shared']),
      about: z.string().nullable(),
      form: z.enum(['file', 'wired']),
      ref: z.string().nullable(),
      definedIn: z.string(),
      content: z.string(),
      problem: z.string().nullable(),
    }),
  ),
})
