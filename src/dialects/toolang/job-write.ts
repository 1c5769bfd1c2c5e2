/** Jobs as they are written: new ones, and what a patch means; refused in the real server's words. */

import { type Fault, isFault } from '../../kernel/fault.ts'
import type { JobView, NewJob, JobPatch as Patch } from '../../kernel/jobs.ts'
import type { Principal } from '../../kernel/ports.ts'
import { type Route, route } from '../../wire/dialect.ts'
import { agentOf } from './chat.ts'
import { type Context, originOf, POLICY } from './context.ts'
import { detail } from './faults.ts'
import { jobItem } from './job.ts'
import { ChoreCreate, Item, type JobPatch, Problem, TaskCreate } from './schema.ts'

const tag = 'jobs'
const refused = { about: 'Refused', schema: Problem }
const one = { about: 'Successful Response', schema: Item }
const DEFAULT_SCHEDULE = 'FREQ=HOURLY;INTERVAL=1'

/** Only keys that are there count; null puts back what a new job has. */
export function patchOf(job: JobView, body: JobPatch): Patch {
  const { state, stage, schedule } = body
  if (job.kind === 'task' && schedule !== undefined)
    throw detail('invalid', 'tasks do not support schedule', 400)
  if (job.kind === 'chore' && stage !== undefined)
    throw detail('invalid', 'chores do not support stage', 400)
  if (body.body === null) throw fileFault(job.kind, 'body', STRING_WORDS)
  const isOf = job.state === 'archived' && state === null ? undefined : state
  return {
    ...(body.title === undefined ? {} : { title: body.title }),
    ...(body.body === undefined ? {} : { body: body.body }),
    ...(isOf === undefined ? {} : { state: isOf ?? 'active' }),
    ...(stage === undefined ? {} : { stage: stage ?? 'todo' }),
    ...(schedule === undefined ? {} : { schedule: schedule?.trim() || DEFAULT_SCHEDULE }),
  }
}

const STRING_WORDS =
  'Input should be a valid string [type=string_type, input_value=None, input_type=NoneType]'

/** The words in which the real server's reader of job files refuses one. */
function fileFault(kind: string, field: string, words: string): Fault {
  const model = kind === 'task' || kind === 'TaskFile' ? 'TaskFile' : 'ChoreFile'
  return detail('invalid', `1 validation error for ${model}\n${field}\n  ${words}`, 400)
}

export async function tried<T>(
  model: string,
  schedule: string | null | undefined,
  work: Promise<T>,
) {
  try {
    return await work
  } catch (error) {
    if (!isFault(error) || error.code !== 'invalid') throw error
    const input = `input_value='${schedule ?? ''}', input_type=str`
    throw fileFault(model, 'schedule', `Value error, ${error.message} [type=value_error, ${input}]`)
  }
}

export const createRoutes = (context: Context): Route[] => {
  const make = async (
    principal: Principal,
    job: Pick<NewJob, 'kind' | 'title' | 'body' | 'state' | 'stage' | 'schedule'>,
  ) => {
    const made = await tried(
      'ChoreFile',
      job.schedule,
      context.settings.jobs.create({
        ...job,
        title: job.title?.trim() || null,
        body: job.body.trim(),
        agent: agentOf(context),
        account: principal.account,
        principal: principal.id,
        policy: POLICY,
        workspace: context.settings.workspaceFor(principal.account),
        origin: originOf(principal, { client: job.kind }),
      }),
    )
    return { status: 201, json: { item: jobItem(made, true) } }
  }
  return [
    route({
      method: 'POST',
      path: '/api/v1/tasks',
      summary: 'Create Task',
      tag,
      body: TaskCreate,
      answers: { 201: one, 400: refused, 422: refused },
      handle: ({ body, principal }) =>
        make(principal, { kind: 'task', schedule: null, ...body, title: body.title ?? null }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/chores',
      summary: 'Create Chore',
      tag,
      body: ChoreCreate,
      answers: { 201: one, 400: refused, 422: refused },
      handle: ({ body, principal }) =>
        make(principal, {
          ...{ kind: 'chore', stage: null, ...body, title: body.title ?? null },
          schedule: body.schedule.trim() || DEFAULT_SCHEDULE,
        }),
    }),
  ]
}
