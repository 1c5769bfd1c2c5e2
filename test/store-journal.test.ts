/**
 * What a store in a folder does with deltas: they are on disk at once, in the log when their run
 * has ended, and nobody who reads can tell the difference, before or after the folder is opened anew.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Store } from '../src/kernel/ports.ts'
import { openSqliteStore } from '../src/store/index.ts'
import { entryOf, Journal, journalBody, readJournal } from '../src/store/journal.ts'
import { createReader } from '../src/store/reader.ts'
import { createSettler } from '../src/store/settle.ts'
import { connect } from '../src/store/sqlite-connection.ts'
import { loadSqlite } from '../src/store/sqlite-library.ts'
import { facts, logOf } from './given.ts'
import { readAll, speaking } from './store-contract/author.ts'
import { closing } from './store-contract/backend.ts'
import { dice } from './store-contract/random.ts'

interface Place {
  folder: string
  store: Store
  /** As after an end that came in the middle: nothing is settled by it. */
  again(): Promise<Store>
}

async function place(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'manifold-journal-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const store = closing(await openSqliteStore({ folder }))
  const it: Place = {
    folder,
    store,
    again: async () => {
      await it.store.close()
      it.store = closing(await openSqliteStore({ folder }))
      return it.store
    },
  }
  return it
}

const count = async (folder: string, text: string): Promise<number> => {
  const db = connect(await loadSqlite(), join(folder, 'manifold.db'))
  const [row] = db.all({ text, params: [] })
  db.close()
  return Object.values(row ?? {})[0] as number
}

const JOURNALED = 'select count(*) from journal'
const IN_LOG = 'select count(*) from log where pos is null'

const say = (id: string, text: string) => [facts.text(`${id}-run`, text)]

describe('deltas', () => {
  it('are in the journal until they are packed, and in the log afterwards', async () => {
    const { folder, store } = await place()
    const author = await speaking(store, 't1')
    for (let i = 0; i < 20; i++) await author.write(say('t1', `word${i} `))
    expect(await count(folder, IN_LOG)).toBe(0)
    expect(await readAll(store, 't1', 7)).toEqual(author.events)
    expect((await store.thread('t1'))?.seq).toBe(author.thread.seq)
    await store.pack('t1', author.thread.seq)
    expect(await count(folder, JOURNALED)).toBe(0)
    expect(await count(folder, IN_LOG)).toBe(1)
    expect(await readAll(store, 't1', 7)).toEqual(author.events)
    expect((await store.thread('t1'))?.seq).toBe(author.thread.seq)
  })

  it('are still there when the folder is opened again, and the thread goes on behind them', async () => {
    const it = await place()
    const author = await speaking(it.store, 't1')
    for (let i = 0; i < 5; i++) await author.write(say('t1', `word${i} `))
    const store = await it.again()
    expect(await readAll(store, 't1')).toEqual(author.events)
    expect((await store.threads({ limit: 5, offset: 0 })).items[0]?.seq).toBe(author.thread.seq)
    const event = author.events.at(-1)
    const late = { ...event, seq: author.thread.seq }
    const append = { thread: 't1', epoch: null, rows: null, documents: [] }
    expect(await store.append({ ...append, after: late.seq - 1, events: [late as never] })).toBe(
      'version',
    )
    const next = { ...event, seq: author.thread.seq + 1 }
    expect(await store.append({ ...append, after: late.seq, events: [next as never] })).toBeNull()
    expect((await readAll(store, 't1')).at(-1)).toEqual(next)
  })

  it('that were packed in the middle of a run can be followed by anything', async () => {
    const it = await place()
    const author = await speaking(it.store, 't1')
    await author.write(say('t1', 'one '))
    await it.store.pack('t1', author.thread.seq)
    await author.write(say('t1', 'two '))
    const run = 't1-run'
    await author.write([facts.answered(run), facts.turnEnded(run), facts.ended(run)])
    expect(await readAll(it.store, 't1')).toEqual(author.events)
    expect(await readAll(await it.again(), 't1')).toEqual(author.events)
  })

  it('that are packed once more after their packing was lost sight of are told once', async () => {
    const it = await place()
    const one = await speaking(it.store, 't1')
    const two = await speaking(it.store, 't2')
    // Both threads share rows of the journal, which stay while one of the two needs them.
    for (let i = 0; i < 9; i++)
      await Promise.all([one.write(say('t1', 'a')), two.write(say('t2', 'b'))])
    await it.store.pack('t1', one.thread.seq)
    expect(await count(it.folder, JOURNALED)).toBeGreaterThan(0)
    const store = await it.again()
    expect(await readAll(store, 't1')).toEqual(one.events)
    expect(await readAll(store, 't2', 2)).toEqual(two.events)
    await Promise.all([store.pack('t1', 999), store.pack('t2', 999)])
    expect(await readAll(store, 't1')).toEqual(one.events)
    expect(await readAll(store, 't2')).toEqual(two.events)
    expect(await count(it.folder, JOURNALED)).toBe(0)
  })

  it('of threads that are packed at the same time leave nothing behind', async () => {
    const { folder, store } = await place()
    const ids = Array.from({ length: 12 }, (_, n) => `t${n}`)
    const authors = await Promise.all(ids.map((id) => speaking(store, id)))
    for (let i = 0; i < 30; i++) await Promise.all(authors.map((a) => a.write(say(a.id, `${i} `))))
    await Promise.all(authors.map((a) => store.pack(a.id, a.thread.seq)))
    expect(await count(folder, JOURNALED)).toBe(0)
    expect(await count(folder, IN_LOG)).toBe(ids.length)
    for (const a of authors) expect(await readAll(store, a.id)).toEqual(a.events)
  })

  it('of an erased thread do not come back with a new one of the same name', async () => {
    const it = await place()
    const other = await speaking(it.store, 'other')
    await other.write(say('other', 'keeps the rows'))
    const old = await speaking(it.store, 't1')
    await Promise.all([old.write(say('t1', 'old words')), other.write(say('other', '.'))])
    await it.store.erase('t1')
    expect(await it.store.read('t1', 0, 99)).toEqual([])
    const young = await speaking(it.store, 't1')
    const store = await it.again()
    expect(await readAll(store, 't1')).toEqual(young.events)
    expect(await readAll(store, 'other')).toEqual(other.events)
  })

  it('of a thread that is being erased are told whole or not at all', async () => {
    const { store } = await place()
    const author = await speaking(store, 't1')
    await author.write(say('t1', 'in the journal'))
    await author.write([facts.answered('t1-run')])
    await author.write([facts.turn('t1-run', 1)])
    const erasing = store.erase('t1')
    expect([author.events, []]).toContainEqual(await readAll(store, 't1'))
    await erasing
    expect(await readAll(store, 't1')).toEqual([])
  })

  it('of an erased thread leave the disk although others still need what they said beside it', async () => {
    const it = await place()
    const ids = ['t1', 't2', 't3']
    const [secret, ...others] = await Promise.all(ids.map((id) => speaking(it.store, id)))
    for (let i = 0; i < 9; i++)
      await Promise.all([
        secret?.write(say('t1', 'a secret ')),
        ...others.map((a) => a.write(say(a.id, 'words '))),
      ])
    // Its memory is gone before its rows are: they are kept for the others.
    await it.store.pack('t1', 999)
    await it.store.erase('t1')
    const secrets = "select count(*) from journal where body like '%secret%'"
    expect(await count(it.folder, secrets)).toBe(0)
    for (const a of others) expect(await readAll(it.store, a.id)).toEqual(a.events)
    const store = await it.again()
    for (const a of others) expect(await readAll(store, a.id)).toEqual(a.events)
  })

  it('of many threads survive any mix of packing, erasing and opening again', async () => {
    const it = await place()
    const d = dice(11)
    const authors = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((id) => speaking(it.store, id)))
    const erased = new Set<string>()
    for (let i = 0; i < 120; i++) {
      const author = d.pick(authors)
      const { id } = author
      if (erased.has(id)) continue
      const what = d.roll(12)
      if (what === 0) await it.store.pack(id, d.roll(author.thread.seq + 1))
      else if (what === 1 && erased.size < 2 && i > 60) {
        await it.store.erase(id)
        erased.add(id)
      } else if (what === 2 && i % 3 === 0) {
        const store = await it.again()
        for (const a of authors) a.goesOnIn(store)
      } else expect(await author.write(say(id, `${i} `))).toBeNull()
    }
    for (const author of authors) {
      const wanted = erased.has(author.id) ? [] : author.events
      expect(await readAll(it.store, author.id, 5)).toEqual(wanted)
    }
  })
})

