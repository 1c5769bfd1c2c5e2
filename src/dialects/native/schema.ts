/**
 * The forms of native requests and answers. A request with a field that is not known is refused:
 * a typo must not be taken for a wish that was heard.
 */

import { flagText, integerText, listText, timeText, z } from '../../wire/schema.ts'
import { cursorText } from './cursor.ts'

// ---- what is sent -------------------------------------------------------------------------

const isBase64 = (text: string): boolean =>
  text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)

const attachment = <K extends 'image' | 'audio' | 'file'>(kind: K) =>
  z
    .strictObject({
      kind: z.literal(kind),
      media: z.string().min(1).describe('The media type, `image/png` for example.'),
      name: z.string().optional(),
      data: z.string().refine(isBase64, 'Expected base64').optional(),
      url: z.url({ protocol: /^https?$/ }).optional(),
    })
    .refine((part) => part.data !== undefined || part.url !== undefined, 'Send `data` or `url`')

const Part = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('text'), text: z.string() }),
  attachment('image'),
  attachment('audio'),
  attachment('file'),
])

const isSaid = (input: string): boolean => input.trim() !== ''

export const Input = z
  .union([z.string().refine(isSaid, 'Expected some text'), z.array(Part).min(1)])
  .describe('A text, or a list of parts.')
export type Input = z.infer<typeof Input>

const Name = z.string().min(1).max(200)
const Title = z.string().min(1).max(500)

const Opening = {
  agent: Name.optional().describe('Default: the agent `assistant`, else the first there is.'),
  model: Name.nullable().optional().describe('`provider:model`. Default: as the agent says.'),
  title: Title.nullable().optional(),
  workspace: z
    .string()
    .min(1)
    .optional()
    .describe('An absolute path. Default: as the server says.'),
  policy: Name.nullable().optional(),
}

export const OpenBody = z.strictObject({ ...Opening, input: Input.optional() })
export type OpenBody = z.infer<typeof OpenBody>

export const BeginBody = z.strictObject({ ...Opening, input: Input })

export const ChangeBody = z
  .strictObject({
    title: Title.nullable().optional(),
    agent: Name.optional(),
    model: Name.nullable().optional(),
    policy: Name.nullable().optional(),
  })
  .refine((body) => Object.keys(body).length > 0, 'Name at least one field to change')

const Sampling = z
  .strictObject({
    temperature: z.number().min(0).max(2).optional(),
    topP: z.number().min(0).max(1).optional(),
    maxOutputTokens: z.number().int().min(1).optional(),
  })
  .describe('Instead of the agent’s own, for this run.')

const ToolCall = z
  .strictObject({ tool: Name, input: z.record(z.string(), z.json()).default({}) })
  .describe('Instead of `input`: the run is this one call of a tool, and no model is called.')

export const SubmitBody = z
  .strictObject({
    input: Input.optional(),
    call: ToolCall.optional(),
    busy: z
      .enum(['reject', 'queue', 'steer', 'interrupt'])
      .default('queue')
      .describe('What to do when the thread has a run.'),
    agent: Name.optional().describe('For this run only.'),
    model: Name.optional().describe('For this run only.'),
    instructions: z.string().max(65_536).optional().describe('Added to the agent’s, for this run.'),
    sampling: Sampling.optional(),
  })
  .refine((b) => (b.input === undefined) !== (b.call === undefined), 'Send `input` or `call`')
export type SubmitBody = z.infer<typeof SubmitBody>

export const CancelBody = z
  .strictObject({
    when: z.enum(['now', 'step']).default('now'),
    queue: z.enum(['keep', 'drop']).default('keep'),
    reason: z.string().max(2000).nullable().default(null),
  })
  .prefault({})
export type CancelBody = z.infer<typeof CancelBody>

export const SteerBody = z.strictObject({ input: Input })

export const RetryBody = z
  .strictObject({ input: Input.optional(), model: Name.optional() })
  .prefault({})
export type RetryBody = z.infer<typeof RetryBody>

