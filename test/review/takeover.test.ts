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
  it('begins no child of a run that another one has ended meanwhile', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'manifold-takeover-'))
    const shared = await openSqliteStore({ folder })
    let now = Date.now()
    const gate = { open: (): void => {}, reached: (_: string): void => {} }
    const opened = new Promise<void>((resolve) => {
      gate.open = resolve
    })
    const reached = new Promise<string>((resolve) => {
      gate.reached = resolve
    })
    /** Falls asleep with the opening of a child in its hand. */
    const sleepy = (store: Store): Store =>
      new Proxy(store, {
        get(target, name) {
          const value = Reflect.get(target, name) as unknown
          if (name === 'append')
            return async (...[what, rebase]: Parameters<Store['append']>) => {
              if (!what.events.some((e) => e.type === 'thread.opened' && e.data.parent))
                return target.append(what, rebase)
              gate.reached(what.thread)
              await opened
              return target.append(what, rebase)
            }
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    const open = async (wrap = (store: Store): Store => store): Promise<World> => {
      const settings = { drainMs: 200, pollMs: 600_000, leaseMs: 40_000 }
      const log = { warn: () => {}, error: () => {} }
      const options = { folder, clock: () => now, open: async () => shared, wrap, settings, log }
      const world = await openWorld(options)
      worlds.push(world)
      return world
    }
    const first = await open(sleepy)
    const prompt = `script ${JSON.stringify([[{ say: 'too late' }]])}`
    const { thread } = await first.begin([[{ call: 'task', input: { prompt } }]])
    const child = await reached
    const cancel = { do: 'cancel', reason: null, when: 'now', queue: 'keep', origin } as const
    await first.submit(thread, cancel)
    now += 60_000
    const second = await open()
    expect((await second.ended(thread)).at(-1)?.data).toMatchObject({ outcome: 'cancelled' })
    gate.open()
    for (const { engine } of [first, second]) await engine.close()
    const types = (await shared.read(child, 0, 100)).map((e) => e.type)
    expect(types).toEqual(['thread.opened', 'run.created', 'run.ended'])
  })

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