describe('the journal', () => {
  const [event] = logOf([facts.opened()], 't')
  const chunkOf = (thread: string, seq: number, length = 2) => ({
    ...{ thread, firstSeq: seq, lastSeq: seq, size: 1 },
    body: JSON.stringify('x'.repeat(length - 2)),
  })

  it('reads back what a row says', () => {
    const chunks = [chunkOf('t"1', 4), chunkOf('t2', 9, 30)]
    expect(readJournal(journalBody(chunks, ['gone']))).toEqual({ erased: ['gone'], chunks })
  })

  it('alone says nothing of a thread whose log is gone', async () => {
    const journal = new Journal()
    journal.note('t', entryOf(chunkOf('t', 5), [{ ...event, seq: 5 } as never], 1))
    const { read } = createReader(async () => [], journal)
    expect(await read('t', 0, 10)).toEqual([])
    expect(await read('t', 4, 10)).toHaveLength(1)
  })

  it('moves its oldest threads into the log when it grows, and keeps what is still said', async () => {
    const journal = new Journal()
    const moved: string[] = []
    const settler = createSettler(
      journal,
      async (job) => {
        if (job.do === 'settle') moved.push(`${job.thread} below ${job.below}`)
        return null
      },
      (error) => expect.unreachable(error.message),
    )
    const large = 10 * 1024 * 1024
    for (const [i, thread] of ['a', 'b', 'c', 'd'].entries())
      journal.note(thread, entryOf(chunkOf(thread, 1, large), [event as never], i + 1))
    settler.relieve()
    await expect.poll(() => journal.size).toBeLessThan(16 * 1024 * 1024)
    expect(moved).toEqual(['a below 2', 'b below 3', 'c below 4'])
    expect(journal.threads()).toEqual(['d'])
  })
})
