/** What a process that did not hear of others' commits is told later. */

import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Statement } from './db.ts'
import { type Advance, Advances } from './postgres-advance.ts'
import type { Connections } from './postgres-connection.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const LOOK_MS = 5_000

/** A database with one thread that moves on; `answers` says whether it can be read. */
function database() {
  const it = { top: 5, answers: true }
  const client = { on: () => {}, query: async () => ({ rows: [] }), end: async () => {} }
  const connections = { schema: 's', client: async () => client } as unknown as Connections
  const all = async ({ text, params }: Statement) => {
    if (!text.includes('where worker is not null')) return [{ top: it.top }]
    if (!it.answers) throw new Error('the database went away')
    return it.top > (params[0] as number) ? [{ id: 't', seq: 9 }] : []
  }
  return { it, connections, all }
}

it('looks again for what it could not read, and says once that it could not', async () => {
  const { it: db, connections, all } = database()
  const problems: string[] = []
  const onProblem = (error: Error): void => void problems.push(error.message)
  const advances = new Advances(connections, 'me', { all, onProblem })
  await advances.open()
  const told: Advance[] = []
  advances.on((thread, seq) => told.push([thread, seq]))
  Object.assign(db, { top: 6, answers: false })
  await vi.advanceTimersByTimeAsync(2 * LOOK_MS)
  expect([told, problems]).toEqual([[], ['the database went away']])
  db.answers = true
  await vi.advanceTimersByTimeAsync(2 * LOOK_MS)
  expect(told).toEqual([['t', 9]])
  await advances.close()
})
