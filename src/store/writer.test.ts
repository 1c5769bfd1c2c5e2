/** What the writer gives to the disk, and when; and what it does when the disk fails more than once. */

import { expect, it } from 'vitest'
import type { Db } from './db.ts'
import type { Answer, Job } from './job.ts'
import { Writer } from './writer.ts'

const JOB: Job = { do: 'trim', below: 0 }

const MILESTONE: Job = {
  do: 'append',
  after: 0,
  epoch: null,
  chunk: { thread: 't', firstSeq: 1, lastSeq: 1, size: 0, body: '' },
  isMilestone: true,
  rows: null,
  documents: [],
  absent: [],
  admission: null,
}

/** A disk whose commits end as the test says. */
function disk() {
  const commits: { jobs: Job[]; resolve(answers: Answer[]): void; reject(error: Error): void }[] =
    []
  const commit = (jobs: Job[]) =>
    new Promise<Answer[]>((resolve, reject) => void commits.push({ jobs, resolve, reject }))
  const fatal: string[] = []
  const db = { commit, depth: 2 } as unknown as Db
  const writer = new Writer(db, (e) => void fatal.push(e.message))
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

it('gives many milestones to the disk beside the commit before them, and few after it', async () => {
  const { commits, writer } = disk()
  const sizes = (): number[] => commits.map((c) => c.jobs.length)
  const all = [writer.submit(JOB)]
  await Promise.resolve()
  for (let i = 0; i < 15; i++) all.push(writer.submit(MILESTONE))
  await Promise.resolve()
  expect(sizes()).toEqual([1])
  for (let i = 0; i < 20; i++) all.push(writer.submit(MILESTONE))
  await Promise.resolve()
  expect(sizes()).toEqual([1, 35])
  for (let i = 0; i < 40; i++) all.push(writer.submit(MILESTONE))
  await Promise.resolve()
  expect(sizes()).toEqual([1, 35])
  commits[0]?.resolve([null])
  await all[0]
  await Promise.resolve()
  expect(sizes()).toEqual([1, 35, 40])
  for (const { resolve } of commits) resolve([])
  await Promise.all([...all, writer.close()])
})

it('tells the groups of all commits that are under way when one of them fails', async () => {
  const { commits, fatal, writer } = disk()
  const first = writer.submit(JOB)
  await Promise.resolve()
  const others = Array.from({ length: 16 }, () => writer.submit(MILESTONE))
  const ends = Promise.allSettled([first, ...others])
  await Promise.resolve()
  for (const { reject } of commits) reject(new Error('the disk is gone'))
  expect((await ends).every((e) => e.status === 'rejected')).toBe(true)
  await writer.close()
  expect([commits.length, fatal]).toEqual([2, ['the disk is gone']])
})

it('takes leases behind the appends that were asked for with them', async () => {
  const { commits, writer } = disk()
  const lease: Job = { do: 'run', statement: { text: '', params: [] }, isFleeting: true }
  const all = [writer.submit(MILESTONE), writer.submit(lease), writer.submit(MILESTONE)]
  await Promise.resolve()
  expect(commits[0]?.jobs.map((j) => j.do)).toEqual(['append', 'append', 'run'])
  commits[0]?.resolve([null, 'version', []])
  expect(await Promise.all(all)).toEqual([null, [], 'version'])
})
