import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Job } from '../kernel/jobs.ts'
import type { Store } from '../kernel/ports.ts'
import { openSqliteStore } from '../store/index.ts'
import { openShelf, type Shelf } from './shelf.ts'

const JOB: Job = {
  ...{ id: 'j', kind: 'task', state: 'active', stage: 'todo', schedule: null },
  ...{ title: 'Fix', body: 'Fix it.', agent: 'a', account: 'local', principal: 'local' },
  ...{ rounds: 1, anchor: 0, after: -1, createdAt: 0, updatedAt: 0 },
}

let folder: string
let store: Store
let shelf: Shelf
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'manifold-shelf-'))
  store = await openSqliteStore({ folder })
  shelf = openShelf(store)
  await shelf.add(JOB)
})
afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('the shelf', () => {
  it('replaces a job only as it was read', async () => {
    expect(await shelf.replace(JOB, { ...JOB, title: 'Mine' })).toBe(true)
    expect(await shelf.replace(JOB, { ...JOB, title: 'Theirs' })).toBe(false)
    expect((await shelf.job('j'))?.title).toBe('Mine')
  })

  it('changes a job as it is, however many do so at once', async () => {
    const edits = Array.from({ length: 20 }, () =>
      shelf.change('j', (job) => ({ ...job, rounds: job.rounds + 1 })),
    )
    await Promise.all(edits)
    expect((await shelf.job('j'))?.rounds).toBe(21)
    expect(await shelf.change('j', () => null)).toBeNull()
    expect(await shelf.change('none', (job) => job)).toBeNull()
  })

  it('never takes progress back', async () => {
    const at = (count: number) => ({ count, cursor: count, run: `r${count}` })
    await shelf.advance('j', at(1))
    await shelf.advance('j', at(3))
    await shelf.advance('j', at(2))
    expect(await shelf.progress('j')).toEqual(at(3))
    expect((await shelf.allProgress()).get('j')).toEqual(at(3))
  })

  it('has one line for an occurrence, in the order in which they were due', async () => {
    const line = (count: number, dueAt: number) => ({ job: 'j', count, dueAt, run: 'r', at: 0 })
    for (const [count, dueAt] of [
      [2, 20_000_000],
      [1, 3_000],
      [1, 3_000],
    ] as const)
      await shelf.note(line(count, dueAt))
    expect((await shelf.ledger('j')).map((o) => o.count)).toEqual([1, 2])
    await shelf.remove('j')
    expect(await shelf.ledger('j')).toEqual([])
    expect(await shelf.job('j')).toBeNull()
  })
})
