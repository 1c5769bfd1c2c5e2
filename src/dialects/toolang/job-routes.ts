/** Jobs: tasks, chores, and both under one name; and what the agent will do next. */

import { type Fault, isFault } from '../../kernel/fault.ts'
import type { JobKind, JobView, NewJob, JobPatch as Patch } from '../../kernel/jobs.ts'
import type { Principal } from '../../kernel/ports.ts'
import { type Route, route } from '../../wire/dialect.ts'
import { agentOf } from './chat.ts'
import { accountOf, type Context, mayUse, originOf, POLICY } from './context.ts'
import { detail } from './faults.ts'
import { long, short } from './id.ts'
import { jobItem } from './job.ts'
import {
  ChoreCreate,
  ChorePatch,
  Fields,
  Item,
  Items,
  JobPatch,
  KindQuery,
  Problem,
  TaskCreate,
  TaskPatch,
} from './schema.ts'

const tag = 'jobs'
const refused = { about: 'Refused', schema: Problem }
const one = { about: 'Successful Response', schema: Item }
const many = { about: 'Successful Response', schema: Items }
const DEFAULT_SCHEDULE = 'FREQ=HOURLY;INTERVAL=1'

/** `jobs` stands for both kinds. */
interface Family {
  coll: string
  kind: JobKind | null
  word: 'task' | 'chore' | 'job'
}

const FAMILIES: Family[] = [
  { coll: 'tasks', kind: 'task', word: 'task' },
  { coll: 'chores', kind: 'chore', word: 'chore' },
  { coll: 'jobs', kind: null, word: 'job' },
]

export const jobRoutes = (context: Context): Route[] => [
  ...createRoutes(context),
  ...FAMILIES.flatMap((family) => [
    ...listRoutes(context, family),
    ...[false, true].flatMap((archived) => itemRoutes(context, family, archived)),
    removeRoute(context, family),
  ]),
  {
    method: 'GET',
    path: '/api/v1/will',
    summary: 'Get Will',
    tag,
    answers: { 200: one },
    handle: async ({ principal }) => ({
      status: 200,
      json: { item: await will(context, principal) },
    }),
  },
]

// ---- reading ------------------------------------------------------------------------------------

const title = ({ word }: Family): string => word.charAt(0).toUpperCase() + word.slice(1)

async function listed(
  { settings }: Context,
  who: Principal,
  kinds: JobKind[],
  archived: boolean,
): Promise<JobView[]> {
  const lists = kinds.map((kind) => settings.jobs.list({ ...accountOf(who), kind, archived }))
  return (await Promise.all(lists)).flat()
}

const listRoutes = (context: Context, family: Family): Route[] =>
  [false, true].map((archived) =>
    route({
      method: 'GET',
      path: `/api/v1/${family.coll}${archived ? '/archived' : ''}`,
      summary: `List ${archived ? 'Archived ' : ''}${title(family)}s`,
      tag,
      query: family.kind === null ? KindQuery : Fields,
      answers: { 200: many, 422: refused },
      handle: async ({ query, principal }) => {
        const kind = family.kind ?? (query as { kind?: JobKind }).kind
        const kinds: JobKind[] = kind === undefined ? ['task', 'chore'] : [kind]
        const jobs = await listed(context, principal, kinds, archived)
        return { status: 200, json: { items: jobs.map((job) => jobItem(job, false)) } }
      },
    }),
  )

async function jobOf(
  { settings }: Context,
  who: Principal,
  { kind, word }: Family,
  { id, archived }: { id: string; archived: boolean },
): Promise<JobView> {
  const uuid = long(id)
  const job = uuid === null ? null : await settings.jobs.get(uuid)
  const isIt =
    job !== null &&
    mayUse(who, job.account) &&
    (kind === null || job.kind === kind) &&
    (job.state === 'archived') === archived
  if (job && isIt) return job
  throw detail('not_found', `${archived ? 'archived ' : ''}${word} not found: ${id}`)
}

const itemRoutes = (context: Context, family: Family, archived: boolean): Route[] => {
  const name = `${family.word}_id`
  const path = `/api/v1/${family.coll}/${archived ? 'archived/' : ''}{${name}}`
  const what = `${archived ? 'Archived ' : ''}${title(family)}`
  const find = (call: { path: Record<string, string>; principal: Principal }) =>
    jobOf(context, call.principal, family, { id: call.path[name] as string, archived })
  return [
    {
      method: 'GET',
      path,
      summary: `Get ${what}`,
      tag,
      answers: { 200: one, 404: refused },
      handle: async (call) => ({ status: 200, json: { item: jobItem(await find(call), true) } }),
    },
    route({
      method: 'PATCH',
      path,
      summary: `Update ${what}`,
      tag,
      body: family.kind === null ? JobPatch : family.kind === 'task' ? TaskPatch : ChorePatch,
      answers: { 200: one, 400: refused, 404: refused, 422: refused },
      handle: async (call) => {
        const job = await find(call)
        const patch = patchOf(job, call.body as JobPatch)
        const done = await tried(
          'ChoreFile',
          patch.schedule,
          context.settings.jobs.patch(job.id, patch),
        )
        return { status: 200, json: { item: jobItem(done, true) } }
      },
    }),
  ]
}

// ---- writing ------------------------------------------------------------------------------------

/** Only keys that are there count; null puts back what a new job has. */
function patchOf(job: JobView, body: JobPatch): Patch {
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

async function tried<T>(model: string, schedule: string | null | undefined, work: Promise<T>) {
  try {
    return await work
  } catch (error) {
    if (!isFault(error) || error.code !== 'invalid') throw error
    const input = `input_value='${schedule ?? ''}', input_type=str`
    throw fileFault(model, 'schedule', `Value error, ${error.message} [type=value_error, ${input}]`)
  }
}

const createRoutes = (context: Context): Route[] => {
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

const removeRoute = (context: Context, family: Family): Route => {
  const name = `${family.word}_id`
  return {
    method: 'DELETE',
    path: `/api/v1/${family.coll}/archived/{${name}}`,
    summary: `Delete Archived ${title(family)}`,
    tag,
    answers: { 200: { about: 'Successful Response' }, 404: refused },
    handle: async ({ path, principal }) => {
      const at = { id: path[name] as string, archived: true }
      const { id, kind } = await jobOf(context, principal, family, at)
      await context.settings.jobs.remove(id)
      return { status: 200, json: { deleted: true, id: short(id), kind } }
    },
  }
}

// ---- what comes next ----------------------------------------------------------------------------

const PLANNED = 10

/** Null when nothing is planned, which is all that the real server ever says. */
async function will(context: Context, who: Principal) {
  const query = { ...accountOf(who), limit: PLANNED }
  const planned = await context.settings.jobs.planned(query)
  const [first] = planned
  if (!first) return null
  const plan = planned.map(({ job, at }) => ({
    at: new Date(at).toISOString().replace('.000Z', 'Z'),
    job: jobItem(job, false),
  }))
  return { kind: 'will', agent: agentOf(context), next: plan[0]?.at, items: plan }
}
