/** Erasing a thread, and making its rows anew. */

import { expect, it } from 'vitest'
import type { Store } from '../../src/kernel/ports.ts'
import { rebuild, rowsOf } from '../../src/kernel/rows.ts'
import { facts } from '../given.ts'
import { Author, readAll, speaking } from './author.ts'
import type { Backend } from './backend.ts'

const page = { limit: 50, offset: 0 }

const everything = async (store: Store) => ({
  threads: await store.threads(page),
  runs: await store.runs(page),
  asks: await store.asks(page),
  usage: await store.usage({}),
})

/** As `doctor --rebuild` does it. */
const remake = async (store: Store, id: string): Promise<void> =>
  store.reindex(id, rebuild(id, await readAll(store, id)))

export function removing(backend: Backend): void {
  it('erases a thread whole, and nothing else', async () => {
    const { store } = await backend.place()
    const a = await speaking(store, 'a')
    const b = await speaking(store, 'b')
    for (const author of [a, b])
      await author.write([
        facts.answered(`${author.id}-run`),
        facts.asked(`${author.id}-run`, ['c'], `${author.id}-ask`),
      ])
    for (const key of ['a/1', 'a', 'ab/1', 'b/1']) await store.put({ kind: 'k', key, body: 1 })
    await store.erase('a')
    expect(await store.read('a', 0, 10)).toEqual([])
    expect([await store.thread('a'), await store.run('a-run'), await store.ask('a-ask')]).toEqual([
      null,
      null,
      null,
    ])
    expect(await store.usageOf('a-run')).toEqual([])
    expect((await store.list('k')).map((d) => d.key)).toEqual(['a', 'ab/1', 'b/1'])
    expect(await store.threadIds()).toEqual(['b'])
    expect(await readAll(store, 'b')).toEqual(b.events)
    expect(await store.ask('b-ask')).not.toBeNull()
    expect(await a.write([facts.text('a-run', 'late')])).toBe('version')
    expect(await new Author(store, 'a').write([facts.opened()])).toBeNull()
  })

  it('a rebuild changes nothing on a healthy store', async () => {
    const { store } = await backend.place()
    const author = await speaking(store, 'a')
    await author.write([facts.text('a-run', 'Hello.')])
    await author.write([facts.answered('a-run'), facts.asked('a-run', ['c'])])
    const b = await speaking(store, 'b')
    await b.write([
      facts.text('b-run', 'x'),
      facts.answered('b-run'),
      facts.turnEnded('b-run'),
      facts.ended('b-run'),
    ])
    const [lease] = await store.claim('w', 1000, 2000, 1)
    const before = await everything(store)
    for (const id of await store.threadIds()) await remake(store, id)
    expect(await everything(store)).toEqual(before)
    if (lease) expect(await store.renew('w', [lease], 3000)).toEqual([lease])
  })

  it('a rebuild repairs rows that are wrong, and refuses rows of an older log', async () => {
    const { store } = await backend.place()
    const author = await speaking(store, 'a')
    const before = await everything(store)
    const rows = rowsOf(author.thread, author.events)
    const wrong = { ...rows, thread: { ...rows.thread, agent: 'wrong' }, runs: [] }
    await store.reindex('a', wrong)
    expect((await store.thread('a'))?.agent).toBe('wrong')
    expect((await store.runs(page)).total).toBe(0)
    await remake(store, 'a')
    expect(await everything(store)).toEqual(before)
    await author.write([facts.text('a-run', 'on')])
    await expect(store.reindex('a', rows)).rejects.toThrow('moved on')
    expect(await readAll(store, 'a')).toEqual(author.events)
  })
}
