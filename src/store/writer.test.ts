/** What the writer does on a disk that fails more than once: everybody is told, and it ends. */

import { expect, it } from 'vitest'
import type { Db } from './db.ts'
import type { Answer, Job } from './job.ts'
import { Writer } from './writer.ts'

const JOB: Job = { do: 'trim', below: 0 }

/** A disk whose commits end as the test says. */
function disk() {
  const commits: { resolve(answers: Answer[]): void; reject(error: Error): void }[] = []
  const commit = () =>
    new Promise<Answer[]>((resolve, reject) => void commits.push({ resolve, reject }))
  const fatal: string[] = []
  const writer = new Writer({ commit } as unknown as Db, (e) => void fatal.push(e.message))
  return { commits, fatal, writer }
}

it('tells the group of a commit that fails after a read has failed, and tries it once', async () => {
  const { commits, fatal, writer } = disk()
  const under = writer.submit(JOB)
  await Promise.resolve()
  writer.fail(new Error('the read failed'))
  commits[0]?.reject(new Error('the commit failed'))
  await expect(under).rejects.toThrow('the read failed')
  await writer.close()
  expect([commits.length, fatal]).toEqual([1, ['the read failed']])
})

it('can be closed in the same breath as it has failed', async () => {
  const { commits, writer } = disk()
  const waiting = writer.submit(JOB)
  writer.fail(new Error('the read failed'))
  await Promise.all([writer.close(), expect(waiting).rejects.toThrow('the read failed')])
  expect(commits).toEqual([])
})
