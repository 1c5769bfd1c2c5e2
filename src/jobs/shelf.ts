/**
 * Jobs, their progress and their ledger as documents. What people write and what the runner writes
 * are two documents, so that neither overwrites the other; and each is replaced only as it was read,
 * so that several processes which edit one job lose nothing.
 */

import type { Job, Occurrence, Progress } from '../kernel/jobs.ts'
import { NO_PROGRESS } from '../kernel/jobs.ts'
import type { Json } from '../kernel/part.ts'
import type { Store } from '../kernel/ports.ts'

type Documents = Pick<Store, 'get' | 'put' | 'swap' | 'drop' | 'list'>

export interface Shelf {
  job(id: string): Promise<Job | null>
  /** Oldest first. */
  jobs(): Promise<Job[]>
  /** A job that is new. */
  add(job: Job): Promise<void>
  /** False when somebody else has changed the job meanwhile: then nothing is written. */
  replace(before: Job, after: Job): Promise<boolean>
  /**
   * Changes the job as it is at that moment; null leaves it. Resolves with what it was and what it
   * is, or null when nothing was changed.
   */
  change(id: string, edit: (job: Job) => Job | null): Promise<{ before: Job; after: Job } | null>
  progress(id: string): Promise<Progress>
  allProgress(): Promise<Map<string, Progress>>
  /** Never back: what another process has done since then stays. */
  advance(id: string, progress: Progress): Promise<void>
  /** Writing the same occurrence twice leaves one line. */
  note(occurrence: Occurrence): Promise<void>
  /** In the order in which they were due. */
  ledger(id: string): Promise<Occurrence[]>
  remove(id: string): Promise<void>
}

const asJson = (value: unknown): Json => value as Json

export function openShelf(store: Documents): Shelf {
  const swap = (kind: string, key: string, before: unknown, after: unknown): Promise<boolean> =>
    store.swap({ kind, key, body: asJson(after) }, asJson(before))
  const shelf: Shelf = {
    job: async (id) => (await store.get('job', id)) as unknown as Job | null,
    jobs: async () => {
      const found = (await store.list('job')).map((d) => d.body as unknown as Job)
      return found.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
    },
    add: (job) => store.put({ kind: 'job', key: job.id, body: asJson(job) }),
    replace: (before, after) => swap('job', before.id, before, after),
    async change(id, edit) {
      for (;;) {
        const before = await shelf.job(id)
        const after = before && edit(before)
        if (!before || !after) return null
        if (await shelf.replace(before, after)) return { before, after }
      }
    },
    progress: async (id) => (await progressOf(store, id)) ?? NO_PROGRESS,
    allProgress: async () => {
      const found = await store.list('job-progress')
      return new Map(found.map((d) => [d.key, d.body as unknown as Progress]))
    },
    async advance(id, progress) {
      for (;;) {
        const before = await progressOf(store, id)
        if (before && before.count > progress.count) return
        if (await swap('job-progress', id, before, progress)) return
      }
    },
    note: (line) => store.put({ kind: 'job-ledger', key: lineOf(line), body: asJson(line) }),
    ledger: async (id) =>
      (await store.list('job-ledger', `${id}/`)).map((d) => d.body as unknown as Occurrence),
    async remove(id) {
      for (const { key } of await store.list('job-ledger', `${id}/`))
        await store.drop('job-ledger', key)
      await store.drop('job-progress', id)
      await store.drop('job', id)
    },
  }
  return shelf
}

const progressOf = async (store: Documents, id: string): Promise<Progress | null> =>
  (await store.get('job-progress', id)) as unknown as Progress | null

const lineOf = ({ job, dueAt, count }: Occurrence): string =>
  `${job}/${String(dueAt).padStart(15, '0')}/${count === null ? 'skipped' : String(count).padStart(9, '0')}`