export const QueueBody = z
  .strictObject({
    input: Input.optional(),
    place: z.number().int().min(0).optional().describe('0 is the head of the queue.'),
  })
  .refine((body) => Object.keys(body).length === 1, 'Send either `input` or `place`')
export type QueueBody = z.infer<typeof QueueBody>

export const PromoteBody = z.strictObject({ interrupt: z.boolean().default(false) }).prefault({})

export const ForkBody = z.strictObject({ seq: z.number().int().min(1).optional() }).prefault({})

export const CompactBody = z
  .strictObject({ instructions: z.string().max(8000).optional() })
  .prefault({})

export const AnswerBody = z
  .strictObject({
    allow: z.boolean().optional().describe('For every call that `rulings` does not name.'),
    rulings: z
      .record(z.string(), z.strictObject({ allow: z.boolean(), reason: z.string().optional() }))
      .optional()
      .describe('By call.'),
    answer: z.json().optional().describe('To a question.'),
    limitUsd: z.number().positive().optional().describe('A new limit, where one was reached.'),
    reason: z.string().max(2000).optional(),
    remember: z.boolean().default(false).describe('Keep an approval as a grant of the agent.'),
  })
  .refine(
    ({ remember: _, reason: __, ...said }) => Object.keys(said).length > 0,
    'Send `allow`, `rulings`, `answer` or `limitUsd`',
  )
export type AnswerBody = z.infer<typeof AnswerBody>

// ---- what is asked for --------------------------------------------------------------------

const paging = {
  limit: integerText({ min: 1, max: 500 }).optional().describe('Default 50.'),
  offset: integerText({ min: 0 }).optional(),
}

const before = cursorText()
  .optional()
  .describe('The `cursor` of the page before: go on below it. Instead of `offset`.')

export const ThreadsQuery = z.object({
  ...paging,
  before,
  workspace: z.string().optional(),
  agent: z.string().optional(),
  dialect: z.string().optional().describe('The API it was opened through.'),
  status: z.enum(['idle', 'queued', 'running', 'waiting', 'cancelling']).optional(),
  parent: z
    .string()
    .optional()
    .describe('Children of this thread; `none`: only threads of people.'),
  search: z.string().optional(),
})

const Status = z.enum([
  'queued',
  'running',
  'waiting',
  'cancelling',
  'completed',
  'failed',
  'cancelled',
])

export const RunsQuery = z.object({
  ...paging,
  before,
  thread: z.string().optional(),
  agent: z.string().optional(),
  model: z.string().optional(),
  status: listText(Status).optional().describe('One or several, with commas.'),
  since: timeText().optional(),
  until: timeText().optional(),
})

export const AsksQuery = z.object({ ...paging, thread: z.string().optional() })

export const ThreadQuery = z.object({
  messages: integerText({ min: 0, max: 10_000 })
    .optional()
    .describe('How many, newest; default 100.'),
})

export const EventsQuery = z.object({
  after: integerText({ min: 0 }).optional().describe('The last seq already seen; default 0.'),
  limit: integerText({ min: 1, max: 2000 }).optional().describe('Default 500; for pages only.'),
})
export type EventsQuery = z.infer<typeof EventsQuery>

export const FeedQuery = z.object({
  after: z
    .union([z.literal('latest'), integerText({ min: 0 })])
    .optional()
    .describe('The `pos` already seen; `latest`: only what comes from now on. Default 0.'),
  limit: EventsQuery.shape.limit,
})
export type FeedQuery = z.infer<typeof FeedQuery>

export const StreamQuery = z.object({
  after: EventsQuery.shape.after,
  follow: flagText().optional().describe('`false`: end when everything stored has been told.'),
})
export type StreamQuery = z.infer<typeof StreamQuery>

export const ToolsQuery = z.object({ agent: z.string().optional() })

// ---- what is answered ---------------------------------------------------------------------

const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), total: z.number().int(), next: z.number().int().nullable() })

const listOf = <T extends z.ZodType>(item: T) =>
  pageOf(item).extend({
    cursor: z.string().nullable().describe('Send it as `before` to read on. Null at the end.'),
  })

const Time = z.number().int().describe('Epoch milliseconds.')

