/** Jobs as the native API tells them. */

export interface JobRun {
  id: string
  status: string
  startedAt: number
  endedAt: number | null
}

export interface Job {
  id: string
  kind: 'task' | 'chore'
  state: 'active' | 'inactive' | 'archived'
  stage: 'todo' | 'running' | 'done' | 'failed' | null
  schedule: string | null
  title: string | null
  body: string
  agent: string
  nextAt: number | null
  activeRun: JobRun | null
  lastRun: JobRun | null
  createdAt: number
  updatedAt: number
}

export interface Occurrence {
  /** Null: it was not begun, or by hand. */
  count: number | null
  dueAt: number | null
  lastDueAt: number | null
  skipped: number | null
  reason: 'missed' | 'busy' | 'inactive' | null
  run: string | null
  status: string | null
  preview: string | null
  startedAt: number | null
  endedAt: number | null
  at: number
}

export type JobDetail = Job & { occurrences: Occurrence[] }

/** How it stands, in a word. */
export function standing({ state, kind, stage, activeRun }: Job): string {
  if (activeRun) return activeRun.status
  if (state !== 'active') return state
  return kind === 'task' ? (stage ?? 'todo') : 'scheduled'
}

export const nameOf = ({ title, body, id }: Job): string =>
  title ?? (body.split('\n', 1)[0]?.slice(0, 120) || id.slice(-8))
