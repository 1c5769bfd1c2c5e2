/** Leases, where answers of the store are heard in another order than they were given. */

import { afterEach, expect, it } from 'vitest'
import type { Store } from '../src/kernel/ports.ts'
import { openWorld, textOf, type World } from './support/world.ts'

let world: World
afterEach(() => world.close())

/** Whoever looks for due threads takes one, and hears so only after it was also taken by name. */
function crossing(store: Store): Store {
  let taken = (): void => {}
  let named = (): void => {}
  const isTaken = new Promise<void>((resolve) => {
    taken = resolve
  })
  const isNamed = new Promise<void>((resolve) => {
    named = resolve
  })
  const claim: Store['claim'] = async (...args) => {
    const leases = await store.claim(...args)
    if (leases.length === 0) return leases
    taken()
    await isNamed
    return leases
  }
  const claimOne: Store['claimOne'] = async (...args) => {
    await isTaken
    const lease = await store.claimOne(...args)
    named()
    return lease
  }
  const own: Record<string | symbol, unknown> = { claim, claimOne }
  return new Proxy(store, {
    get: (target, name) => {
      const value = (own[name] ?? Reflect.get(target, name)) as unknown
      return typeof value === 'function' && !own[name] ? value.bind(target) : value
    },
  })
}

it('a thread that is claimed twice at once is driven under the later claim', async () => {
  world = await openWorld({ wrap: crossing, settings: { pollMs: 5 } })
  const { thread } = await world.begin([[{ say: 'Hello.' }]])
  expect(textOf(await world.ended(thread))).toBe('Hello.')
})
