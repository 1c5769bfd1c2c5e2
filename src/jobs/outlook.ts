/** Jobs as they are seen: with the run that goes on, the last one, and what comes next. */

import type { Job, JobView, Progress } from '../kernel/jobs.ts'
import type { Store } from '../kernel/ports.ts'
import type { RunRow } from '../kernel/rows.ts'
import type { Calendar } from './calendar.ts'
import type { Shelf } from './shelf.ts'

export interface Outlook {
  view(job: Job): Promise<JobView>
  /** Epoch ms of a chore's next occurrence; null when none is planned. */
  nextAt(job: Job, progress?: Progress): Promise<number | null>
}

/** Runs of a job that are looked at: the newest. */
const NEWEST = 5

export function createOutlook(
  store: Pick<Store, 'runs'>,
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
    async view(job) {
      const runs = await store.runs({ thread: job.id, limit: NEWEST, offset: 0 })
      const begun = runs.items.filter((r) => r.startedAt !== null)
      const active = begun.find((r) => r.endedAt === null)
      const last = begun.find((r) => r.endedAt !== null)
      return {
        ...job,
        activeRun: active ? runOf(active) : null,
        lastRun: last ? runOf(last) : null,
        nextAt: await nextAt(job),
      }
    },
  }
}

const runOf = ({ id, status, startedAt, createdAt, endedAt }: RunRow) => ({
  ...{ id, status, startedAt: startedAt ?? createdAt, endedAt },
})
