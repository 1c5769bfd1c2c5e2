/** What requests look like. Unknown fields pass: the real web client sends some. */

import { z } from '../../wire/schema.ts'

// ---- pieces -------------------------------------------------------------------------------------

/** A message of our own instead of the validator's. */
const custom = (message: string) => ({ error: message })

const ROUTE_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/
const PERSONA_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}(?:@[A-Za-z0-9][A-Za-z0-9._:-]{0,63})?$/

const trimmed = z.string().transform((s) => s.trim())
const routeId = trimmed.pipe(z.string().regex(ROUTE_ID)).nullish()
const blankable = trimmed.transform((s) => (s === '' ? undefined : s)).nullish()

/** A number in a query, refused in words of its own. */
const within = (name: string, min: number, max: number | null, fallback: number | undefined) =>
  z
    .union([z.string(), z.array(z.string())])
    .optional()
    .transform((given, context) => {
      const text = Array.isArray(given) ? given[0] : given
      if (text === undefined || text === '') return fallback
      const n = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN
      if (n >= min && (max === null || n <= max)) return n
      const range = max === null ? `>= ${min}` : `${min}-${max}`
      context.addIssue({ code: 'custom', message: `${name} must be ${range}` })
      return z.NEVER
    })

export const limitOf = (fallback: number, max = 200) => within('limit', 1, max, fallback)

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/

export const timeIn = (text: string): number | null => {
  const at = RFC3339.test(text) ? Date.parse(text.replace(' ', 'T')) : Number.NaN
  return Number.isNaN(at) ? null : at
}

const time = (name: string) =>
  z
    .string()
    .optional()
    .transform((text, context) => {
      if (text === undefined || text === '') return undefined
      const at = timeIn(text)
      if (at !== null) return at
      context.addIssue({ code: 'custom', message: `invalid ${name}: must be RFC3339` })
      return z.NEVER
    })

// ---- runs ---------------------------------------------------------------------------------------

const REASONING: Readonly<Record<string, string>> = {
  ...{ auto: 'auto', enabled: 'enabled', disabled: 'disabled', none: 'none', off: 'none' },
  ...{ minimal: 'minimal', low: 'low', medium: 'medium', high: 'high', xhigh: 'xhigh' },
  ...{ max: 'xhigh', extra_high: 'xhigh', 'extra-high': 'xhigh', 'extra high': 'xhigh' },
}

const reasoning = z
  .string()
  .transform((text, context) => {
    const known = REASONING[text.trim().toLowerCase()]
    if (known !== undefined) return known
    context.addIssue({ code: 'custom', message: 'invalid reasoning_mode' })
    return z.NEVER
  })
  .nullish()

export const RunBody = z
  .looseObject({
    route_id: routeId,
    persona_id: trimmed.pipe(z.string().regex(PERSONA_ID)).nullish(),
    output_route_id: routeId,
    output_model_key: trimmed.pipe(z.enum(['gpt5', 'claude4', 'gemini3'])).nullish(),
    model: blankable,
    work_dir: blankable,
    reasoning_mode: reasoning,
  })
  .prefault({})
export type RunBody = z.infer<typeof RunBody>

export const ContinueBody = z.looseObject({ run_id: z.guid() })

export const CancelBody = z
  .looseObject({
    last_seen_seq: z.number().int().min(0).nullish(),
    client_cancelled_at: z
      .string()
      .refine((t) => timeIn(t) !== null)
      .nullish(),
  })
  .prefault({})
export type CancelBody = z.infer<typeof CancelBody>

const MAX_INPUT_BYTES = 32_768

export const InputBody = z.looseObject({
  content: z
    .string()
    .refine((text) => text.trim() !== '', custom('content must not be empty'))
    .refine((text) => Buffer.byteLength(text) <= MAX_INPUT_BYTES, custom('content too large')),
})

export const ThreadRunsQuery = z.looseObject({ limit: limitOf(50) })

const idPrefix = (name: string) =>
  z
    .string()
    .optional()
    .transform((text, context) => {
      const given = text?.trim().toLowerCase()
      if (given === undefined || given === '') return undefined
      if (/^[0-9a-f-]{1,36}$/.test(given)) return given
      context.addIssue({ code: 'custom', message: `invalid ${name}` })
      return z.NEVER
    })

const wholeId = (name: string) =>
  z
    .string()
    .optional()
    .transform((text, context) => {
      const given = text?.trim().toLowerCase()
      if (given === undefined || given === '') return undefined
      if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(given)) return given
      context.addIssue({ code: 'custom', message: `invalid ${name}` })
      return z.NEVER
    })

