/** Jobs: tasks and chores, what became of each occurrence, and running one now. */

import type { Origin } from '../../kernel/event.ts'
import { Fault, isFault } from '../../kernel/fault.ts'
import { isUuid } from '../../kernel/id.ts'
import {
  type JobPatch,
  type Jobs,
  type JobView,
  jobInput,
  type Occurrence,
} from '../../kernel/jobs.ts'
import type { Engine } from '../../kernel/ports.ts'
import type { RunRow } from '../../kernel/rows.ts'
import { type Call, type Route, route } from '../../wire/dialect.ts'
import { given, originOf } from './commands.ts'
import { accountOf, agentOf, mayUse, refuseKey } from './desk.ts'
import * as schema from './job-schema.ts'

const AT = '/manifold/v1/jobs'
const ONE = `${AT}/{job}`
const tag = 'jobs'
const MOST_OCCURRENCES = 100

export const jobRoutes = (engine: Engine, jobs: Jobs): Route[] => [
  route({
    method: 'GET',
    path: AT,
    tag,
    summary: 'Tasks and chores, oldest first, with what comes next.',
    query: schema.JobsQuery,
    answers: { 200: { about: 'All of them.', schema: schema.JobList } },
    handle: async ({ query: { kind, archived = false }, principal }) => ({
      status: 200,
      json: { items: await jobs.list({ ...accountOf(principal), ...given({ kind }), archived }) },
    }),
  }),
  route({
    method: 'POST',
    path: AT,
    tag,
    summary: 'Makes a task, which is done once, or a chore, which comes again.',
    body: schema.NewJobBody,
    answers: { 201: { about: 'The job.', schema: schema.JobView } },
    handle: async ({ body, principal, base }) => {
      const { kind, title, body: text, schedule = null, state } = body
      const making = jobs.create({
        ...{ kind, title, body: text, schedule, state },
        stage: kind === 'task' ? 'todo' : null,
        agent: agentOf(engine, body.agent),
        account: principal.account,
        principal: principal.id,
        policy: null,
        origin: originOf(principal),
      })
      const job = await making.catch(ofSchedule)
      return { status: 201, headers: { location: `${base}${AT}/${job.id}` }, json: job }
    },
  }),
  route({
    method: 'GET',
    path: ONE,
    tag,
    summary: 'One job, with what became of its occurrences.',
    answers: { 200: { about: 'The job.', schema: schema.JobDetail } },
    handle: async (call) => {
      const job = await jobOf(jobs, call)
      const occurrences = await occurrencesOf(engine, jobs, job.id)
      return { status: 200, json: { ...job, occurrences } }
    },
  }),
  ...changeRoutes(jobs),
  route({
    method: 'POST',
    path: `${ONE}/run`,
    tag,
    summary: 'Does the job now: a chore beside its schedule, a task once more.',
    answers: { 202: { about: 'The job.', schema: schema.JobView } },
    handle: async (call) => {
      refuseKey(call, 'A job that is being done is not begun a second time.')
      const job = await jobOf(jobs, call)
      if (job.activeRun)
        throw new Fault('busy', 'The job is being done. Wait for its run, or cancel it.')
      if (job.state === 'archived')
        throw new Fault('conflict', 'The job is archived. Make it active first.')
      return { status: 202, json: await runNow(engine, jobs, job, originOf(call.principal)) }
    },
  }),
]

/** Of a job only the schedule can be invalid here, and its parser's words are no sentence. */
function ofSchedule(error: unknown): never {
  if (!isFault(error) || error.code !== 'invalid') throw error
  const form = 'It is a recurrence rule such as FREQ=DAILY;BYHOUR=9;BYMINUTE=0.'
  throw new Fault('invalid', `The schedule means nothing: ${error.message}. ${form}`)
}

/** A task goes back to where it waits to be done; a chore gets a run of its own. */
async function runNow(engine: Engine, jobs: Jobs, job: JobView, origin: Origin): Promise<JobView> {
  if (job.kind === 'task') return jobs.patch(job.id, { state: 'active', stage: 'todo' })
  const input = [{ kind: 'text' as const, text: jobInput(job) }]
  const { agent } = job
  await engine.submit(job.id, { do: 'submit', busy: 'reject', input, agent, origin })
  return (await jobs.get(job.id)) ?? job
}

const changeRoutes = (jobs: Jobs): Route[] => [
  route({
    method: 'PATCH',
    path: ONE,
    tag,
    summary: 'Changes a job; what goes on is not touched.',
    body: schema.JobBody,
    answers: { 200: { about: 'The job.', schema: schema.JobView } },
    handle: async (call) => {
      const { id, kind } = await jobOf(jobs, call)
      const { body } = call
      if (kind === 'task' && body.schedule !== undefined)
        throw new Fault('invalid', 'A task has no schedule; make a chore.')
      if (kind === 'chore' && body.stage !== undefined)
        throw new Fault('invalid', 'A chore has no stage; it comes again.')
      const job = await jobs.patch(id, given(body) as JobPatch).catch(ofSchedule)
      return { status: 200, json: job }
    },
  }),
  route({
    method: 'DELETE',
    path: ONE,
    tag,
    summary: 'Deletes an archived job; its thread stays.',
    answers: { 204: { about: 'It is gone.' } },
    handle: async (call) => {
      const { id } = await jobOf(jobs, call)
      await jobs.remove(id)
      return { status: 204, empty: true }
    },
  }),
]

async function jobOf(jobs: Jobs, call: Pick<Call, 'path' | 'principal'>): Promise<JobView> {
  const id = call.path.job as string
  const job = isUuid(id) ? await jobs.get(id) : null
  if (job && mayUse(call.principal, job.account)) return job
  throw new Fault('not_found', `There is no job ${id}.`)
}

/** The ledger's lines and the runs that people began by hand, newest first. */
async function occurrencesOf({ store }: Engine, jobs: Jobs, id: string) {
  const [ledger, page] = await Promise.all([
    jobs.ledger(id),
    store.runs({ thread: id, limit: MOST_OCCURRENCES, offset: 0 }),
  ])
  const runs = new Map(page.items.map((run) => [run.id, run]))
  const noted = new Set(ledger.map((line) => line.run))
  const own = page.items.filter((run) => !noted.has(run.id))
  return [
    ...ledger.map((line) => occurrenceView(line, runs.get(line.run ?? ''))),
    ...own.map((run) => occurrenceView({ count: null, run: run.id, at: run.createdAt }, run)),
  ]
    .sort((a, b) => b.at - a.at)
    .slice(0, MOST_OCCURRENCES)
}

type Line = Pick<Occurrence, 'count' | 'run' | 'at'> & Partial<Occurrence>

const occurrenceView = (line: Line, run: RunRow | undefined) => ({
  count: line.count,
  dueAt: line.dueAt ?? null,
  lastDueAt: line.lastDueAt ?? null,
  skipped: line.skipped ?? null,
  reason: line.reason ?? null,
  run: line.run,
  status: run?.status ?? null,
  preview: run?.preview ?? null,
  startedAt: run?.startedAt ?? null,
  endedAt: run?.endedAt ?? null,
  at: line.at,
})
