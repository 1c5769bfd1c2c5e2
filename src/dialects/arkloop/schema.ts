/** What requests look like. Unknown fields pass: the real web client sends some. */

import { z } from '../../wire/schema.ts'

// ---- pieces -------------------------------------------------------------------------------------

/** A message of our own instead of the validator's. */
export const custom = (message: string) => ({ error: message })

const ROUTE_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/
const PERSONA_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}(?:@[A-Za-z0-9][A-Za-z0-9._:-]{0,63})?$/

export const trimmed = z.string().transform((s) => s.trim())
const routeId = trimmed.pipe(z.string().regex(ROUTE_ID)).nullish()
const blankable = trimmed.transform((s) => (s === '' ? undefined : s)).nullish()

/** A number in a query, refused in words of its own. */
export const within = (
  name: string,
  min: number,
  max: number | null,
  fallback: number | undefined,
) =>
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
  const at = RFC3339.test(text) && dayIn(text) ? Date.parse(text.replace(' ', 'T')) : Number.NaN
  return Number.isNaN(at) ? null : at
}

/** The first moment of the day that a text begins with; null for one that no calendar has. */
export function dayIn(text: string): number | null {
  const found = /^(\d{4})-(\d\d)-(\d\d)/.exec(text)
  if (!found) return null
  // The parser itself takes the 31st of February for the 3rd of March.
  const [year, month, day] = found.slice(1).map(Number) as [number, number, number]
  const at = new Date(Date.UTC(year, month - 1, day))
  return at.getUTCMonth() === month - 1 && at.getUTCDate() === day ? at.getTime() : null
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

const REASONING: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...{ auto: 'auto', enabled: 'enabled', disabled: 'disabled', none: 'none', off: 'none' },
    ...{ minimal: 'minimal', low: 'low', medium: 'medium', high: 'high', xhigh: 'xhigh' },
    ...{ max: 'xhigh', extra_high: 'xhigh', 'extra-high': 'xhigh', 'extra high': 'xhigh' },
  }),
)

export const reasoning = z
  .string()
  .transform((text, context) => {
    const known = REASONING.get(text.trim().toLowerCase())
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
      .refine(
        (text) => timeIn(text) !== null,
        custom('invalid client_cancelled_at: must be RFC3339'),
      )
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
