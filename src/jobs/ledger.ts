/** Why occurrences were not begun: one line for all that were passed over at once. */

import type { Job, Occurrence, Progress } from '../kernel/jobs.ts'
import type { Store } from '../kernel/ports.ts'
import type { Calendar } from './calendar.ts'
import type { Shelf } from './shelf.ts'

interface Books {
  store: Pick<Store, 'run'>
  shelf: Shelf
  calendar: Calendar
}

/** The occurrences between the last one and that one were not begun. */
export async function noteSkipped(
  { store, shelf, calendar }: Books,
  { job, progress }: { job: Job; progress: Progress },
  { dueAt, at }: { dueAt: number; at: number },
): Promise<void> {
  const schedule = await calendar.of(job)
  const due = schedule?.between(Math.max(progress.cursor, job.after), dueAt)
  if (!due || due.count < 2 || due.previous === null) return
  const before = progress.run === null ? null : await store.run(progress.run)
  const isBusy = before?.endedAt != null && before.endedAt > due.first
  const line: Occurrence = {
    ...{ job: job.id, count: null, dueAt: due.first, lastDueAt: due.previous },
    ...{ skipped: due.count - 1, reason: isBusy ? 'busy' : 'missed', run: null, at },
  }
  await shelf.note(line)
}

/** What came due while the chore was switched off. */
export async function noteInactive({ shelf, calendar }: Books, job: Job, at: number) {
  const schedule = await calendar.of(job)
  const { cursor } = await shelf.progress(job.id)
  const due = schedule?.between(Math.max(cursor, job.after), at)
  if (!due) return
  await shelf.note({
    ...{ job: job.id, count: null, dueAt: due.first, lastDueAt: due.last },
    ...{ skipped: due.count, reason: 'inactive', run: null, at },
  })
}