export const RunsQuery = z
  .looseObject({
    run_id: idPrefix('run_id'),
    thread_id: idPrefix('thread_id'),
    account_id: wholeId('account_id'),
    user_id: wholeId('user_id'),
    parent_run_id: wholeId('parent_run_id'),
    status: z.string().optional(),
    model: z.string().optional(),
    persona_id: z.string().optional(),
    since: time('since'),
    until: time('until'),
    limit: limitOf(50),
    offset: within('offset', 0, null, undefined),
    before: z.string().optional(),
  })
  .refine(
    ({ since, until }) => since === undefined || until === undefined || since <= until,
    custom('since must not be after until'),
  )
export type RunsQuery = z.infer<typeof RunsQuery>

export const EventsQuery = z.looseObject({
  after_seq: within('after_seq', 0, null, undefined),
  follow: z.enum(['true', '1', 'false', '0', '']).default('true'),
})

// ---- threads and messages -----------------------------------------------------------------------

const title = z
  .string()
  .refine((text) => Buffer.byteLength(text) <= 200, custom('title must be at most 200 bytes'))

export const NewThreadBody = z.looseObject({
  title: title.nullish(),
  is_private: z.boolean().nullish(),
  // Null is refused here, as the real system does; in a change it takes the thread out.
  project_id: z.guid().optional(),
})

export const ThreadPatch = z
  .looseObject({ title: title.nullish(), project_id: z.guid().nullish() })
  .refine((body) => 'title' in body || 'project_id' in body, custom('nothing to change'))

export const ThreadsQuery = z.looseObject({
  limit: limitOf(50),
  before_updated_at: time('before_updated_at'),
  before_created_at: time('before_created_at'),
  before_id: wholeId('before_id'),
})
export type ThreadsQuery = z.infer<typeof ThreadsQuery>

export const SearchQuery = z.looseObject({
  q: z
    .string()
    .refine((text) => text.trim() !== '', custom('q is required'))
    .refine((text) => [...text].length <= 200, custom('q must be at most 200 characters')),
  limit: limitOf(50),
})

export const ForkBody = z.looseObject({
  message_id: z.guid(),
  is_private: z.boolean().nullish(),
})

const Part = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('text'), text: z.string() }),
  z.looseObject({
    type: z.enum(['image', 'file']),
    attachment: z.looseObject({
      key: z.string().min(1),
      filename: z.string().optional(),
      mime_type: z.string().optional(),
      size: z.number().optional(),
    }),
    extracted_text: z.string().optional(),
  }),
])
export type Part = z.infer<typeof Part>

export const MessageBody = z.looseObject({
  content: z.string().nullish(),
  content_json: z.looseObject({ parts: z.array(Part) }).nullish(),
})
export type MessageBody = z.infer<typeof MessageBody>

export const MessagesQuery = z.looseObject({ limit: limitOf(200, 500) })

// ---- projects, shares, reports -----------------------------------------------------------------

export const ProjectBody = z.looseObject({
  name: trimmed.pipe(z.string().min(1).max(200)),
  description: z.string().max(4000).nullish(),
  visibility: z.enum(['private', 'team', 'org']).nullish(),
})

export const ShareBody = z
  .looseObject({
    access_type: z.enum(['public', 'password']),
    password: z.string().max(200).nullish(),
    live_update: z.boolean().nullish(),
  })
  .refine(
    ({ access_type, password }) => access_type === 'public' || (password ?? '').trim() !== '',
    custom('password is required'),
  )

export const ShareDropQuery = z.looseObject({ id: z.string() })
export const ShareReadQuery = z.looseObject({ session_token: z.string().optional() })
export const ShareOpenBody = z.looseObject({ password: z.string() })

const opinion = z
  .string()
  .refine((t) => t.trim() !== '', custom('feedback must not be empty'))
  .refine((t) => [...t].length <= 2000, custom('feedback must be at most 2000 characters'))

export const FeedbackBody = z.looseObject({ feedback: opinion })

export const ReportBody = z.looseObject({
  categories: z.array(z.string().min(1).max(100)).min(1).max(20),
  feedback: opinion.nullish(),
})

export const PageQuery = z.looseObject({
  limit: limitOf(50),
  offset: within('offset', 0, null, undefined),
})

// ---- people -------------------------------------------------------------------------------------

export const RegisterBody = z.looseObject({
  login: z.string(),
  password: z.string(),
  email: z.string(),
  invite_code: z.string().nullish(),
})

export const LoginBody = z.looseObject({ login: z.string().min(1), password: z.string().min(1) })

export const ResolveBody = z.looseObject({
  identity: z.string().refine((t) => t.trim() !== '', custom('identity must not be empty')),
})

const required = (name: string) =>
  z.string().refine((t) => t.trim() !== '', custom(`${name} is required`))

export const FlowBody = z.looseObject({ flow_token: required('flow_token') })
export const FlowCodeBody = FlowBody.extend({ code: required('code') })
export const EmailBody = z.looseObject({ email: required('email') })
export const EmailCodeBody = EmailBody.extend({ code: required('code') })
export const MailTokenBody = z.looseObject({ token: required('token') })

