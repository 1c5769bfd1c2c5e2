/** The forms in which native takes and tells jobs. */

import { flagText, z } from '../../wire/schema.ts'

const Kind = z.enum(['task', 'chore'])
const State = z.enum(['active', 'inactive', 'archived'])
const Stage = z.enum(['todo', 'running', 'done', 'failed'])
const Time = z.number().int().describe('Epoch milliseconds.')

const Run = z
  .looseObject({ id: z.string(), status: z.string(), startedAt: Time, endedAt: Time.nullable() })
  .nullable()

export const JobView = z.looseObject({
  id: z.string().describe('Also of the thread that the job works in.'),
  kind: Kind,
  state: State,
  stage: Stage.nullable().describe('Of a task.'),
  schedule: z.string().nullable().describe('Of a chore: an RFC 5545 recurrence rule.'),
  title: z.string().nullable(),
  body: z.string(),
  agent: z.string(),
  nextAt: Time.nullable().describe('Null when nothing is planned.'),
  activeRun: Run,
  lastRun: Run,
  createdAt: Time,
  updatedAt: Time,
})

export const JobList = z.object({ items: z.array(JobView) })

export const JobsQuery = z.object({
  kind: Kind.optional(),
  archived: flagText().optional().describe('Default `false`: those that are not.'),
})

const body = z.string().max(65_536)
const title = z.string().max(500).nullable()
const schedule = z
  .string()
  .min(1)
  .max(2000)
  .describe('`FREQ=DAILY;BYHOUR=9;BYMINUTE=0`, or with lines DTSTART and RRULE.')

export const NewJobBody = z
  .strictObject({
    kind: Kind,
    title: title.default(null),
    body: body.default(''),
    agent: z.string().min(1).optional(),
    schedule: schedule.optional(),
    state: z.enum(['active', 'inactive']).default('active'),
  })
  .refine((job) => (job.kind === 'chore') === (job.schedule !== undefined), {
    message: 'A chore has a schedule, a task has none',
    path: ['schedule'],
  })
  .refine((job) => job.body.trim() !== '' || (job.title ?? '').trim() !== '', {
    message: 'Say what is to be done, in the body or the title',
    path: ['body'],
  })

export const JobBody = z
  .strictObject({
    title: title.optional(),
    body: body.optional(),
    state: State.optional(),
    stage: Stage.optional(),
    schedule: schedule.optional(),
  })
  .refine((patch) => Object.keys(patch).length > 0, 'Name at least one field to change')

const Occurrence = z.object({
  count: z.number().int().nullable().describe('Null: it was not begun.'),
  dueAt: Time.nullable().describe('Null: it was begun by hand.'),
  lastDueAt: Time.nullable().describe('Of several that were skipped, the last.'),
  skipped: z.number().int().nullable(),
  reason: z
    .enum(['missed', 'busy', 'inactive'])
    .nullable()
    .describe('`missed`: no server was there. `busy`: the one before went on.'),
  run: z.string().nullable(),
  status: z.string().nullable(),
  preview: z.string().nullable(),
  startedAt: Time.nullable(),
  endedAt: Time.nullable(),
  at: Time,
})

export const JobDetail = JobView.extend({
  occurrences: z.array(Occurrence).describe('Newest first; at most 100.'),
})
