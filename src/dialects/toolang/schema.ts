/**
 * What requests must look like, with the names that Toolang's own API document has. Requests of
 * conversations let unknown keys pass; those that author something refuse them.
 */

import { z } from '../../wire/schema.ts'

const text = z.string().min(1)
const fields = z.record(z.string(), z.unknown())

export const Peer = z
  .looseObject({
    type: text.default('user'),
    name: text.optional(),
    thread: z.string().nullable().optional(),
  })
  .meta({ title: 'ThreadPeerPayload' })

const ChatMessage = z
  .looseObject({
    role: text.default('user'),
    parts: z.array(fields).min(1),
    meta: fields.default({}),
  })
  .meta({ title: 'ChatMessagePayload' })

export const ChatRequest = z
  .looseObject({
    thread: text.nullable().optional(),
    client: z.enum(['web', 'tui', 'chat']).default('web'),
    peer: Peer.nullable().optional(),
    request_id: text.nullable().optional(),
    message: ChatMessage,
    model: z.string().nullable().optional(),
  })
  .meta({ title: 'ChatRequest' })
export type ChatRequest = z.infer<typeof ChatRequest>

const RunMessage = z
  .looseObject({
    role: z.string().default('user'),
    parts: z.array(fields),
    meta: fields.default({}),
  })
  .meta({ title: 'RunInputMessagePayload' })
export type RunMessage = z.infer<typeof RunMessage>

export const StopRequest = z
  .looseObject({
    reason: z.string().nullable().optional(),
    mode: z.string().default('immediate'),
    request_id: z.string().nullable().optional(),
  })
  .nullable()
  .optional()
  .meta({ title: 'RunCancelRequest' })

export const RestartRequest = z
  .looseObject({ request_id: z.string().nullable().optional(), message: RunMessage })
  .meta({ title: 'RunRestartRequest' })

export const SteerRequest = z
  .looseObject({
    request_id: z.string().nullable().optional(),
    mode: z.string().default('next_step'),
    message: RunMessage,
  })
  .meta({ title: 'RunSteerRequest' })

/** Of the version after. */
export const ForkRequest = z
  .looseObject({ include_anchor: z.boolean().default(true) })
  .nullable()
  .optional()
  .meta({ title: 'RunForkRequest' })

/** Of the version after: threads that are made before their first message. */
export const NewThread = z
  .looseObject({
    client: z.enum(['web', 'tui', 'terminal', 'chat']).default('web'),
    peer: Peer.nullable().optional(),
  })
  .meta({ title: 'ThreadCreateRequest' })

// ---- what is authored ---------------------------------------------------------------------------

const visibility = z.enum(['private', 'shared']).default('private')

export const PutCap = z
  .strictObject({ visibility, content: z.string().nullable().optional() })
  .meta({ title: 'PutCapRequest' })

export const WiredCap = z
  .strictObject({ visibility, ref: z.string() })
  .meta({ title: 'WiredCapRequest' })

export const VisibilityQuery = z.looseObject({ visibility })

const title = z.string().nullable().optional()
const newState = z.enum(['active', 'inactive']).default('active')
const state = z.enum(['active', 'inactive', 'archived']).nullable().optional()
const STAGES = ['todo', 'running', 'done', 'failed'] as const
const stage = z.enum(STAGES).nullable().optional()
/** Null is refused where the job is written, in the words of the real server's own file reader. */
const body = z.string().nullable().optional()
const schedule = z.string().nullable().optional()

export const TaskCreate = z
  .strictObject({
    title,
    body: z.string().default(''),
    state: newState,
    stage: z.enum(STAGES).default('todo'),
  })
  .meta({ title: 'TaskCreateRequest' })

export const ChoreCreate = z
  .strictObject({
    title,
    body: z.string().default(''),
    state: newState,
    schedule: z.string().default('FREQ=HOURLY;INTERVAL=1'),
  })
  .meta({ title: 'ChoreCreateRequest' })

export const TaskPatch = z
  .strictObject({ title, body, state, stage })
  .meta({ title: 'TaskPatchRequest' })
export const ChorePatch = z
  .strictObject({ title, body, state, schedule })
  .meta({ title: 'ChorePatchRequest' })
export const JobPatch = z
  .strictObject({ title, body, state, stage, schedule })
  .meta({ title: 'JobPatchRequest' })
export type JobPatch = z.infer<typeof JobPatch>

// ---- queries ------------------------------------------------------------------------------------

const whole = () =>
  z
    .string()
    .regex(/^\s*[+-]?\d{1,15}\s*$/)
    .transform(Number)
    .meta({ type: 'integer' })

const wholeOr = (value: number) => whole().prefault(String(value)).meta({ type: 'integer' })

export const ListQuery = z.looseObject({
  limit: wholeOr(50),
  thread_id: z.string().optional(),
})
export const ThreadsQuery = z.looseObject({
  limit: wholeOr(50),
  origin: z.string().optional(),
})
export const ThreadQuery = z.looseObject({ limit: wholeOr(50) })
export const EventsQuery = z.looseObject({
  after: whole().optional(),
  limit: wholeOr(100),
})
export const StreamQuery = z.looseObject({ after: whole().optional() })
export const KindQuery = z.looseObject({ kind: z.enum(['task', 'chore']).optional() })

// ---- answers, for the API document --------------------------------------------------------------

export const Item = z.looseObject({ item: z.unknown() })
export const Items = z.looseObject({ items: z.array(z.unknown()) })
export const Fields = z.looseObject({})
export const Problem = z.looseObject({ detail: z.unknown() })
