/** Packing: less space, and the same log to the last byte. */

import { expect, it } from 'vitest'
import type { Event } from '../../src/kernel/event.ts'
import type { Store } from '../../src/kernel/ports.ts'
import { rowsOf } from '../../src/kernel/rows.ts'
import { emptyThread, fold } from '../../src/kernel/thread.ts'
import { facts, logOf } from '../given.ts'
import { readAll, speaking } from './author.ts'
import type { Backend } from './backend.ts'
import { dice, oneOfEach, randomEvents } from './random.ts'

/** Appends events that no fold would make, with rows that are right about the seq. */
async function append(store: Store, thread: string, events: Event[]): Promise<void> {
  const opened = logOf([facts.opened()], thread)
  const rows = rowsOf(fold(emptyThread(thread), opened), [])
  const seq = events.at(-1)?.seq ?? 0
  const after = (events[0]?.seq ?? 1) - 1
  const refusal = await store.append({
    thread,
    after,
    epoch: null,
    events,
    rows: { ...rows, thread: { ...rows.thread, seq } },
    documents: [],
  })
  expect(refusal).toBeNull()
}

export function packing(backend: Backend): void {
  it('keeps one event of every type', async () => {
    const { store } = await backend.place()
    const events = oneOfEach(dice(1), 't')
    for (const event of events) await append(store, 't', [event])
    expect(JSON.stringify(await store.read('t', 0, 1000))).toBe(JSON.stringify(events))
    await store.pack('t', 1000)
    expect(JSON.stringify(await store.read('t', 0, 1000))).toBe(JSON.stringify(events))
  })

  it.each([7, 42, 1234])('loses nothing of random events (seed %i)', async (seed) => {
    const { store } = await backend.place()
    const d = dice(seed)
    const events: Event[] = []
    while (events.length < 300) {
      const chunk = randomEvents(d, 't', events.length, 1 + d.roll(d.pick([2, 2, 9])))
      await append(store, 't', chunk)
      events.push(...chunk)
      if (d.roll(25) === 0) await store.pack('t', d.roll(events.length + 1))
    }
    const feed = await store.feed(0, 10_000)
    await store.pack('t', events.length)
    expect(JSON.stringify(await readAll(store, 't', 37))).toBe(JSON.stringify(events))
    expect(await store.feed(0, 10_000)).toEqual(feed)
    for (let i = 0; i < 20; i++) {
      const after = d.roll(events.length)
      const page = await store.read('t', after, 11)
      expect(page).toEqual(events.slice(after, after + 11))
    }
  })

  it('goes on while the thread is written to, and twice at once', async () => {
    const { store } = await backend.place()
    const author = await speaking(store, 't1')
    for (let i = 0; i < 150; i++) {
      await author.write([facts.text('t1-run', `w${i} `)])
      if (i % 40 === 39) void store.pack('t1', author.thread.seq)
      if (i % 40 === 39) void store.pack('t1', author.thread.seq)
    }
    await author.write([facts.answered('t1-run'), facts.turnEnded('t1-run')])
    await Promise.all([store.pack('t1', 9999), store.pack('t1', 9999)])
    expect(await readAll(store, 't1')).toEqual(author.events)
    await author.write([facts.ended('t1-run')])
    expect((await store.feed(0, 100)).events).toEqual(
      author.events.filter((e) => e.type !== 'text.delta'),
    )
  })

  it('does nothing to a thread that is not there', async () => {
    const { store } = await backend.place()
    await store.pack('unknown', 100)
    expect(await store.threadIds()).toEqual([])
  })
}