export const SetupBody = z.looseObject({
  token: z.string(),
  username: z.string(),
  password: z.string(),
  email: z.string().nullish(),
})

const isZone = (zone: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}

export const MePatch = z
  .looseObject({
    username: z.string().optional(),
    timezone: z
      .string()
      .refine((t) => t.trim() === '' || isZone(t.trim()), custom('invalid timezone'))
      .nullish(),
  })
  .refine((b) => b.username !== undefined || b.timezone !== undefined, custom('nothing to change'))

export const KeyBody = z.looseObject({
  name: trimmed.pipe(z.string().min(1).max(200)),
  scopes: z.array(z.string()).nullish(),
})

export const PeriodQuery = z.looseObject({
  year: within('year', 1970, 9999, undefined),
  month: within('month', 1, 12, undefined),
  start: z.string().optional(),
  end: z.string().optional(),
  from: z.string().optional(),
  to: z.string().optional(),
})
export type PeriodQuery = z.infer<typeof PeriodQuery>

// ---- personas -----------------------------------------------------------------------------------

export const ScopeQuery = z.looseObject({ scope: z.enum(['user', 'platform']).optional() })

const texts = z.array(z.string())

const positive = z.number().int().min(0).nullish()

const Budgets = z.looseObject({
  reasoning_iterations: positive,
  max_output_tokens: positive,
  max_cost_micros: positive,
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
})
export type Budgets = z.infer<typeof Budgets>

const personaFields = {
  display_name: z.string().min(1).max(200),
  description: z.string().max(4000).nullish(),
  prompt_md: z.string().min(1),
  model: z.string().max(300).nullish(),
  tool_allowlist: texts.nullish(),
  tool_denylist: texts.nullish(),
  budgets: Budgets.nullish(),
  user_selectable: z.boolean().nullish(),
  selector_name: z.string().nullish(),
  selector_order: z.number().int().nullish(),
  reasoning_mode: reasoning,
  preferred_credential: z.string().nullish(),
  is_active: z.boolean().nullish(),
}

const version = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/)

export const PersonaBody = z
  .looseObject({
    ...personaFields,
    // Of a copy they are those of what is copied.
    display_name: personaFields.display_name.nullish(),
    prompt_md: personaFields.prompt_md.nullish(),
    copy_from_repo_persona_key: z.string().min(1).nullish(),
    persona_key: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
    version,
    scope: z.enum(['user', 'platform']).nullish(),
  })
  .refine(
    (body) => body.copy_from_repo_persona_key || (body.display_name && body.prompt_md),
    custom('display_name and prompt_md are required'),
  )
export type PersonaBody = z.infer<typeof PersonaBody>

export const PersonaPatch = z.looseObject({
  ...z.object(personaFields).partial().shape,
  version: version.nullish(),
})
export type PersonaPatch = z.infer<typeof PersonaPatch>

// ---- providers ----------------------------------------------------------------------------------

const providerFields = {
  name: trimmed.pipe(z.string().min(1).max(200)),
  provider: z.enum(['openai', 'anthropic', 'gemini']),
  base_url: z.string().nullish(),
  openai_api_mode: z.enum(['auto', 'responses', 'chat_completions']).nullish(),
  advanced_json: z.record(z.string(), z.unknown()).nullish(),
}

export const ProviderBody = z.looseObject({
  ...providerFields,
  api_key: z.string(),
  scope: z.enum(['user', 'platform']).nullish(),
})
export type ProviderBody = z.infer<typeof ProviderBody>

export const ProviderPatch = z.looseObject({
  ...z.object(providerFields).partial().shape,
  api_key: z.string().min(1).nullish(),
})
export type ProviderPatch = z.infer<typeof ProviderPatch>

const modelFields = {
  priority: z.number().int().nullish(),
  is_default: z.boolean().nullish(),
  show_in_picker: z.boolean().nullish(),
  tags: texts.nullish(),
  when: z.record(z.string(), z.unknown()).nullish(),
  advanced_json: z.record(z.string(), z.unknown()).nullish(),
  multiplier: z.number().nonnegative().nullish(),
  cost_per_1k_input: z.number().nonnegative().nullish(),
  cost_per_1k_output: z.number().nonnegative().nullish(),
  cost_per_1k_cache_write: z.number().nonnegative().nullish(),
  cost_per_1k_cache_read: z.number().nonnegative().nullish(),
}

export const ModelBody = z.looseObject({
  ...modelFields,
  model: trimmed.pipe(z.string().min(1).max(200)),
})
export type ModelBody = z.infer<typeof ModelBody>

export const ModelPatch = z.looseObject({
  ...modelFields,
  model: trimmed.pipe(z.string().min(1).max(200)).nullish(),
})
export type ModelPatch = z.infer<typeof ModelPatch>
