/** What requests may say. Unknown fields are dropped, as the real system drops them. */

import { flagText, integerText, z } from '../../wire/schema.ts'

export const Refusal = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    details: z.record(z.string(), z.unknown()).optional(),
  }),
})

const text = (max = 65_536) => z.string().min(1).max(max)
const name = text(200)

export const PageQuery = z.object({
  pageSize: integerText({ min: 1, max: 200 }).optional(),
  cursor: z.string().optional(),
})

export const MessagesQuery = PageQuery.extend({
  direction: z.enum(['forward', 'backward']).optional(),
})

export const ContextQuery = z.object({
  before: integerText({ min: 0, max: 200 }).optional(),
  after: integerText({ min: 0, max: 200 }).optional(),
})

export const EventsQuery = z.object({ runId: z.string().optional(), cursor: z.string().optional() })

const serviceName = z
  .string()
  .max(63)
  .regex(/^[A-Za-z0-9_-]+$/)
  .transform((value) => value.toLowerCase())

const policy = z.enum(['local', 'container', 'remote_runner'])

const Declared = {
  externalRef: text(500).optional(),
  ownerId: text(200).optional(),
  serviceName: serviceName.optional(),
  executionPolicy: policy.optional(),
}

export const NewWorkspace = z.object({
  name,
  runtime: name,
  rootPath: text(4096).optional(),
  ...Declared,
  agentsMd: z.string().max(1_000_000).optional(),
  toolServers: z.record(name, z.record(z.string(), z.json())).optional(),
  skills: z
    .array(z.object({ name, content: z.string().max(1_000_000) }))
    .max(200)
    .optional(),
})

export const ImportWorkspace = z.object({
  rootPath: text(4096).optional(),
  name: name.optional(),
  ...Declared,
})

export const NewSandbox = z
  .object({
    workspaceId: name.optional(),
    rootPath: text(4096).optional(),
    name: name.optional(),
    runtime: name.optional(),
    ...Declared,
  })
  .refine(
    (body) =>
      body.workspaceId !== undefined ||
      body.rootPath !== undefined ||
      (body.name !== undefined && body.runtime !== undefined),
    'Provide workspaceId, rootPath, or both name and runtime.',
  )

export const NewSession = z.object({
  title: z.string().min(1).max(500).optional(),
  agentName: name.optional(),
  modelRef: name.optional(),
})

export const SessionPatch = z
  .object({
    title: z.string().min(1).max(120).optional(),
    activeAgentName: name.optional(),
    modelRef: name.nullable().optional(),
  })
  .refine(
    (body) => Object.values(body).some((value) => value !== undefined),
    'At least one session field must be provided.',
  )

const part = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('image'), image: text(32_000_000), mediaType: name.optional() }),
  z.object({
    type: z.literal('file'),
    data: text(32_000_000),
    filename: name.optional(),
    mediaType: name,
  }),
])

export type ContentPart = z.infer<typeof part>

const isSaid = (content: string | ContentPart[]): boolean =>
  typeof content === 'string'
    ? content.trim() !== ''
    : content.some((p) => p.type !== 'text' || p.text.trim() !== '')

export const NewMessage = z.object({
  content: z
    .union(
      [z.string(), z.array(part)],
      'Say it as text, or as a list of text, image and file parts.',
    )
    .refine(isSaid, 'The message is empty: say something, or attach something.'),
  metadata: z.record(z.string(), z.json()).optional(),
  runningRunBehavior: z.enum(['queue', 'interrupt']).optional(),
})

export const CompactBody = z.object({ instructions: z.string().max(8000).optional() }).optional()

export const RequeueBody = z.object({ runIds: z.array(name).min(1).max(200) })

export const EntriesQuery = PageQuery.extend({
  path: z.string().optional(),
  sortBy: z.enum(['name', 'updatedAt', 'sizeBytes', 'type']).optional(),
  sortOrder: z.enum(['asc', 'desc']).optional(),
})

export const PathQuery = z.object({ path: z.string().min(1) })

export const ContentQuery = PathQuery.extend({
  encoding: z.enum(['utf8', 'base64']).optional(),
  maxBytes: integerText({ min: 1 }).optional(),
})

export const ContentBody = z.object({
  path: z.string().min(1),
  content: z.string(),
  encoding: z.enum(['utf8', 'base64']).optional(),
  overwrite: z.boolean().optional(),
  ifMatch: z.string().optional(),
})

export const UploadQuery = PathQuery.extend({
  overwrite: flagText().optional(),
  ifMatch: z.string().optional(),
  mtimeMs: z
    .string()
    .regex(/^\d{1,15}(\.\d{1,6})?$/)
    .transform(Number)
    .optional(),
})

export const DirectoryBody = z.object({
  path: z.string().min(1),
  createParents: z.boolean().optional(),
})

export const DeleteQuery = PathQuery.extend({ recursive: flagText().optional() })

export const MoveBody = z.object({
  sourcePath: z.string().min(1),
  targetPath: z.string().min(1),
  overwrite: z.boolean().optional(),
})

const environment = z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string())
const timeout = z.number().int().min(1).max(3_600_000)

const Command = {
  cwd: z.string().min(1).optional(),
  env: environment.optional(),
}

export const ForegroundBody = z.object({
  command: z.string().min(1),
  ...Command,
  timeoutMs: timeout.optional(),
  stdinText: z.string().optional(),
})

export const ProcessBody = z.object({
  executable: z.string().min(1),
  args: z.array(z.string()).optional(),
  ...Command,
  timeoutMs: timeout.optional(),
  stdinText: z.string().optional(),
})

export const BackgroundBody = z.object({
  command: z.string().min(1),
  sessionId: z.string().optional(),
  description: z.string().max(500).optional(),
  ...Command,
})

const prompt = z.object({
  role: z.enum(['system', 'user', 'assistant']),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]),
})

export const GenerateBody = z
  .object({
    model: name.optional(),
    prompt: z.string().min(1).optional(),
    messages: z.array(prompt).min(1).optional(),
    temperature: z.number().min(0).max(2).optional(),
    topP: z.number().min(0).max(1).optional(),
    maxTokens: z.number().int().min(1).optional(),
  })
  .refine(
    (body) => body.prompt !== undefined || body.messages !== undefined,
    'Either prompt or messages is required.',
  )

export type GenerateBody = z.infer<typeof GenerateBody>

export const ActionBody = z
  .object({
    sessionId: name.optional(),
    agentName: name.optional(),
    input: z.json().optional(),
    triggerSource: z.enum(['api', 'user']).optional(),
  })
  .optional()

export const RuntimeUploadQuery = z.object({
  name: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/),
  overwrite: flagText().optional(),
})
