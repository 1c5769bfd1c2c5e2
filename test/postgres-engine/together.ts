/** Several engines on one database: a command may arrive at any of them, a stream be read at any. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Store } from '../../src/kernel/ports.ts'
import { ORIGIN, scriptInput, textOf, typesOf, type World } from '../support/world.ts'
import { eventually, hear, logOf, newPlace, only, QUICK, words } from './place.ts'

const origin = ORIGIN
const cancel = { do: 'cancel', reason: null, when: 'now', queue: 'keep', origin } as const

const pair = async (url: string): Promise<[World, World]> => {
  const open = newPlace(url)
  return [await open(), await open()]
}

const submit = (
  world: World,
  thread: string,
  script: unknown,
  busy: 'queue' | 'steer' | 'interrupt' | 'reject' = 'queue',
) => world.submit(thread, { do: 'submit', input: scriptInput(script), busy, origin })

export function together(url: string): void {
  streams(url)
  commands(url)
  work(url)
  children(url)
  requests(url)
}

function streams(url: string): void {
  it('a stream reads the same wherever the run is driven', async () => {
    const [a, b] = await pair(url)
    const { thread, run } = await a.begin([
      [
        { say: words(400), everyMs: 1 },
        { call: 'list', input: {} },
      ],
      [{ say: words(400), chunk: 9 }],
    ])
    const early = hear(b, thread)
    await b.engine.thread(thread)
    const late = hear(b, thread, 3)
    await b.ended(thread, run)
    const log = await logOf(a, thread)
    await eventually(() => expect(early).toEqual(log))
    await eventually(() => expect(late).toEqual(log.slice(3)))
    expect(textOf(log)).toBe(words(400) + words(400))
    const { queue, active, messages, seq } = await b.engine.thread(thread)
    expect({ queue, active, seq }).toEqual({ queue: [], active: null, seq: log.length })
    expect(messages).toEqual((await a.engine.thread(thread)).messages)
  })

  it('an erased thread is gone everywhere, and what was at work in it stops', async () => {
    const [a, b] = await pair(url)
    const { thread, run } = await a.begin([[{ say: 'Hm.' }, { hang: true }]])
    await b.until(thread, (e) => e.type === 'text.delta')
    const ends: string[] = []
    const ended = (reason: string): void => void ends.push(reason)
    a.engine.follow({ thread, after: 0, tell: () => {}, ended })
    b.engine.follow({ thread, after: 0, tell: () => {}, ended })
    await b.engine.erase(thread)
    await eventually(() => expect(ends).toEqual(['erased', 'erased']))
    await eventually(() => expect(a.engine.stats()).toMatchObject({ activeRuns: 0, leases: 0 }))
    await expect(submit(a, thread, [])).rejects.toMatchObject({ code: 'not_found' })
    await expect(b.engine.thread(thread)).rejects.toMatchObject({ code: 'not_found' })
    expect(await a.store.run(run as string)).toBeNull()
  })
}

function commands(url: string): void {
  it('a cancel reaches a model that hangs in another process', async () => {
    const [a, b] = await pair(url)
    const { thread } = await a.begin([[{ say: 'Hel' }, { hang: true }]])
    await b.until(thread, (e) => e.type === 'text.delta')
    await submit(b, thread, [[{ say: 'next' }]])
    await b.submit(thread, cancel)
    await b.until(thread, (e) => e.type === 'run.ended' && e.data.outcome === 'completed')
    const log = await logOf(b, thread)
    expect(only(log, 'run.ended').map((e) => e.data.outcome)).toEqual(['cancelled', 'completed'])
    expect(textOf(log)).toBe('Helnext')
  })

  it('a command gets in between the words of a model that never pauses', async () => {
    const [a, b] = await pair(url)
    const { thread, run } = await a.begin([[{ say: words(60_000), chunk: 5 }, { hang: true }]])
    await b.until(thread, (e) => e.type === 'text.delta')
    await b.submit(thread, { do: 'steer', input: [{ kind: 'text', text: 'quick' }], origin })
    await b.submit(thread, cancel)
    const events = await b.ended(thread, run)
    expect(typesOf(events).filter((t) => t === 'run.steered')).toHaveLength(1)
    const told = textOf(events)
    expect(words(60_000).startsWith(told)).toBe(true)
    expect(told.length).toBeLessThan(words(60_000).length)
  })

  it('an ask is answered where it was not asked, and "always" holds from the next call on', async () => {
    const [a, b] = await pair(url)
    const write = (path: string) => ({ call: 'write', input: { path, content: 'x' } })
    const { thread } = await a.begin([[write('a')], [write('b')], [{ say: 'Done.' }]])
    await b.until(thread, (e) => e.type === 'ask.opened')
    await b.engine.thread(thread)
    const { items } = await b.store.asks({ limit: 9, offset: 0 })
    expect(items).toMatchObject([{ thread, body: { kind: 'approval' } }])
    const ask = items[0]?.id as string
    const answer = { do: 'answer', ask, allow: true, origin } as const
    await b.engine.submit(thread, answer, { remember: true })
    const events = await b.ended(thread)
    expect(only(events, 'ask.opened')).toHaveLength(1)
    expect(existsSync(join(a.files, 'b'))).toBe(true)
    await expect(a.submit(thread, answer)).rejects.toMatchObject({ code: 'not_active' })
  })

  it('a refusal goes by the log as it is now', async () => {
    const [a, b] = await pair(url)
    const { thread } = await a.begin([[{ hang: true }]])
    await a.until(thread, (e) => e.type === 'turn.started')
    // B has seen the thread busy, and hears no more of it.
    await expect(submit(b, thread, [], 'reject')).rejects.toMatchObject({ code: 'busy' })
    const queued = await submit(a, thread, [[{ say: 'x' }]])
    await b.submit(thread, { do: 'drop', run: queued.run as string, origin })
    await expect(
      a.submit(thread, { do: 'drop', run: queued.run as string, origin }),
    ).rejects.toMatchObject({ code: 'not_found' })
    await a.submit(thread, cancel)
    await a.until(thread, (e) => e.type === 'run.ended' && e.run !== queued.run)
    const { run } = await submit(b, thread, [[{ say: 'free' }]], 'reject')
    expect(textOf(await a.ended(thread, run))).toBe('free')
    const { messages } = await b.engine.thread(thread)
    expect(messages.at(-1)?.parts).toEqual([{ kind: 'text', text: 'free' }])
  })
}

function work(url: string): void {
  it('an idle thread is taken up at once, wherever the message came in', async () => {
    const [a, b] = await pair(url)
    const { thread } = await a.begin([[{ say: 'one ' }]])
    await a.ended(thread)
    const second = await submit(b, thread, [[{ say: 'two ' }]])
    await b.ended(thread, second.run)
    await a.engine.close()
    const third = await submit(b, thread, [[{ say: 'three' }]])
    expect(textOf(await b.ended(thread, third.run))).toBe('one two three')
  })

  it('a process that drives nothing calls the others', async () => {
    const open = newPlace(url)
    const api = await open({ settings: { drives: false } })
    await open()
    const { thread } = await api.begin([[{ say: 'by another' }]])
    expect(textOf(await api.ended(thread))).toBe('by another')
    const { run } = await submit(api, thread, [[{ say: ', again' }]])
    expect(textOf(await api.ended(thread, run))).toBe('by another, again')
    expect(api.engine.stats()).toMatchObject({ leases: 0, activeRuns: 0 })
  })

  it('what one has no room for another takes; nobody takes more than it can drive', async () => {
    const open = newPlace(url)
    const a = await open({ settings: { maxActive: 1 } })
    const hanging = await a.begin([[{ hang: true }]])
    await a.until(hanging.thread, (e) => e.type === 'turn.started')
    const b = await open({ settings: { maxActive: 2 } })
    const others = [await a.begin([[{ hang: true }]]), await a.begin([[{ hang: true }]])]
    for (const { thread } of others) await a.until(thread, (e) => e.type === 'turn.started')
    expect([a, b].map((w) => w.engine.stats().leases)).toEqual([1, 2])
    const last = await a.begin([[{ say: 'late' }]])
    await b.submit(others[0]?.thread as string, cancel)
    expect(textOf(await a.ended(last.thread))).toBe('late')
  })

  it('hands over what it leaves when it is closed', async () => {
    const [a, b] = await pair(url)
    const { thread } = await a.begin([[{ say: 'begun ' }, { pause: 30_000 }, { say: 'ended' }]])
    await b.until(thread, (e) => e.type === 'text.delta')
    const told = hear(b, thread)
    await a.engine.close()
    await eventually(() => expect(typesOf(told)).toContain('turn.interrupted'))
    await eventually(() => expect(b.engine.stats()).toMatchObject({ activeRuns: 1 }))
    expect(only(told, 'turn.interrupted')[0]?.data.cause).toBe('restart')
  })
}

function children(url: string): void {
  it('a parent hears what its child asks and how it ends in another process', async () => {
    const open = newPlace(url)
    const b = await open({ settings: QUICK })
    const a = await open({
      settings: { ...QUICK, leaseMs: 60_000, restMs: 30 },
      wrap: (store) => withoutChildren(store, () => parent),
    })
    let parent = ''
    const write = { call: 'write', input: { path: 'kid', content: 'x' } }
    const slow = [[write], [{ say: 'a' }, { pause: 400 }, { say: 'b' }]]
    const task = { call: 'task', input: { prompt: `script ${JSON.stringify(slow)}` } }
    const opened = await a.engine.openThread({ agent: 'assistant', account: 'local', origin })
    parent = opened.id
    await submit(a, parent, [[task], [{ say: 'Got: {{result}}' }]])
    const asked = await a.until(parent, (e) => e.type === 'child.asked')
    const kid = only(asked, 'child.asked')[0]?.data.thread as string
    await a.submit(parent, { do: 'answer', allow: true, origin })
    const events = await a.ended(parent)
    expect(textOf(events)).toBe('Got: ab')
    expect(only(events, 'child.settled')[0]?.data).toMatchObject({ how: 'answered' })
    expect(b.engine.stats().leases).toBeGreaterThan(0)
    expect(existsSync(join(a.files, 'kid'))).toBe(true)
    expect(only(await logOf(b, kid), 'run.ended')).toHaveLength(1)
  })

  it('a child ends with its parent, wherever each of them is driven', async () => {
    const open = newPlace(url)
    const b = await open({ settings: QUICK })
    let parent = ''
    const a = await open({
      settings: { ...QUICK, leaseMs: 60_000 },
      wrap: (store) => withoutChildren(store, () => parent),
    })
    const task = { call: 'task', input: { prompt: `script ${JSON.stringify([[{ hang: true }]])}` } }
    parent = (await a.engine.openThread({ agent: 'assistant', account: 'local', origin })).id
    await submit(a, parent, [[task]])
    const started = await a.until(parent, (e) => e.type === 'child.started')
    const kid = only(started, 'child.started')[0]?.data as { thread: string; run: string }
    await b.until(kid.thread, (e) => e.type === 'turn.started')
    await b.submit(parent, cancel)
    await b.ended(parent)
    expect(await b.store.run(kid.run)).toMatchObject({ status: 'cancelled' })
  })
}

/** A store whose process never gets a thread other than one. */
function withoutChildren(store: Store, parent: () => string): Store {
  const claimOne: Store['claimOne'] = async (worker, thread, now, until) =>
    thread === parent() ? store.claimOne(worker, thread, now, until) : null
  return { ...store, claimOne, claim: async () => [] }
}

