/** Several processes on one database, each with a store of its own. */

import { expect, it, vi } from 'vitest'
import type { Event } from '../../src/kernel/event.ts'
import type { Append, Store } from '../../src/kernel/ports.ts'
import { fold } from '../../src/kernel/thread.ts'
import { openPostgresStore } from '../../src/store/index.ts'
import { connections, rowsOf } from '../../src/store/postgres-connection.ts'
import { lockOf } from '../../src/store/postgres-writer.ts'
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

  it('counts the open runs of an account over all processes', async () => {
    const { store, open } = await backend.place()
    const stores = [store, await open(), await open()]
    const admission = { account: 'local', maxRuns: 4 }
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        new Author(stores[i % 3] as Store, `t${i}`).write(
          [facts.opened(), facts.created(`r${i}`)],
          {
            admission,
          },
        ),
      ),
    )
    expect(answers.filter((a) => a === null)).toHaveLength(4)
    expect((await store.runs({ limit: 99, offset: 0 })).total).toBe(4)
    const taken = await Promise.all(stores.map((s) => s.putNew({ kind: 'k', key: 'one', body: 1 })))
    expect(taken.filter((isNew) => isNew)).toHaveLength(1)
  })

  it('lets a writer that comes late in behind what it missed, unless it gives up', async () => {
    const { store, open } = await backend.place()
    const other = await open()
    const author = await speaking(store, 't1')
    const late = new Author(other, 't1')
    late.thread = author.thread
    const stale = late.prepare([facts.text('t1-run', 'late')]).append
    await author.write([facts.text('t1-run', 'a')])
    await author.write([facts.text('t1-run', 'b')])
    expect(await other.append(stale)).toBe('version')
    const missed: number[][] = []
    const giveUp = (events: Event[]): null => {
      missed.push(events.map((e) => e.seq))
      return null
    }
    expect(await other.append(stale, giveUp)).toBe('version')
    const broken = (): never => {
      throw new Error('a mistake')
    }
    expect(await other.append(stale, broken)).toBe('version')
    expect(missed).toEqual([[5, 6]])
    const catchUp = (events: Event[]): Append => {
      late.thread = fold(late.thread, events)
      return late.prepare([facts.text('t1-run', 'c')]).append
    }
    expect(await other.append(stale, catchUp)).toBeNull()
    const log = await readAll(store, 't1')
    expect(log.map((e) => e.seq)).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(log.slice(4).map((e) => e.data)).toMatchObject(['a', 'b', 'c'].map((text) => ({ text })))
  })

  it('tells the others when a thread is erased, and when there is work', async () => {
    const { store, open } = await backend.place()
    const other = await open()
    await speaking(store, 't1')
    const heard: string[] = []
    other.onAdvance((thread, seq) => void heard.push(`${thread} ${seq}`))
    other.onWake(() => void heard.push('wake'))
    store.onWake(() => void heard.push('own'))
    await store.erase('t1')
    await store.wake()
    await vi.waitFor(() => expect(heard.slice(-2)).toEqual(['t1 0', 'wake']))
  })

  it('one that stops in the middle of a transaction holds up the others for a moment only', async () => {
    const { store, address } = await backend.place()
    const author = await speaking(store, 't1')
    if (address.kind !== 'postgres') throw new Error('not PostgreSQL')
    const frozen = await (await connections(address.url, address.schema)).client()
    await frozen.query('begin')
    await rowsOf(frozen, lockOf(address.schema))
    expect(await author.write([facts.text('t1-run', 'x')])).toBeNull()
    await expect(frozen.query('commit')).rejects.toThrow()
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
