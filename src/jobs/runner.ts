/** Runs jobs: a ready task once, a chore at each of its occurrences. Ties what the others do. */

import type { Job, JobAction, Jobs } from '../kernel/jobs.ts'
import type { Engine } from '../kernel/ports.ts'
import { createCalendar } from './calendar.ts'
import { createOutlook } from './outlook.ts'
import { createRegister } from './register.ts'
import { openShelf } from './shelf.ts'
import { Watch, type WatchOptions } from './watch.ts'
import type { WorkParts } from './work.ts'

export interface JobOptions extends WatchOptions {
  engine: Pick<Engine, 'openThread' | 'submit' | 'onCommit' | 'store'>
  /** Of schedules that name none. */
  timeZone: string
}

export interface JobRunner extends Jobs {
  /** From now on what is owed is done. */
  start(): Promise<void>
  /** Does everything that is owed now; resolves when it has been begun. */
  look(): Promise<void>
  close(): Promise<void>
}

export function createJobs(options: JobOptions): JobRunner {
  const { engine, clock } = options
  const shelf = openShelf(engine.store)
  const calendar = createCalendar(options.timeZone)
  const outlook = createOutlook(engine.store, { shelf, calendar })
  const listeners = new Set<(job: Job, action: JobAction) => void>()
  const changed = (job: Job, action: JobAction) => {
    for (const listener of [...listeners]) listener(job, action)
  }
  const work: WorkParts = { engine, shelf, calendar, clock, running: new Map(), changed }
  const watch = new Watch(options, { work, shelf, outlook })
  const register = createRegister({
    ...{ engine, shelf, calendar, outlook, clock },
    changed(job, action) {
      changed(job, action)
      watch.lookSoon()
    },
  })
  return {
    ...register,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    start: () => watch.start(),
    look: () => watch.look(),
    close: () => watch.close(),
  }
}
