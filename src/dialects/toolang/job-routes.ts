import type { JobKind, JobView } from '../../kernel/jobs.ts'
import type { Principal } from '../../kernel/ports.ts'
import { type Route, route } from '../../wire/dialect.ts'
import { agentOf } from './chat.ts'
import { accountOf, type Context, mayUse } from './context.ts'
import { detail } from './faults.ts'
import { long, short } from './id.ts'
import { jobItem } from './job.ts'
import { createRoutes, patchOf, tried } from './job-write.ts'
import {
  ChorePatch,
  Fields,
  Item,
  Items,
  JobPatch,
  KindQuery,
  Problem,
  TaskPatch,
} from './schema.ts'

const tag = 'jobs'
const refused = { about: 'Refused', schema: Problem }
const one = { about: 'Successful Response', schema: Item }
const many = { about: 'Successful Response', schema: Items }

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

/** Tasks first, each kind oldest first. */
async function listed(
  { settings }: Context,
  who: Principal,
  query: { kind?: JobKind; archived: boolean },
): Promise<JobView[]> {
  const jobs = await settings.jobs.list({ ...accountOf(who), ...query })
  const of = (kind: JobKind) => jobs.filter((job) => job.kind === kind)
  return [...of('task'), ...of('chore')]
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
        const wanted = { ...(kind === undefined ? {} : { kind }), archived }
        const jobs = await listed(context, principal, wanted)
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
