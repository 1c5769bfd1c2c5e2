/** Several processes on one database, each with a store of its own. */

import { expect, it, vi } from 'vitest'
import { openPostgresStore } from '../../src/store/index.ts'
import { connections } from '../../src/store/postgres-connection.ts'
import { facts } from '../given.ts'
import { Author, readAll, speaking } from './author.ts'
import { type Address, type Backend, closing } from './backend.ts'

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

  it('goes on when its connections were cut, and hears what it missed', async () => {
    const { store, open, address } = await backend.place()
    const author = await speaking(store, 't1')
    await store.claim('w', 1, 10, 5)
    const heard: string[] = []
    store.onAdvance((thread, seq) => void heard.push(`${thread} ${seq}`))
    await cutAll(address)
    const other = await open()
    await new Author(other, 't2').write([facts.opened()])
    expect(await author.write([facts.text('t1-run', 'on')])).toBeNull()
    await vi.waitFor(() => expect(heard).toContain('t2 1'), 10_000)
    expect(await readAll(store, 't1')).toEqual(author.events)
    heard.length = 0
    await new Author(other, 't3').write([facts.opened()])
    await vi.waitFor(() => expect(heard).toContain('t3 1'))
  })

  it('ends when a commit fails for good', async () => {
    const { store, address } = await backend.place()
    const author = await speaking(store, 't1')
    if (address.kind !== 'postgres') throw new Error('not PostgreSQL')
    const failures: Error[] = []
    const onFatal = (error: Error): void => void failures.push(error)
    const failing = closing(await openPostgresStore({ ...address, onFatal }))
    const client = await (await connections(address.url, address.schema)).client()
    await client.query('alter table log rename column body to other')
    const drafts = [facts.text('t1-run', 'x')]
    await expect(failing.append(author.prepare(drafts).append)).rejects.toThrow(
      'takes no more work',
    )
    await expect(failing.threads({ limit: 1, offset: 0 })).rejects.toThrow('takes no more work')
    expect(failures).toHaveLength(1)
    await client.query('alter table log rename column other to body')
    await client.end()
    expect(await author.write(drafts)).toBeNull()
    expect(await readAll(store, 't1')).toEqual(author.events)
  })
}

/** Ends every connection that works in the place. */
async function cutAll(address: Address): Promise<void> {
  if (address.kind !== 'postgres') throw new Error('not PostgreSQL')
  const client = await (await connections(address.url, address.schema)).client()
  await client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = 'manifold' and pid <> pg_backend_pid()`,
  )
  await client.end()
}