function requests(url: string): void {
  it('answers the same request with the same key once, at whichever process it arrives', async () => {
    const [a, b] = await pair(url)
    const idempotency = { key: 'k', hash: 'h' }
    const send = (world: World, hash = 'h') =>
      world.engine.begin(
        { agent: 'assistant', account: 'local', origin },
        { do: 'submit', input: scriptInput([[{ say: 'x' }]]), busy: 'queue', origin },
        { idempotency: { ...idempotency, hash } },
      )
    const all = await Promise.all([send(a), send(b), send(a), send(b)])
    expect(new Set(all.map((r) => r.run)).size).toBe(1)
    expect(all.filter((r) => r.replayed)).toHaveLength(3)
    await expect(send(b, 'other')).rejects.toMatchObject({ code: 'duplicate' })
    expect((await a.store.threads({ limit: 9, offset: 0 })).total).toBe(1)
    const thread = all[0]?.thread as string
    const again = (world: World) =>
      world.engine.submit(
        thread,
        { do: 'submit', input: scriptInput([[{ say: 'y' }]]), busy: 'queue', origin },
        { idempotency: { key: 'k2', hash: 'h' } },
      )
    const more = await Promise.all([again(a), again(b), again(b)])
    expect(new Set(more.map((r) => r.run)).size).toBe(1)
    await a.ended(thread, more[0]?.run)
    expect(textOf(await logOf(b, thread))).toBe('xy')
  })
}
