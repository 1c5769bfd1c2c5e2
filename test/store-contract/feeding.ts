/** The feed: every fact but the deltas, of all threads, in the order of commits, nothing skipped. */

import { expect, it } from 'vitest'
import type { Event } from '../../src/kernel/event.ts'
import type { Store } from '../../src/kernel/ports.ts'
import { facts } from '../given.ts'
import { Author, speaking } from './author.ts'
import type { Backend } from './backend.ts'

export function feeding(backend: Backend): void {
  it('tells all facts once, without deltas, in pages', async () => {
    const { store } = await backend.place()
    const a = await speaking(store, 'a')
    await a.write([facts.text('a-run', 'x')])
    const b = await speaking(store, 'b')
    await a.write([facts.text('a-run', 'y'), facts.answered('a-run'), facts.turnEnded('a-run')])
    const whole = (await store.feed(0, 100)).events
    expect(whole.map((e) => `${e.thread}${e.seq}`)).toEqual([
      'a1',
      'a2',
      'a3',
      'a4',
      'b1',
      'b2',
      'b3',
      'b4',
      'a7',
      'a8',
    ])
    expect(whole).toEqual(expect.arrayContaining([...b.events, a.events[7]]))
    const paged: Event[] = []
    for (let cursor = 0; ; ) {
      const page = await store.feed(cursor, 1)
      if (page.events.length === 0) break
      paged.push(...page.events)
      cursor = page.cursor
    }
    expect(paged).toEqual(whole)
  })

  it('knows the place of every event, and where it ends', async () => {
    const { store } = await backend.place()
    expect(await store.feedEnd()).toBe(0)
    const a = await speaking(store, 'a')
    await speaking(store, 'b')
    await a.write([facts.answered('a-run')])
    const page = await store.feed(0, 100)
    const [first, second, third] = [...new Set(page.places)] as [number, number, number]
    const each = (place: number) => page.events.filter((_, i) => page.places[i] === place)
    expect([each(first), each(second), each(third)].map((of) => of.length)).toEqual([4, 4, 1])
    expect(await store.feedEnd()).toBe(page.cursor)
    expect(third).toBe(page.cursor)
    expect((await store.feed(second, 9)).events).toEqual(each(third))
    await store.erase('a')
    expect(await store.feedEnd()).toBe(page.cursor)
  })

  it('a reader that follows closely misses nothing while many write', async () => {
    const { store, open } = await backend.place()
    const others = backend.isShared ? [await open(), await open()] : []
    const stores = [store, ...others]
    const ids = Array.from({ length: 12 }, (_, i) => `t${i}`)
    const write = async (id: string, by: Store): Promise<void> => {
      const author = new Author(by, id)
      await author.write([facts.opened()])
      for (let i = 0; i < 25; i++) await author.write([facts.created(`${id}-${i}`)])
    }
    let isWriting = true
    const seen: string[] = []
    const follow = async (): Promise<void> => {
      for (let cursor = 0; ; ) {
        const wasWriting = isWriting
        const page = await store.feed(cursor, 20)
        seen.push(...page.events.map((e) => `${e.thread} ${e.seq}`))
        cursor = page.cursor
        if (page.events.length === 0 && !wasWriting) return
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const following = follow()
    await Promise.all(ids.map((id, i) => write(id, stores[i % stores.length] as Store)))
    isWriting = false
    await following
    const expected = ids.flatMap((id) => Array.from({ length: 26 }, (_, i) => `${id} ${i + 1}`))
    expect([...seen].sort()).toEqual(expected.sort())
    for (const id of ids) {
      const seqs = seen.filter((s) => s.startsWith(`${id} `)).map((s) => Number(s.split(' ')[1]))
      expect(seqs).toEqual(Array.from({ length: 26 }, (_, i) => i + 1))
    }
  })

  it('never gives a place twice, also when the newest thread is erased', async () => {
    const { store, open } = await backend.place()
    await new Author(store, 'a').write([facts.opened()])
    await new Author(store, 'b').write([facts.opened()])
    const { cursor } = await store.feed(0, 10)
    await store.erase('b')
    await store.erase('a')
    await store.close()
    const again = await open()
    await new Author(again, 'c').write([facts.opened()])
    expect((await again.feed(cursor, 10)).events.map((e) => e.thread)).toEqual(['c'])
  })
}
