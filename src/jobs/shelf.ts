/**
 * Jobs, their progress and their ledger as documents. What people write and what the runner writes
 * are two documents, so that neither overwrites the other.
 */

import type { Job, Occurrence, Progress } from '../kernel/jobs.ts'
import { NO_PROGRESS } from '../kernel/jobs.ts'
import type { Json } from '../kernel/part.ts'
import type { Store } from '../kernel/ports.ts'

type Documents = Pick<Store, 'get' | 'put' | 'drop' | 'list'>

export interface Shelf {
  job(id: string): Promise<Job | null>
  /** Oldest first. */
  jobs(): Promise<Job[]>
  put(job: Job): Promise<void>
  progress(id: string): Promise<Progress>
  allProgress(): Promise<Map<string, Progress>>
  advance(id: string, progress: Progress): Promise<void>
  /** Writing the same occurrence twice leaves one line. */
  note(occurrence: Occurrence): Promise<void>
  /** In the order in which they were due. */
  ledger(id: string): Promise<Occurrence[]>
  remove(id: string): Promise<void>
}

export function openShelf(store: Documents): Shelf {
  const put = (kind: string, key: string, body: unknown) =>
    store.put({ kind, key, body: body as Json })
  return {
    job: async (id) => (await store.get('job', id)) as unknown as Job | null,
    jobs: async () => {
      const found = (await store.list('job')).map((d) => d.body as unknown as Job)
      return found.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
    },
    put: (job) => put('job', job.id, job),
    progress: async (id) =>
      ((await store.get('job-progress', id)) as unknown as Progress | null) ?? NO_PROGRESS,
    allProgress: async () => {
      const found = await store.list('job-progress')
      return new Map(found.map((d) => [d.key, d.body as unknown as Progress]))
    },
    advance: (id, progress) => put('job-progress', id, progress),
    note: (occurrence) => put('job-ledger', lineOf(occurrence), occurrence),
    ledger: async (id) =>
      (await store.list('job-ledger', `${id}/`)).map((d) => d.body as unknown as Occurrence),
    async remove(id) {
      for (const { key } of await store.list('job-ledger', `${id}/`))
        await store.drop('job-ledger', key)
      await store.drop('job-progress', id)
      await store.drop('job', id)
    },
  }
}

const lineOf = ({ job, dueAt, count }: Occurrence): string =>
  `${job}/${String(dueAt).padStart(15, '0')}/${count === null ? 'skipped' : String(count).padStart(9, '0')}`
