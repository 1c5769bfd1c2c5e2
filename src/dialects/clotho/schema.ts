/** What clients send: REST bodies, and the frames of a socket. Unknown keys pass and are dropped. */

import { z } from '../../wire/schema.ts'

// ---- profiles -----------------------------------------------------------------------------------

const PROVIDERS = ['openai', 'ollama', 'anthropic'] as const
export type Provider = (typeof PROVIDERS)[number]

const provider = z.string().superRefine((given, issues) => {
  if (PROVIDERS.includes(given as Provider)) return
  const known = PROVIDERS.map((p) => `'${p}'`).join(', ')
  issues.addIssue({
    code: 'custom',
    message: `Value error, Provider must be one of [${known}], got: ${given}`,
  })
})

const tokens = z.int().positive().nullish()

export const Profile = z.object({
  provider: provider.transform((p) => p as Provider),
  model: z.string().min(1).max(200),
  base_url: z.string().nullish(),
  api_key: z.string().nullish(),
  context_window: tokens,
  max_output_tokens: tokens,
})
export type Profile = z.infer<typeof Profile>

export const NewProfile = z.object({ name: z.string().min(1).max(64), profile: Profile })

export const ProfileUpdate = z.object({ profile: Profile })

export const DefaultProfile = z.object({ profile_name: z.string() })

/**
 * The page does not say how its PUTs name the profile: all three keys that a reader may think of
 * are taken.
 */
export const NamedProfile = z
  .looseObject({
    profile_name: z.string().optional(),
    name: z.string().optional(),
    default: z.string().optional(),
    profile: z.unknown().optional(),
  })
  .superRefine((body, issues) => {
    const isNamed = [body.profile_name, body.name, body.default, body.profile].some(
      (v) => v !== undefined,
    )
    if (!isNamed)
      issues.addIssue({ code: 'custom', path: ['profile_name'], message: 'Field required' })
  })
export type NamedProfile = z.infer<typeof NamedProfile>

// ---- permissions and sandbox --------------------------------------------------------------------

export const PermissionBody = z.object({
  mode: z.string().nullish(),
  tool_overrides: z.record(z.string(), z.string()).nullish(),
})

export const SandboxSwitch = z.object({ enabled: z.boolean() })

export const SandboxConfig = z.object({
  enabled: z.boolean(),
  memory_limit: z.string().regex(/^\d+[bkmg]?$/i, 'Input should be a size such as 512m'),
  cpu_quota: z.int().positive(),
  timeout_seconds: z.int().positive(),
  network_enabled: z.boolean(),
  workspace_mode: z.enum(['ro', 'rw'], "Input should be 'ro' or 'rw'"),
})
export type SandboxConfig = z.infer<typeof SandboxConfig>

export const SandboxEdit = SandboxConfig.partial()

// ---- frames -------------------------------------------------------------------------------------

const Block = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({
    type: z.literal('image'),
    source_type: z.enum(['base64', 'url']),
    media_type: z.string().nullish(),
    data: z.string(),
  }),
  z.object({
    type: z.literal('tool_use'),
    id: z.string(),
    name: z.string(),
    arguments: z.record(z.string(), z.json()),
  }),
  z.object({
    type: z.literal('tool_result'),
    tool_use_id: z.string(),
    tool_name: z.string(),
    content: z.string(),
    is_error: z.boolean().optional(),
  }),
])
export type Block = z.infer<typeof Block>

export const Blocks = z.array(Block)

/** `content` is looked at when the message is used, as in the real gateway. */
export const RunData = z.object({
  message: z.string(),
  stream: z.boolean().default(false),
  content: z.array(z.unknown()).nullish(),
})

export const UserMessage = z.object({
  content: z.union(
    [z.string(), z.array(z.unknown())],
    'Input should be a string or a list of blocks',
  ),
  stream: z.boolean().default(false),
})

/** Strict: `"false"` is no boolean, and least of all a yes. */
export const ApprovalData = z.object({ approved: z.boolean() })

export const Verdicts = z.object({ verdicts: z.record(z.string(), z.string()) })
