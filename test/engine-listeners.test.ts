/** Who waits for a run whose thread goes away. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Listeners } from '../src/engine/listeners.ts'
import { Threads } from '../src/engine/threads.ts'
import type { Store } from '../src/kernel/ports.ts'
import { openSqliteStore } from '../src/store/index.ts'
import { facts } from './given.ts'

let folder: string
let store: Store
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'manifold-listeners-'))
  store = await openSqliteStore({ folder })
})
afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

it('the end of a run is waited for no longer than its thread is there', async () => {
  const quiet = { appending: () => {}, committed: () => {}, heard: () => {}, fenced: () => {} }
  const threads = new Threads({ store, clock: Date.now, ...quiet })
  let asked = (): void => {}
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve
  })
  const fresh: Threads['fresh'] = async (id) => {
    const live = await threads.fresh(id)
    asked()
    return live
  }
  const listeners = new Listeners(fresh, console.error)
  const live = threads.create('t')
  await live.commit(() => [facts.opened(), facts.created('r1')])
  const never = new AbortController().signal
  const waiting = listeners.runEnded('t', 'r1', never)
  await isAsked
  await setImmediate()
  live.retire()
  listeners.gone('t')
  await waiting
  // Whoever comes while it goes away need not begin to wait.
  await listeners.runEnded('t', 'r1', never)
  expect(listeners.isWatched('t')).toBe(false)
})
