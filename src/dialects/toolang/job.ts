/** A job as Toolang shows it. Pure. */

import type { JobRun, JobView } from '../../kernel/jobs.ts'
import type { Json } from '../../kernel/part.ts'
import { second } from './context.ts'
import { runId, short } from './id.ts'
import { STATUS } from './telling.ts'

const ARCHIVE: Record<string, string> = { task: 'tasks', chore: 'chores' }

/** With microseconds and an offset, as the real server writes the times of files. */
const precise = (ms: number): string => new Date(ms).toISOString().replace('Z', '000+00:00')

const plain = (ms: number): string => second(ms).replace('Z', '+00:00')

/** `20261122T03Z`, the hour in which the job was made. */
const bucket = (ms: number): string =>
  `${new Date(ms).toISOString().slice(0, 13).replaceAll('-', '')}Z`

export function pathOf({ id, kind, state, createdAt }: JobView): string {
  const file = `${short(id)}.md`
  const folder = ARCHIVE[kind]
  return state === 'archived'
    ? `archive/${folder}/${bucket(createdAt)}/${file}`
    : `${folder}/${file}`
}

/** The first line of the text that says anything, without its mark as a heading. */
function titleOf({ title, body, id }: JobView): string {
  if (title !== null) return title
  const line = body.split('\n').find((l) => l.trim() !== '')
  return line
    ? line
        .replace(/^\s*#+\s*/, '')
        .trim()
        .slice(0, 80)
    : short(id)
}

function runtimeOf(job: JobView): Json {
  const { kind, id, activeRun, lastRun, nextAt } = job
  return {
    thread_id: `${kind}_${short(id)}`,
    active_run: activeRun && { id: runId(activeRun.id), started_at: second(activeRun.startedAt) },
    last_run: lastRun && lastOf(lastRun),
    next_run: kind === 'chore' && nextAt !== null ? { at: plain(nextAt) } : null,
  }
}

function lastOf({ id, status, startedAt, endedAt }: JobRun): Json {
  const told = STATUS[status as keyof typeof STATUS]
  return {
    id: runId(id),
    status: told === 'finished' ? 'succeeded' : told,
    started_at: second(startedAt),
    finished_at: endedAt === null ? null : second(endedAt),
  }
}

export function jobItem(job: JobView, isWhole: boolean): Record<string, Json> {
  const { id, kind, state, body, updatedAt } = job
  const own: Record<string, Json> =
    kind === 'task'
      ? {
          stage: job.activeRun ? 'running' : job.stage,
          remote_ref: /\b[A-Z][A-Z0-9]+-\d+\b/.exec(`${job.title ?? ''}\n${body}`)?.[0] ?? null,
          remote_status: remoteStatus(body),
        }
      : { schedule: job.schedule }
  return {
    id: short(id),
    kind,
    state,
    ...own,
    title: titleOf(job),
    path: pathOf(job),
    updated_at: precise(updatedAt),
    runtime: runtimeOf(job),
    ...(isWhole ? { body } : {}),
  }
}

const remoteStatus = (body: string): string | null =>
  /^\s*(?:remote )?status:[ \t]*(.+)$/im.exec(body)?.[1]?.trim() || null
