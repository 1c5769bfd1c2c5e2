/** Lists, filters and totals: they say what the fold says. */

import { expect, it } from 'vitest'
import type { Json } from '../../src/kernel/part.ts'
import type { Cursor, Store } from '../../src/kernel/ports.ts'
import { type RunRow, rowsOf } from '../../src/kernel/rows.ts'
import { emptyThread } from '../../src/kernel/thread.ts'
import { NO_USAGE } from '../../src/kernel/usage.ts'
import { facts, ORIGIN } from '../given.ts'
import { Author, speaking } from './author.ts'
import type { Backend } from './backend.ts'

const page = { limit: 50, offset: 0 }

/** One thread from a short life: a run that waits, after one that was answered at a price. */
async function lived(store: Store, id: string, account: string, costUsd: number | null) {
  const author = await speaking(store, id, account)
  const usage = { ...NO_USAGE, inputTokens: 10, outputTokens: 3, cacheReadTokens: 1, costUsd }
  await author.write([facts.text(`${id}-run`, 'Fine.')])
  await author.write([
    facts.answered(`${id}-run`, 0, { usage }),
    facts.turnEnded(`${id}-run`),
    facts.ended(`${id}-run`, { usage }),
  ])
  await author.write([facts.created(`${id}-run2`, 'again'), facts.started(`${id}-run2`)])
  await author.write([facts.turn(`${id}-run2`), facts.call(`${id}-run2`, 'c1', 'write')])
  await author.write([
    facts.answered(`${id}-run2`, 0, { stop: 'calls', sealed: [{ part: 0, input: {} }], usage }),
    facts.asked(`${id}-run2`, ['c1'], `${id}-ask`),
  ])
  return author
}

