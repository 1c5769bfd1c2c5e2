/** Several processes on one database, each with a store of its own. */

import { expect, it, vi } from 'vitest'
import { facts } from '../given.ts'
import { Author, readAll, speaking } from './author.ts'
import type { Backend } from './backend.ts'

export function sharing(backend: Backend): void {
  it('hears of the appends of others, and not of its own', async () => {
    const { store, open } = await backend.place()
    const other = await open()
    const heard: string[] = []
    const own: string[] = []
    const stop = store.onAdvance((thread, seq) => void heard.push(`${thread} ${seq}`))
    other.onAdvance((thread, seq) => void own.push(`${thread} ${seq}`))
    const author = await speaking(other, 't1')
    await author.write([facts.text('t1-run', 'x')])
    const threads = Array.from({ length: 300 }, (_, i) => `${'long-name-'.repeat(4)}${i}`)
    await Promise.all(threads.map((id) => new Author(other, id).write([facts.opened()])))
    await vi.waitFor(() => expect(heard).toHaveLength(302))
    expect(heard).toEqual(expect.arrayContaining(['t1 4', 't1 5', `${threads[299]} 1`]))
    expect(own).toEqual([])
    stop()
    await author.write([facts.text('t1-run', 'y')])
    await new Author(store, 'mine').write([facts.opened()])
    await vi.waitFor(() => expect(own).toEqual(['mine 1']))
    expect(heard).toHaveLength(302)
  })

  it('of writers in several processes one wins', async () => {
    const { store, open } = await backend.place()
    const stores = [store, await open(), await open()]
    const document = { kind: 'request', key: 'k', body: 1, ifAbsent: true }
    const opened = await Promise.all(
      stores.map((s, i) =>
        new Author(s, `t${i}`).write([facts.opened()], { documents: [document] }),
      ),
    )
    expect(opened.sort()).toEqual(['exists', 'exists', null])
    const same = await Promise.all(stores.map((s) => new Author(s, 'same').write([facts.opened()])))
    expect(same.sort()).toEqual([null, 'version', 'version'])
    expect(await readAll(store, 'same')).toHaveLength(1)
  })

  it('a claim elsewhere fences the append here', async () => {
    const { store, open } = await backend.place()
    const other = await open()
    const author = await speaking(store, 't1')
    expect(await store.claim('w1', 1, 10, 5)).toEqual([{ thread: 't1', epoch: 1 }])
    expect(await other.claim('w2', 5, 20, 5)).toEqual([])
    expect(await other.claim('w2', 10, 20, 5)).toEqual([{ thread: 't1', epoch: 2 }])
    expect(await author.write([facts.text('t1-run', 'x')], { epoch: 1 })).toBe('fenced')
  })
}
