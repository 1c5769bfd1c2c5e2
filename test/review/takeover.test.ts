/** Two engines on one store: what one has slept through, and what it does when it is awake again. */

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Request, Store } from '../../src/kernel/ports.ts'
import { openSqliteStore } from '../../src/store/index.ts'
import { ORIGIN, openWorld, scriptInput, textOf, type World } from '../support/world.ts'
import { judgeLog } from './judge.ts'

const origin = ORIGIN
const worlds: World[] = []
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close()
})

describe('an engine that slept longer than its leases last', () => {
  it('goes on with what it is asked, after another one had the thread', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'manifold-takeover-'))
    let store: Promise<Store> | null = null
    let now = Date.now()
    const open = async (): Promise<World> => {
      store ??= openSqliteStore({ folder })
      const shared = await store
      const world = await openWorld({
        folder,
        clock: () => now,
        open: async () => shared,
        settings: { drainMs: 200, pollMs: 600_000 },
      })
      worlds.push(world)
      return world
    }
    const first = await open()
    const write = { call: 'write', input: { path: 'a.txt', content: 'x' } }
    const { thread } = await first.begin([[write], [{ say: 'one ' }]])
    await first.until(thread, (e) => e.type === 'ask.opened')
    while (first.engine.stats().activeRuns !== 0) await new Promise((go) => setTimeout(go, 2))
    const second = await open()
    now += 60_000
    await second.submit(thread, { do: 'answer', allow: true, origin })
    await second.ended(thread)
    await second.engine.close()
    const say: Request = {
      ...{ do: 'submit', busy: 'queue', origin },
      input: scriptInput([[{ say: 'two' }]]),
    }
    const { run } = await first.submit(thread, say)
    for (let i = 0; i < 500 && (await first.store.run(run as string))?.endedAt === null; i++) {
      await new Promise((go) => setTimeout(go, 10))
    }
    const events = await first.store.read(thread, 0, 1_000)
    expect(textOf(events)).toBe('one two')
    expect(judgeLog(events)).toEqual([])
  })
})