export function listing(backend: Backend): void {
  it('rows are what the fold makes of the log', async () => {
    const { store } = await backend.place()
    // No whole number of the units that money is kept in.
    const author = await lived(store, 't1', 'local', 1 / 3)
    const rows = rowsOf(author.thread, author.events)
    expect(await store.thread('t1')).toEqual(rows.thread)
    expect(await store.run('t1-run2')).toEqual(rows.runs.find((r) => r.id === 't1-run2'))
    expect(await store.run('t1-run')).toEqual(rows.runs.find((r) => r.id === 't1-run'))
    expect(await store.ask('t1-ask')).toEqual(rows.asks[0])
    expect(await store.usageOf('t1-run2')).toEqual(rows.usage.filter((u) => u.run === 't1-run2'))
    expect([await store.thread('x'), await store.run('x'), await store.ask('x')]).toEqual([
      null,
      null,
      null,
    ])
  })

  it('the first words of a text end with a whole character, and come back as they were', async () => {
    const { store } = await backend.place()
    const author = new Author(store, 't1')
    const text = `${'a'.repeat(79)}\u{1f600}${'b'.repeat(118)}\u{1f600}`
    const other = `a\0b ${text}`
    await author.write([facts.opened(), facts.created('r1', text), facts.created('r2', other)])
    await author.write([facts.started('r1')])
    const { thread, runs } = rowsOf(author.thread, author.events, emptyThread('t1'))
    expect([runs[0]?.preview, thread.preview]).toEqual([text.slice(0, 199), text.slice(0, 199)])
    expect(thread.title).toBe(`${'a'.repeat(79)}...`)
    expect(runs[1]?.preview.slice(0, 3)).toBe('a\ufffdb')
    expect(await store.thread('t1')).toEqual(thread)
    for (const run of runs) expect(await store.run(run.id)).toEqual(run)
  })

  it('deltas alone move only the seq', async () => {
    const { store } = await backend.place()
    const author = await speaking(store, 't1')
    const before = await store.thread('t1')
    await author.write([facts.text('t1-run', 'a')])
    expect(await store.thread('t1')).toEqual({ ...before, seq: 5 })
  })

  it('an ask that was answered is gone from the inbox', async () => {
    const { store } = await backend.place()
    const author = await lived(store, 't1', 'local', 0)
    await lived(store, 't2', 'other', 0)
    const inbox = await store.asks({ ...page })
    expect(inbox.items.map((a) => a.id)).toEqual(['t1-ask', 't2-ask'])
    expect((await store.asks({ ...page, account: 'other' })).items.map((a) => a.id)).toEqual([
      't2-ask',
    ])
    await author.write([
      {
        type: 'ask.settled',
        run: 't1-run2',
        data: {
          ask: 't1-ask',
          how: 'answered',
          rulings: { c1: { allow: true, by: 'person' } },
          open: [],
          origin: ORIGIN,
        },
      },
    ])
    expect(await store.asks({ ...page, thread: 't1' })).toEqual({ items: [], total: 0 })
    expect(await store.ask('t1-ask')).toBeNull()
    expect((await store.asks(page)).total).toBe(1)
  })

  it('pages and filters threads, newest first', async () => {
    const { store } = await backend.place()
    for (let i = 0; i < 7; i++) {
      const author = new Author(store, `t${i}`)
      const account = i < 5 ? 'local' : 'other'
      const title = i === 3 ? 'Über 100% of_it' : `Title ${i}`
      const parent = i === 4 ? { thread: 't3', run: 'r', call: 'c' } : null
      await author.write([facts.opened({ account, title, parent, agent: i === 2 ? 'bob' : 'amy' })])
    }
    await (await speaking(store, 'busy')).write([facts.created('q')])
    const ids = async (query: object) =>
      (await store.threads({ ...page, ...query })).items.map((t) => t.id)
    expect(await ids({ account: 'local', agent: 'amy' })).toEqual(['t4', 't3', 't1', 't0'])
    expect(await ids({ agent: 'bob' })).toEqual(['t2'])
    expect(await ids({ account: 'other' })).toEqual(['t6', 't5'])
    expect(await ids({ parentThread: 't3' })).toEqual(['t4'])
    expect(await ids({ parentThread: null, account: 'local', agent: 'amy' })).not.toContain('t4')
    expect(await ids({ status: 'running' })).toEqual(['busy'])
    expect(await ids({ dialect: 'nobody' })).toEqual([])
    expect(await ids({ search: 'über 100% OF_' })).toEqual(['t3'])
    expect(await ids({ search: '%' })).toEqual(['t3'])
    const second = await store.threads({ account: 'local', limit: 2, offset: 2 })
    expect(second.total).toBe(6)
    expect(second.items).toHaveLength(2)
    const far = await store.threads({ limit: 2, offset: 200 })
    expect(far).toEqual({ items: [], total: 8 })
  })

  it('goes on below the last row that was seen', async () => {
    const { store } = await backend.place()
    for (let i = 0; i < 5; i++) await lived(store, `t${i}`, 'local', 0)
    const seen: string[] = []
    for (let before: Cursor | undefined; ; ) {
      const { items, total } = await store.threads({ before, limit: 2, offset: 0 })
      seen.push(...items.map((t) => t.id))
      expect(total).toBe(5)
      const last = items.at(-1)
      if (!last) break
      before = { at: last.updatedAt, id: last.id }
    }
    expect(seen).toEqual(['t4', 't3', 't2', 't1', 't0'])
    const run = (await store.run('t2-run2')) as RunRow
    const below = { before: { at: run.createdAt, id: run.id }, limit: 2, offset: 0 }
    const { items, total } = await store.runs(below)
    expect(items.map((r) => r.id)).toEqual(['t1-run2', 't0-run2'])
    expect(total).toBe(10)
  })

  it('finds threads by who made them and where they work', async () => {
    const { store } = await backend.place()
    const origin = { dialect: 'test', principal: 'eve' }
    await new Author(store, 'a').write([facts.opened({ workspace: '/x', origin })])
    await new Author(store, 'b').write([facts.opened({ workspace: '/y' })])
    const ids = async (query: object) =>
      (await store.threads({ ...page, ...query })).items.map((t) => t.id)
    expect(await ids({ workspace: '/x' })).toEqual(['a'])
    expect(await ids({ principal: 'local' })).toEqual(['b'])
    expect((await store.thread('a'))?.workspace).toBe('/x')
    expect((await store.runs({ ...page, principal: 'eve' })).total).toBe(0)
  })

  it('pages and filters runs, newest first', async () => {
    const { store } = await backend.place()
    await lived(store, 't1', 'local', 0)
    await lived(store, 't2', 'other', 0)
    const ids = async (query: object) =>
      (await store.runs({ ...page, ...query })).items.map((r) => r.id)
    expect(await ids({ thread: 't1' })).toEqual(['t1-run2', 't1-run'])
    expect(await ids({ status: ['waiting'] })).toEqual(['t2-run2', 't1-run2'])
    expect(await ids({ status: ['waiting', 'completed'], account: 'local' })).toEqual([
      't1-run2',
      't1-run',
    ])
    expect(await ids({ status: [] })).toEqual([])
    expect(await ids({ model: 'nobody' })).toEqual([])
    expect(await ids({ agent: 'assistant', account: 'other' })).toEqual(['t2-run2', 't2-run'])
    expect(await ids({ parentRun: 'x' })).toEqual([])
    const first = (await store.run('t1-run'))?.createdAt as number
    const second = (await store.run('t1-run2'))?.createdAt as number
    expect(await ids({ thread: 't1', since: second })).toEqual(['t1-run2'])
    expect(await ids({ thread: 't1', until: second })).toEqual(['t1-run'])
    expect(await ids({ thread: 't1', since: first, until: first + 1 })).toEqual(['t1-run'])
    expect((await store.runs({ limit: 1, offset: 1 })).total).toBe(4)
  })

  it('adds up usage; an unknown price makes the sum unknown', async () => {
    const { store } = await backend.place()
    await lived(store, 't1', 'local', 0.1)
    await lived(store, 't2', 'local', 0.2)
    await lived(store, 't3', 'other', null)
    const [local, ...more] = await store.usage({ account: 'local' })
    expect(more).toEqual([])
    expect(local).toEqual({
      day: '2026-01-01',
      agent: 'assistant',
      model: 'scripted:x',
      calls: 4,
      usage: {
        inputTokens: 40,
        outputTokens: 12,
        cacheReadTokens: 4,
        cacheWriteTokens: 0,
        costUsd: 0.6,
      },
    })
    expect((await store.usage({}))[0]?.usage.costUsd).toBeNull()
    expect(await store.usage({ since: Date.UTC(2027, 0, 1) })).toEqual([])
    expect(await store.usage({ until: Date.UTC(2025, 0, 1) })).toEqual([])
  })

  it('keeps documents by kind and key', async () => {
    const { store } = await backend.place()
    const keys = ['b', 'a', 't1/x', 't1/Y', 't1%/z', 't10/x', 'é']
    for (const key of keys) await store.put({ kind: 'k', key, body: { key } })
    await store.put({ kind: 'other', key: 'a', body: null })
    expect((await store.list('k')).map((d) => d.key)).toEqual([...keys].sort())
    expect((await store.list('k', 't1')).map((d) => d.key)).toEqual([
      't1%/z',
      't1/Y',
      't1/x',
      't10/x',
    ])
    expect(await store.list('k', 't1/')).toEqual([
      { kind: 'k', key: 't1/Y', body: { key: 't1/Y' } },
      { kind: 'k', key: 't1/x', body: { key: 't1/x' } },
    ])
    expect((await store.list('k', 't1/x')).map((d) => d.key)).toEqual(['t1/x'])
    await store.put({ kind: 'k', key: 'a', body: [1] })
    expect(await store.get('k', 'a')).toEqual([1])
    expect(await store.get('other', 'a')).toBeNull()
    await store.drop('k', 'a')
    await store.drop('k', 'a')
    expect(await store.get('k', 'a')).toBeNull()
    expect(await store.get('other', 'a')).toBeNull()
  })

  it('writes a new document once, whoever else wants to', async () => {
    const { store } = await backend.place()
    const bodies = [1, 2, 3, 4]
    const wrote = await Promise.all(
      bodies.map((body) => store.putNew({ kind: 'k', key: 'name', body })),
    )
    expect(wrote.filter((isNew) => isNew)).toHaveLength(1)
    expect(await store.get('k', 'name')).toBe(bodies[wrote.indexOf(true)])
    expect(await store.putNew({ kind: 'k', key: 'name', body: 9 })).toBe(false)
    await store.drop('k', 'name')
    expect(await store.putNew({ kind: 'k', key: 'name', body: 9 })).toBe(true)
    expect(await store.get('k', 'name')).toBe(9)
  })

  it('writes several new documents, or none of them', async () => {
    const { store } = await backend.place()
    const of = (...keys: string[]) => keys.map((key) => ({ kind: 'k', key, body: { key } }))
    expect(await store.putNew(of('a', 't1/b', 'c'))).toBe(true)
    expect(await store.putNew(of('d', 'c', 'e'))).toBe(false)
    expect((await store.list('k')).map((d) => d.key)).toEqual(['a', 'c', 't1/b'])
    expect((await store.list('k', 't1/')).map((d) => d.body)).toEqual([{ key: 't1/b' }])
    expect(await store.putNew([])).toBe(true)
    await expect(store.putNew(of('x', 'x'))).rejects.toThrow('same key')
  })

  it('swaps a document only for one that has not changed', async () => {
    const { store } = await backend.place()
    const swap = (body: Json, before: Json | null) =>
      store.swap({ kind: 'k', key: 'a', body }, before)
    const first = { n: 1, name: 'é"\u0000\ud800', list: [1.5, null], 10: 'ten', 9: 'nine' }
    expect(await swap(first, { n: 0 })).toBe(false)
    expect(await swap(first, null)).toBe(true)
    expect(await swap({ n: 2 }, null)).toBe(false)
    const wins = await Promise.all([2, 3, 4].map((n) => swap({ n }, first)))
    expect(wins.filter((isDone) => isDone)).toHaveLength(1)
    expect(await store.get('k', 'a')).toEqual({ n: 2 + wins.indexOf(true) })
    const read = (await store.get('k', 'a')) as Json
    expect(await swap(first, read)).toBe(true)
    expect(await swap({ n: 5 }, await store.get('k', 'a'))).toBe(true)
  })

  it('finds a document by its name as long as one has it', async () => {
    const { store } = await backend.place()
    const named = (thread: string) => ({ kind: 'k', key: `${thread}/x`, body: 'text', name: 'x' })
    await store.put(named('t1'))
    expect(await store.putNew([named('t2'), named('t3')])).toBe(true)
    await store.drop('k', 't3/x')
    await store.erase('t1')
    expect([await store.named('k', 'x'), await store.named('other', 'x')]).toEqual(['text', null])
    await store.erase('t2')
    expect(await store.named('k', 'x')).toBeNull()
  })

  it('drops what has expired, and nothing else', async () => {
    const { store } = await backend.place()
    const many = Array.from({ length: 1_100 }, (_, i) => ({
      ...{ kind: 'k', key: `old ${i}`, body: i },
      expiresAt: i,
    }))
    for (let i = 0; i < many.length; i += 100) await store.putNew(many.slice(i, i + 100))
    await store.put({ kind: 'k', key: 'later', body: 1, expiresAt: 2_000 })
    await store.put({ kind: 'k', key: 'never', body: 1 })
    await store.dropExpired(1_050)
    expect(await store.list('k')).toHaveLength(51)
    await store.dropExpired(1_999)
    expect((await store.list('k')).map((d) => d.key)).toEqual(['later', 'never'])
    await store.put({ kind: 'k', key: 'later', body: 2 })
    await store.dropExpired(2_000)
    expect(await store.get('k', 'later')).toBe(2)
  })

  it('bears what a client may send', async () => {
    const { store } = await backend.place()
    await speaking(store, 't1')
    expect(await store.thread('\0')).toBeNull()
    expect(await store.get('k', 'a\0b')).toBeNull()
    expect((await store.threads({ search: "'; drop table log; --", ...page })).total).toBe(0)
    expect((await store.threads({ limit: 1e21, offset: -5 })).items).toHaveLength(1)
    expect((await store.runs({ ...page, since: 0.5, limit: Number.NaN })).total).toBe(1)
    expect(await store.read('t1', -3, 2.5)).not.toEqual([])
    const author = new Author(store, 't2')
    expect(await author.write([facts.opened({ title: 'a\0b\ud800' })])).toBeNull()
    expect((await store.thread('t2'))?.title).toBe('a\ufffdb\ufffd')
    expect(await store.read('t2', 0, 9)).toEqual(author.events)
  })
}
