/** What requests must look like. Bodies that start or decide something refuse unknown keys. */

import { z } from '../../wire/schema.ts'

const text = z.string().min(1)

/** Sizes and base64 of attachments are checked apart, because they are refused in other words. */
export const RunBody = z.strictObject({
  prompt: text,
  profileId: text.optional(),
  threadId: text.optional(),
  workspaceId: text.optional(),
  model: text.optional(),
  attachments: z
    .array(z.strictObject({ filename: z.string(), data: z.string(), mimeType: z.string() }))
    .optional(),
  activeContext: z
    .object({ skills: z.array(z.object({ id: z.string(), name: z.string() })).optional() })
    .optional(),
  systemPromptAppend: z.string().max(65_536).optional(),
})
export type RunBody = z.infer<typeof RunBody>

/** The action is checked apart: its absence and a typo each have an answer of their own. */
export const ResumeBody = z.looseObject({
  action: z.unknown().optional(),
  requestId: z.string().optional(),
  answer: z.unknown().optional(),
  grantPath: z.string().optional(),
  scope: z.enum(['session', 'tool', 'profile']).optional(),
})
export type ResumeBody = z.infer<typeof ResumeBody>

export const DecisionBody = z.strictObject({
  decision: z.enum(['approve', 'deny']),
  operationHash: z.string().regex(/^[0-9a-f]{64}$/),
})

export const NewThreadBody = z
  .looseObject({
    profileId: text.optional(),
    title: z.string().optional(),
    workspaceId: text.optional(),
  })
  .optional()

export const ThreadPatch = z.looseObject({
  title: z.string().nullable().optional(),
  status: z.enum(['active', 'completed', 'error']).optional(),
  model: text.nullable().optional(),
})

export const AnyBody = z.unknown()

/** Checked by the handler, because a bad cursor has its own code. */
export const SinceQuery = z.looseObject({ since: z.unknown().optional() })
export const ThreadsQuery = z.looseObject({ profileId: z.string().optional() })
export const ExportQuery = z.looseObject({ format: z.enum(['markdown', 'json']).optional() })

// ---- answers, for the API document ----------------------------------------------------------

export const RunAnswer = z.object({
  runId: z.uuid(),
  threadId: z.string(),
  agentId: z.literal('root'),
  profileId: z.string(),
  candidateId: z.null(),
  model: z.string(),
  status: z.literal('running'),
  timeoutMs: z.number(),
})

export const Problem = z.looseObject({
  error: z.string(),
  message: z.string(),
  category: z.string(),
  correlationId: z.uuid(),
})
