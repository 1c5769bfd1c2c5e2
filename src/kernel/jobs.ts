/**
 * Jobs: tasks, which are done once, and chores, which come again on a schedule. A job is the thread
 * it works in and has its id. Here is what they are and what is owed to them. Pure.
 */

import type { Origin } from './event.ts'
import type { RunStatus } from './run.ts'

export const JOB_KINDS = ['task', 'chore'] as const
export type JobKind = (typeof JOB_KINDS)[number]

export const STAGES = ['todo', 'running', 'done', 'failed'] as const
export type Stage = (typeof STAGES)[number]

export type JobState = 'active' | 'inactive' | 'archived'

/** A job as people author it. */
export interface Job {
  /** Of its thread. */
  id: string
  kind: JobKind
  state: JobState
  /** Of a task. */
  stage: Stage | null
  /** Of a chore: a recurrence rule as RFC 5545 has it, with or without its own beginning and zone. */
  schedule: string | null
  title: string | null
  body: string
  agent: string
  account: string
  principal: string
  /** How often a task was put to `todo`: each time is one occurrence. */
  rounds: number
  /** Epoch ms from which a schedule without a beginning counts. */
  anchor: number
  /** Occurrences up to here are not owed: the chore was inactive, or is new. */
  after: number
  createdAt: number
  updatedAt: number
}

/** How far the work on a job has come; written by whoever runs it. */
export interface Progress {
  /** Occurrences that were begun. The next one has the next number, in every process and for ever. */
  count: number
  /** Epoch ms of the last occurrence that was begun or skipped; of a task its last round. */
  cursor: number
  run: string | null
}

export const NO_PROGRESS: Progress = { count: 0, cursor: 0, run: null }

/** One line of the ledger: an occurrence that was begun, or occurrences that were not, and why. */
export interface Occurrence {
  job: string
  /** What it counts as: a number for what was begun. */
  count: number | null
  /** Epoch ms at which it was due; of skipped ones the first. */
  dueAt: number
  /** Of skipped ones the last. */
  lastDueAt?: number
  /** Of skipped ones how many, as far as they were counted. */
  skipped?: number
  /** `missed`: nobody was there. `busy`: the one before went on. `inactive`: it was switched off. */
  reason?: 'missed' | 'busy' | 'inactive'
  run: string | null
  at: number
}

export interface JobRun {
  id: string
  status: RunStatus
  startedAt: number
  endedAt: number | null
}

export interface JobView extends Job {
  activeRun: JobRun | null
  lastRun: JobRun | null
  /** Epoch ms; null when nothing is planned. */
  nextAt: number | null
}

export interface NewJob {
  kind: JobKind
  title: string | null
  body: string
  state: 'active' | 'inactive'
  stage: Stage | null
  schedule: string | null
  agent: string
  account: string
  principal: string
  policy: string | null
  /** Absolute; absent: the server's workspace. */
  workspace?: string
  /** Of the thread that the job works in. */
  origin: Origin
}

/** Only what is to change. */
export interface JobPatch {
  title?: string | null
  body?: string
  state?: JobState
  stage?: Stage
  schedule?: string
}

export type JobAction = 'created' | 'updated' | 'archived' | 'unarchived' | 'deleted'

export interface Jobs {
  /** Fault `invalid` for a schedule that means nothing. */
  create(job: NewJob): Promise<JobView>
  get(id: string): Promise<JobView | null>
  /** Archived ones and others apart, oldest first. */
  list(query: { account?: string; kind?: JobKind; archived: boolean }): Promise<JobView[]>
  /** What goes on is not touched; what was changed counts from the next occurrence on. */
  patch(id: string, patch: JobPatch): Promise<JobView>
  /** Only of the archive; the thread stays. Fault `not_found`, `conflict`. */
  remove(id: string): Promise<void>
  /** What comes next, soonest first. */
  planned(query: { account?: string; limit: number }): Promise<{ job: JobView; at: number }[]>
  ledger(id: string): Promise<Occurrence[]>
  onChange(listener: (job: Job, action: JobAction) => void): () => void
}

/** A task is owed a run when it is ready and its last round has not been begun. */
export const isReady = (job: Job, progress: Progress): boolean =>
  job.kind === 'task' &&
  job.state === 'active' &&
  job.stage === 'todo' &&
  job.rounds > progress.count

/** What a job is to be done with. */
export const jobInput = ({ kind, title, body, id }: Job): string => {
  if (kind === 'task') return body.trim() || title || id
  return [title === null ? '' : `# ${title}`, body.trim()].filter(Boolean).join('\n\n') || id
}

/** The stage after the run; null leaves it, because a person has said otherwise meanwhile. */
export function stageAfter(job: Job, progress: Progress, status: RunStatus): Stage | null {
  const isBegun = job.stage === 'todo' && job.rounds <= progress.count
  if (job.kind !== 'task' || !(job.stage === 'running' || isBegun)) return null
  if (status === 'completed') return 'done'
  return status === 'failed' || status === 'cancelled' ? 'failed' : null
}

/** Schedules without a beginning of their own begin with the minute in which they were written. */
export const minuteOf = (ms: number): number => Math.floor(ms / 60_000) * 60_000

/** The job as the patch makes it. */
export function patched(job: Job, patch: JobPatch, now: number): Job {
  const next: Job = { ...job, updatedAt: now }
  if (patch.title !== undefined) next.title = patch.title?.trim() || null
  if (patch.body !== undefined) next.body = patch.body.trim()
  if (patch.state !== undefined) next.state = patch.state
  if (patch.stage !== undefined && job.kind === 'task') {
    next.stage = patch.stage
    if (patch.stage === 'todo' && job.stage !== 'todo') next.rounds = job.rounds + 1
  }
  if (patch.schedule !== undefined && job.kind === 'chore' && patch.schedule !== job.schedule) {
    next.schedule = patch.schedule
    next.anchor = minuteOf(now)
    next.after = next.anchor - 1
  }
  return next
}
