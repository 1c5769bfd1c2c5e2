/** Making the index again while others write: what has moved on is neither wrong nor an error. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { rebuildIndex } from '../../src/examine.ts'
import type { Store } from '../../src/kernel/ports.ts'
import { rowsOf } from '../../src/kernel/rows.ts'
import { openSqliteStore } from '../../src/store/index.ts'
import { facts } from '../given.ts'
import { speaking } from '../store-contract/author.ts'
import { closing } from '../store-contract/backend.ts'

it('leaves a thread alone that is written to meanwhile, and mends the others', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'manifold-doctor-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const store = closing(await openSqliteStore({ folder }))
  const busy = await speaking(store, 'busy')
  const wrong = await speaking(store, 'wrong')
  const { thread, ...rest } = rowsOf(wrong.thread, wrong.events)
  await store.reindex('wrong', { thread: { ...thread, agent: 'another' }, ...rest })
  /** Somebody writes after the log was read, and before the rows are. */
  const shared: Store = {
    ...store,
    thread: async (id) => {
      if (id === 'busy') await busy.write([facts.text('busy-run', 'more')])
      return store.thread(id)
    },
  }
  expect(await rebuildIndex(shared)).toMatch(/of 2 threads .*; 1 were wrong and are mended/)
  expect((await store.thread('wrong'))?.agent).toBe(wrong.thread.agent)
  expect(await rebuildIndex(store)).toContain('all of it was right')
})
