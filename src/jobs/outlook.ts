/** Jobs as they are seen: with the run that goes on, the last one, and what comes next. */

import { type Job, type JobView, NO_PROGRESS, type Progress } from '../kernel/jobs.ts'
import type { Store } from '../kernel/ports.ts'
import type { RunRow } from '../kernel/rows.ts'
import type { Calendar } from './calendar.ts'
import type { Shelf } from './shelf.ts'

export interface Outlook {
  view(job: Job): Promise<JobView>
  /** In the order of the jobs. */
  views(jobs: readonly Job[]): Promise<JobView[]>
  /** Epoch ms of a chore's next occurrence; null when none is planned. */
  nextAt(job: Job, progress?: Progress): Promise<number | null>
}

export function createOutlook(
  store: Pick<Store, 'lastRuns'>,
  { shelf, calendar }: { shelf: Shelf; calendar: Calendar },
): Outlook {
  const nextAt = async (job: Job, known?: Progress): Promise<number | null> => {
    if (job.kind !== 'chore' || job.state !== 'active') return null
    const schedule = await calendar.of(job)
    const { cursor } = known ?? (await shelf.progress(job.id))
    return schedule?.next(Math.max(cursor, job.after)) ?? null
  }
  return {
    nextAt,
    view: async (job) => viewOf(job, await store.lastRuns([job.id]), await nextAt(job)),
    async views(jobs) {
      const [rows, progress] = await Promise.all([
        store.lastRuns(jobs.map((j) => j.id)),
        shelf.allProgress(),
      ])
      const runs = new Map<string, RunRow[]>()
      for (const row of rows) runs.set(row.thread, [...(runs.get(row.thread) ?? []), row])
      const seen = async (job: Job): Promise<JobView> => {
        const next = await nextAt(job, progress.get(job.id) ?? NO_PROGRESS)
        return viewOf(job, runs.get(job.id) ?? [], next)
      }
      return Promise.all(jobs.map(seen))
    },
  }
}

function viewOf(job: Job, runs: RunRow[], nextAt: number | null): JobView {
  const active = runs.find((r) => r.startedAt !== null && r.endedAt === null)
  const last = runs.find((r) => r.endedAt !== null)
  return {
    ...job,
    activeRun: active ? runOf(active) : null,
    lastRun: last ? runOf(last) : null,
    nextAt,
  }
}

const runOf = ({ id, status, startedAt, createdAt, endedAt }: RunRow) => ({
  ...{ id, status, startedAt: startedAt ?? createdAt, endedAt },
})
