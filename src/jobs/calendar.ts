/** The schedules of chores, each read once as long as it stays as it is. */

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Job } from '../kernel/jobs.ts'
import { readSchedule, type Schedule } from './schedule.ts'

type Scheduled = Pick<Job, 'id' | 'schedule' | 'anchor'>

export interface Calendar {
  /** Throws the Fault `invalid` for a schedule that means nothing. */
  check(job: Omit<Scheduled, 'id'>): Promise<void>
  /** Null for a schedule that somebody has broken in the store. */
  of(job: Scheduled): Promise<Schedule | null>
  forget(id: string): void
}

/** `timeZone` is that of schedules which name none. */
export function createCalendar(timeZone: string): Calendar {
  const known = new Map<string, { key: string; schedule: Schedule }>()
  const read = ({ schedule, anchor }: Omit<Scheduled, 'id'>) =>
    readSchedule({ text: schedule ?? '', anchor, timeZone })
  let before: Promise<unknown> = Promise.resolve()
  /** One takes a millisecond or two; where there are many, others get their turn in between. */
  const readInTurn = (job: Scheduled): Promise<Schedule | null> => {
    const mine = before.then(() => nextTurn()).then(() => read(job).catch(() => null))
    before = mine
    return mine
  }
  return {
    check: async (job) => void (await read(job)),
    async of(job) {
      const key = `${job.schedule} ${job.anchor}`
      const found = known.get(job.id)
      if (found?.key === key) return found.schedule
      const schedule = await readInTurn(job)
      if (schedule) known.set(job.id, { key, schedule })
      return schedule
    },
    forget: (id) => void known.delete(id),
  }
}
