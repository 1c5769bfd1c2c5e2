/**
 * What people do with jobs: make, look, change, put away, delete. Whoever changes a job changes it as
 * it was read, or reads it again.
 */

import { Fault } from '../kernel/fault.ts'
import {
  type Job,
  type JobAction,
  type JobPatch,
  type Jobs,
  type JobView,
  minuteOf,
  type NewJob,
  patched,
} from '../kernel/jobs.ts'
import type { Engine } from '../kernel/ports.ts'
import type { Calendar } from './calendar.ts'
import { noteInactive } from './ledger.ts'
import type { Outlook } from './outlook.ts'
import type { Shelf } from './shelf.ts'

export interface RegisterParts {
  engine: Pick<Engine, 'openThread' | 'store'>
  shelf: Shelf
  calendar: Calendar
  outlook: Outlook
  clock(): number
  /** Told of every change; what is owed may be another thing now. */
  changed(job: Job, action: JobAction): void
}

export const createRegister = (parts: RegisterParts): Omit<Jobs, 'onChange'> => {
  const { shelf, outlook } = parts
  const list: Jobs['list'] = async ({ account, kind, archived }) => {
    const found = (await shelf.jobs()).filter(
      (j) =>
        (account === undefined || j.account === account) &&
        (kind === undefined || j.kind === kind) &&
        (j.state === 'archived') === archived,
    )
    return outlook.views(found)
  }
  return {
    create: (given) => create(parts, given),
    async get(id) {
      const job = await shelf.job(id)
      return job && outlook.view(job)
    },
    list,
    patch: (id, patch) => change(parts, id, patch),
    remove: (id) => remove(parts, id),
    async planned({ account, limit }) {
      const jobs = await list({ ...(account ? { account } : {}), archived: false })
      const now = parts.clock()
      return jobs
        .flatMap((job) => plan(job, now))
        .sort((a, b) => a.at - b.at)
        .slice(0, limit)
    },
    ledger: (id) => shelf.ledger(id),
  }
}

async function create(parts: RegisterParts, given: NewJob): Promise<JobView> {
  const { kind, schedule, origin, policy, workspace, ...rest } = given
  const now = parts.clock()
  const anchor = minuteOf(now)
  if (kind === 'chore') await parts.calendar.check({ schedule, anchor })
  const { agent, account, title } = rest
  const place = workspace === undefined ? {} : { workspace }
  const thread = await parts.engine.openThread({ agent, account, title, policy, origin, ...place })
  const job: Job = {
    ...rest,
    ...{ id: thread.id, kind, schedule, anchor, after: anchor - 1 },
    rounds: rest.stage === 'todo' ? 1 : 0,
    ...{ createdAt: now, updatedAt: now },
  }
  await parts.shelf.add(job)
  parts.changed(job, 'created')
  return parts.outlook.view(job)
}

async function known({ shelf }: RegisterParts, id: string): Promise<Job> {
  const job = await shelf.job(id)
  if (job) return job
  throw new Fault('not_found', `There is no job ${id}.`)
}

async function change(parts: RegisterParts, id: string, patch: JobPatch): Promise<JobView> {
  for (;;) {
    const before = await known(parts, id)
    const now = parts.clock()
    const wakes = before.kind === 'chore' && before.state !== 'active' && patch.state === 'active'
    let after = patched(before, patch, now)
    if (after.kind === 'chore') await parts.calendar.check(after)
    if (wakes) after = { ...after, after: Math.max(after.after, now) }
    if (!(await parts.shelf.replace(before, after))) continue
    if (wakes) await noteInactive({ ...parts, store: parts.engine.store }, before, now)
    parts.changed(after, actionOf(before, after))
    return parts.outlook.view(after)
  }
}

async function remove(parts: RegisterParts, id: string): Promise<void> {
  const job = await known(parts, id)
  if (job.state !== 'archived')
    throw new Fault('conflict', 'Only archived jobs can be deleted. Archive it first.')
  await parts.shelf.remove(id)
  parts.calendar.forget(id)
  parts.changed(job, 'deleted')
}

function plan(job: JobView, now: number): { job: JobView; at: number }[] {
  if (job.state !== 'active') return []
  const isWaiting = job.kind === 'task' && job.stage === 'todo' && job.activeRun === null
  const at = isWaiting ? now : job.nextAt
  return at === null ? [] : [{ job, at }]
}

function actionOf(before: Job, after: Job): JobAction {
  if (before.state === after.state) return 'updated'
  if (after.state === 'archived') return 'archived'
  return before.state === 'archived' ? 'unarchived' : 'updated'
}
