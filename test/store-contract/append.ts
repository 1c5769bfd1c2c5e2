/** Appending: what is accepted is there whole, what is refused leaves nothing. */

import { expect, it } from 'vitest'
import { facts } from '../given.ts'
import { Author, readAll, speaking } from './author.ts'
import type { Backend } from './backend.ts'

export function appending(backend: Backend): void {
  it('reads back what was appended, from any seq', async () => {
    const { store } = await backend.place()
    const author = await speaking(store, 't1')
    for (let i = 0; i < 30; i++) await author.write([facts.text('t1-run', `word ${i} `)])
    expect(await store.read('t1', 0, 1000)).toEqual(author.events)
    expect(await store.read('t1', 10, 5)).toEqual(author.events.slice(10, 15))
    expect(await store.read('t1', 34, 5)).toEqual([])
    expect(await store.read('unknown', 0, 5)).toEqual([])
    expect(await readAll(store, 't1', 7)).toEqual(author.events)
  })

  it('refuses a writer that does not know the whole log', async () => {
    const { store } = await backend.place()
    const author = await speaking(store, 't1')
    const late = author.prepare([facts.text('t1-run', 'late')]).append
    const early = { ...late, after: 9, events: late.events.map((e) => ({ ...e, seq: 10 })) }
    await author.write([facts.text('t1-run', 'first')])
    expect(await store.append(late)).toBe('version')
    expect(await store.append(early)).toBe('version')
    expect(await readAll(store, 't1')).toEqual(author.events)
  })

  it('takes events that do not follow for a bug, and goes on', async () => {
    const { store } = await backend.place()
    const author = await speaking(store, 't1')
    const { append } = author.prepare([facts.text('t1-run', 'x')])
    const gap = { ...append, events: append.events.map((e) => ({ ...e, seq: e.seq + 1 })) }
    await expect(store.append(gap)).rejects.toThrow('do not follow')
    await expect(store.append({ ...append, events: [] })).rejects.toThrow('do not follow')
    expect(await author.write([facts.text('t1-run', 'x')])).toBeNull()
  })

  it('a refused append harms no other that is committed with it', async () => {
    const { store } = await backend.place()
    const authors = await Promise.all(['a', 'b', 'c'].map((id) => speaking(store, id)))
    const [a, b, c] = authors as [Author, Author, Author]
    const stale = b.prepare([facts.text('b-run', 'stale')]).append
    await b.write([facts.text('b-run', 'newer')])
    const answers = await Promise.all([
      a.write([facts.text('a-run', 'one')]),
      store.append({ ...stale, documents: [{ kind: 'k', key: 'left', body: 1 }] }),
      c.write([facts.text('c-run', 'two')]),
    ])
    expect(answers).toEqual([null, 'version', null])
    expect(await store.get('k', 'left')).toBeNull()
    for (const author of authors) expect(await readAll(store, author.id)).toEqual(author.events)
  })

  it('of many writers at the same seq one wins', async () => {
    const { store } = await backend.place()
    const author = await speaking(store, 't1')
    const rivals = Array.from({ length: 10 }, (_, i) =>
      author.prepare([facts.text('t1-run', `rival ${i}`)]),
    )
    const answers = await Promise.all(rivals.map((r) => store.append(r.append)))
    expect(answers.filter((a) => a === null)).toHaveLength(1)
    expect(answers.filter((a) => a === 'version')).toHaveLength(9)
    expect((await readAll(store, 't1')).map((e) => e.seq)).toEqual([1, 2, 3, 4, 5])
  })

  it('writes documents with the events, or neither', async () => {
    const { store } = await backend.place()
    const author = await speaking(store, 't1')
    const once = { kind: 'request', key: 'k1', body: { n: 1 }, ifAbsent: true }
    const always = { kind: 'state', key: 't1/s', body: 'new' }
    expect(
      await author.write([facts.text('t1-run', 'a')], { documents: [once, always] }),
    ).toBeNull()
    const again = { ...once, body: { n: 2 } }
    const other = { ...always, body: 'changed' }
    const refused = await author.write([facts.text('t1-run', 'b')], { documents: [again, other] })
    expect(refused).toBe('exists')
    expect(await store.get('request', 'k1')).toEqual({ n: 1 })
    expect(await store.get('state', 't1/s')).toBe('new')
    expect(await readAll(store, 't1')).toEqual(author.events)
    expect(await author.write([facts.text('t1-run', 'b')], { documents: [other] })).toBeNull()
    expect(await store.get('state', 't1/s')).toBe('changed')
  })

  it('of two with the same new document one wins, also in one commit and late', async () => {
    const { store } = await backend.place()
    const document = { kind: 'request', key: 'k', body: 1, ifAbsent: true }
    const authors = ['a', 'b', 'c'].map((id) => new Author(store, id))
    const answers = await Promise.all(
      authors.map((a) => a.write([facts.opened()], { documents: [document] })),
    )
    expect(answers.sort()).toEqual(['exists', 'exists', null])
    expect(await store.threadIds()).toHaveLength(1)
    const winner = (await store.threadIds())[0] as string
    const stale = new Author(store, winner)
    expect(await stale.write([facts.opened()], { documents: [document] })).toBe('exists')
  })

  it('makes a run only while its account has few enough open ones', async () => {
    const { store } = await backend.place()
    const admission = { account: 'a', maxRuns: 2 }
    const begin = (id: string, options: object = { admission }) =>
      new Author(store, id).write(
        [facts.opened({ account: 'a' }), facts.created(`${id}-run`)],
        options,
      )
    const crowd = await Promise.all(['t1', 't2', 't3', 't4'].map((id) => begin(id)))
    expect(crowd.sort()).toEqual(['limited', 'limited', null, null])
    expect((await store.runs({ account: 'a', limit: 9, offset: 0 })).total).toBe(2)
    expect(await begin('t5')).toBe('limited')
    expect(await begin('t6', { admission: { account: 'a', maxRuns: 3 } })).toBeNull()
    expect(await begin('t7', {})).toBeNull()
    const other = facts.opened({ account: 'b' })
    const free = { admission: { account: 'b', maxRuns: 1 } }
    expect(await new Author(store, 't8').write([other, facts.created('r8')], free)).toBeNull()
  })

  it('does not count runs that have ended, or that agents have made', async () => {
    const { store } = await backend.place()
    const limit = { admission: { account: 'local', maxRuns: 1 } }
    const author = await speaking(store, 't1')
    const parent = { thread: 't1', run: 't1-run', call: 'c' }
    await new Author(store, 'child').write([facts.opened({ parent }), facts.created('rc')])
    const next = new Author(store, 't2')
    expect(await next.write([facts.opened(), facts.created('r2')], limit)).toBe('limited')
    const [, began] = await Promise.all([
      author.write([facts.ended('t1-run')]),
      next.write([facts.opened(), facts.created('r2')], limit),
    ])
    expect(began).toBeNull()
    expect(await author.write([facts.created('again')], limit)).toBe('limited')
  })

  it('keeps a large event', async () => {
    const { store } = await backend.place()
    const author = await speaking(store, 't1')
    const large = 'x"ü漢\n'.repeat(300_000)
    await author.write([facts.text('t1-run', large)])
    await author.write([facts.toolEnded('t1-run', 'c', { output: large })])
    expect(await readAll(store, 't1')).toEqual(author.events)
    await store.pack('t1', 99)
    expect(await readAll(store, 't1')).toEqual(author.events)
  })

  it('stays dense with many threads and readers at the same time', async () => {
    const { store } = await backend.place()
    const count = 40
    const authors = await Promise.all(
      Array.from({ length: 24 }, (_, i) => speaking(store, `t${i}`)),
    )
    let isWriting = true
    const write = async (author: Author): Promise<void> => {
      for (let i = 0; i < count; i++)
        expect(await author.write([facts.text(`${author.id}-run`, `w${i} `)])).toBeNull()
    }
    const watch = async (author: Author): Promise<void> => {
      let seq = 0
      while (isWriting || seq < count + 4) {
        const events = await store.read(author.id, seq, 9)
        for (const event of events) expect(event.seq).toBe(++seq)
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const watching = authors.slice(0, 4).map(watch)
    await Promise.all(authors.map(write))
    isWriting = false
    await Promise.all(watching)
    for (const author of authors) expect(await readAll(store, author.id)).toEqual(author.events)
  })
}
