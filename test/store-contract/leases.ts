/** Leases: who works on a thread, and how an older holder is kept from writing. */

import { expect, it } from 'vitest'
import { facts } from '../given.ts'
import { speaking } from './author.ts'
import type { Backend } from './backend.ts'

export function leasing(backend: Backend): void {
  it('gives due threads to one worker only, each with a new epoch', async () => {
    const { store } = await backend.place()
    const ids = Array.from({ length: 12 }, (_, i) => `t${i}`)
    await Promise.all(ids.map((id) => speaking(store, id)))
    const taken = await Promise.all([
      store.claim('w1', 1000, 2000, 5),
      store.claim('w2', 1000, 2000, 5),
      store.claim('w3', 1000, 2000, 5),
    ])
    const rest = await store.claim('w4', 1000, 2000, 50)
    const threads = [...taken, rest].flat().map((l) => l.thread)
    expect(threads.sort()).toEqual(ids.sort())
    expect([...taken, rest].flat().every((l) => l.epoch === 1)).toBe(true)
    expect(taken.every((t) => t.length <= 5)).toBe(true)
    expect(await store.claim('w5', 1999, 3000, 5)).toEqual([])
  })

  it('takes over when a lease has run out, and fences the old holder', async () => {
    const { store } = await backend.place()
    const author = await speaking(store, 't1')
    const [old] = await store.claim('w1', 1000, 2000, 5)
    expect(
      await author.write([facts.text('t1-run', 'a')], { epoch: old?.epoch ?? null }),
    ).toBeNull()
    const [lease] = await store.claim('w2', 2000, 3000, 5)
    expect(lease).toEqual({ thread: 't1', epoch: 2 })
    const epoch = old?.epoch ?? null
    expect(await author.write([facts.text('t1-run', 'b')], { epoch })).toBe('fenced')
    expect(await author.write([facts.text('t1-run', 'b')], { epoch: 2 })).toBeNull()
    expect(await author.write([facts.text('t1-run', 'c')])).toBeNull()
    expect(await store.renew('w1', [{ thread: 't1', epoch: 1 }], 9000)).toEqual([])
  })

  it('renews and releases what is still held', async () => {
    const { store } = await backend.place()
    await Promise.all(['a', 'b', 'c'].map((id) => speaking(store, id)))
    const held = await store.claim('w1', 1000, 2000, 5)
    const stolen = held[0] as { thread: string; epoch: number }
    expect(await store.claimOne('w2', stolen.thread, 1500, 2500)).toBeNull()
    expect((await store.claimOne('w2', stolen.thread, 2000, 3000))?.epoch).toBe(2)
    expect(await store.renew('w1', held, 4000)).toEqual(held.slice(1))
    await store.release('w1', stolen)
    expect(await store.claim('w3', 2500, 3500, 5)).toEqual([])
    await store.release('w1', held[1] as { thread: string; epoch: number })
    expect((await store.claim('w3', 2500, 3500, 5)).map((l) => l.thread)).toEqual([held[1]?.thread])
    expect(await store.renew('w1', [], 5000)).toEqual([])
  })

  it('claims one thread also when it is not due, again for its own holder, and never twice', async () => {
    const { store } = await backend.place()
    const author = await speaking(store, 't1')
    await author.write([facts.answered('t1-run'), facts.turnEnded('t1-run'), facts.ended('t1-run')])
    expect(await store.claim('w1', 1, 9, 5)).toEqual([])
    expect(await store.claimOne('w1', 't1', 1, 9)).toEqual({ thread: 't1', epoch: 1 })
    expect(await store.claimOne('w1', 't1', 2, 9)).toEqual({ thread: 't1', epoch: 2 })
    expect(await store.claimOne('w2', 't1', 2, 9)).toBeNull()
    expect(await store.claimOne('w1', 'unknown', 2, 9)).toBeNull()
  })

  it('wakes a waiting thread at its time, and not before', async () => {
    const { store } = await backend.place()
    const author = await speaking(store, 't1')
    await author.write([facts.broken('t1-run', { cause: 'provider', retryAt: 5000 })])
    expect((await store.thread('t1'))?.due).toBe(false)
    expect((await store.thread('t1'))?.wakeAt).toBe(5000)
    expect(await store.claim('w', 4999, 9000, 5)).toEqual([])
    expect(await store.claim('w', 5000, 9000, 5)).toEqual([{ thread: 't1', epoch: 1 }])
  })

  it('an append leaves the lease as it is', async () => {
    const { store } = await backend.place()
    const author = await speaking(store, 't1')
    await store.claim('w1', 1000, 2000, 5)
    await author.write([facts.answered('t1-run'), facts.turnEnded('t1-run')], { epoch: 1 })
    expect(await store.claim('w2', 1500, 2500, 5)).toEqual([])
    expect(await store.renew('w1', [{ thread: 't1', epoch: 1 }], 3000)).toHaveLength(1)
  })
}
