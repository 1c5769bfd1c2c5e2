/**
 * A server that stops dead after so many appends, and one that goes on from what it left. Whatever
 * is asked is answered, until the run of the thread has ended.
 */

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Event } from '../../src/kernel/event.ts'
import type { Receipt, Store } from '../../src/kernel/ports.ts'
import { rebuild } from '../../src/kernel/rows.ts'
import { ORIGIN, openWorld, type World, type WorldOptions } from '../support/world.ts'

/** Lets so many appends through, then nothing, as if the process were gone. */
export function dying(store: Store, appends: number): { store: Store; died: Promise<void> } {
  let left = appends
  let die = (): void => {}
  const died = new Promise<void>((resolve) => {
    die = resolve
  })
  const append: Store['append'] = (what) => {
    if (left-- > 0) return store.append(what)
    die()
    return Promise.reject(new Error('dead'))
  }
  const get = (target: Store, name: string | symbol): unknown => {
    if (name === 'append') return append
    const value = Reflect.get(target, name) as unknown
    return typeof value === 'function' ? value.bind(target) : value
  }
  return { store: new Proxy(store, { get }), died }
}

const log = { warn: () => {}, error: () => {} }

/** Answers whatever is asked, until the run of the thread has ended. */
async function finish(world: World, thread: string): Promise<Event[]> {
  let isOver = false
  const ended = world.ended(thread).then((events) => {
    isOver = true
    return events
  })
  ended.catch(() => {
    isOver = true
  })
  while (!isOver) {
    for (const { thread: at, body } of (await world.store.asks({ limit: 10, offset: 0 })).items) {
      const answer = body.kind === 'question' ? { answer: 'red' } : { allow: true }
      await world.submit(at, { do: 'answer', ...answer, origin: ORIGIN }).catch(() => {})
    }
    await new Promise((go) => setTimeout(go, 2))
  }
  return ended
}

export interface Lives {
  events: Event[]
  folder: string
  /** The first life ended before its run did. */
  died: boolean
}

export async function twoLives(
  appends: number,
  begin: (world: World) => Promise<Receipt>,
  options: WorldOptions = {},
): Promise<Lives> {
  const folder = mkdtempSync(join(tmpdir(), 'manifold-lives-'))
  let death = Promise.resolve()
  const wrap = (store: Store): Store => {
    const mortal = dying(store, appends)
    death = mortal.died
    return mortal.store
  }
  const first = await openWorld({ ...options, folder, log, wrap })
  const { thread } = await begin(first)
  const life = finish(first, thread).then(
    () => false,
    () => true,
  )
  const died = await Promise.race([life, death.then(() => true)])
  await first.close(false)
  const second = await openWorld({ ...options, folder, log })
  const events = await finish(second, thread)
  const rows = rebuild(thread, events)
  expect(await second.store.thread(thread)).toEqual(rows.thread)
  expect((await second.store.runs({ thread, limit: 9, offset: 0 })).items).toEqual(rows.runs)
  await second.close(false)
  return { events, folder, died }
}