export const Usage = z.object({
  inputTokens: z.number().int(),
  outputTokens: z.number().int(),
  cacheReadTokens: z.number().int(),
  cacheWriteTokens: z.number().int(),
  costUsd: z.number().nullable().describe('Null when a price is not known.'),
})

export const ReceiptView = z.object({
  thread: z.string(),
  run: z.string().nullable(),
  delivery: z.enum(['started', 'queued', 'steered', 'done']),
  position: z.number().int().nullable(),
  seq: z.number().int(),
  replayed: z.boolean(),
})

const ShownTitle = z
  .string()
  .nullable()
  .describe('When nobody gave one: the first words of the first message.')

export const ThreadSummary = z.object({
  id: z.string(),
  agent: z.string(),
  model: z.string().nullable(),
  title: ShownTitle,
  preview: z.string().nullable(),
  dialect: z.string(),
  workspace: z.string(),
  status: z.string(),
  activeRun: z.string().nullable(),
  lastRun: z.string().nullable(),
  parent: z.string().nullable(),
  queued: z.number().int(),
  runs: z.number().int(),
  messages: z.number().int(),
  seq: z.number().int(),
  usage: Usage,
  openedAt: Time,
  updatedAt: Time,
})

export const RunView = z.object({
  id: z.string(),
  thread: z.string(),
  agent: z.string(),
  model: z.string().nullable(),
  dialect: z.string(),
  status: Status,
  stop: z.string().nullable(),
  trouble: z.object({ code: z.string(), message: z.string() }).nullable(),
  parentRun: z.string().nullable(),
  preview: z.string(),
  turns: z.number().int(),
  usage: Usage,
  firstSeq: z.number().int(),
  lastSeq: z.number().int(),
  createdAt: Time,
  startedAt: Time.nullable(),
  endedAt: Time.nullable(),
})

export const AskView = z.object({
  id: z.string(),
  thread: z.string(),
  run: z.string(),
  agent: z.string(),
  body: z.looseObject({ kind: z.enum(['approval', 'question', 'limit', 'recovery']) }),
  open: z.array(z.string()).describe('Calls that still wait.'),
  openedAt: Time,
  expiresAt: Time.nullable(),
})

export const QueueEntry = z.object({
  run: z.string(),
  place: z.number().int(),
  kind: z.string(),
  input: z.array(z.looseObject({ kind: z.string() })),
  agent: z.string().nullable(),
  model: z.string().nullable(),
  createdAt: Time,
})

export const ThreadView = z.looseObject({
  id: z.string(),
  agent: z.string(),
  model: z.string().nullable(),
  title: ShownTitle,
  workspace: z.string().nullable(),
  dialect: z.string(),
  status: z.string(),
  runs: z.number().int(),
  usage: Usage,
  openedAt: Time,
  updatedAt: Time,
  seq: z.number().int().describe('Follow the events after this one to stay up to date.'),
  messages: z.array(z.looseObject({ id: z.string(), role: z.string() })),
  totalMessages: z.number().int(),
  queue: z.array(QueueEntry),
  asks: z.array(AskView),
})

export const EventView = z.looseObject({
  thread: z.string(),
  seq: z.number().int(),
  at: Time,
  type: z.string(),
  run: z.string().nullable(),
  data: z.looseObject({}),
})

export const EventPage = z.object({
  items: z.array(EventView),
  next: z.number().int().describe('Send it as `after` to read on.'),
  isComplete: z.boolean().describe('Nothing was stored beyond this page.'),
})

export const FeedPage = EventPage.extend({
  items: z.array(
    EventView.extend({
      pos: z.number().int().describe('Of the commit; events of one commit have the same.'),
    }),
  ),
})

export const ThreadPage = listOf(ThreadSummary)
export const RunPage = listOf(RunView)
export const AskPage = pageOf(AskView)
export const Queue = z.object({ items: z.array(QueueEntry), seq: z.number().int() })
export const Anything = z.looseObject({})

export const Refusal = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    details: z.looseObject({}).optional(),
    requestId: z.string(),
  }),
})
