/** Data that a database cannot hold is refused alone: what comes with it is written, and the rest goes on. */

import { expect, it } from 'vitest'
import { Grants } from '../../src/engine/grants.ts'
import { facts } from '../given.ts'
import { Author, readAll, speaking } from './author.ts'
import type { Backend } from './backend.ts'

export function refusing(backend: Backend): void {
  it('refuses one job whose data cannot be written, and writes those beside it', async () => {
    const { store } = await backend.place()
    const author = await speaking(store, 'a')
    const documents = Array.from({ length: 20 }, (_, i) => ({ kind: 'k', key: `${i}`, body: i }))
    const nameless = { kind: undefined as unknown as string, key: 'x', body: 1 }
    const [refused, ...others] = await Promise.allSettled([
      store.put(nameless),
      author.write([facts.text('a-run', 'beside')]),
      ...documents.map((document) => store.put(document)),
    ])
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'invalid' } })
    expect(others.filter((o) => o.status === 'rejected')).toEqual([])
    expect(await store.list('k')).toHaveLength(documents.length)
    expect(await readAll(store, 'a')).toEqual(author.events)
    expect(await author.write([facts.answered('a-run')])).toBeNull()
  })

  it('outlives names that are longer than an index takes', async () => {
    const { store } = await backend.place()
    const long = Array.from({ length: 2_000 }, (_, i) => (i * 7919).toString(36)).join('')
    const author = new Author(store, 'a')
    await author.write([facts.opened({ workspace: `/${long}` })]).catch(() => {})
    await expect(store.put({ kind: 'k', key: long, body: 1 })).rejects.toThrow('1000 bytes')
    const grants = new Grants(store, Date.now)
    const grant = { agent: 'assistant', tool: 'shell', pattern: long }
    await store.put(grants.document(grant))
    expect(await grants.of('assistant')).toEqual([grant])
    await grants.revoke(grant)
    expect(await grants.of('assistant')).toEqual([])
  })
}
