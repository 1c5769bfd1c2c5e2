import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Event, EventOf, EventType } from '../src/kernel/event.ts'
import type { Grant } from '../src/kernel/policy.ts'
import { ORIGIN, openWorld, scriptInput, textOf, typesOf, type World } from './support/world.ts'

const origin = ORIGIN
let world: World

const only = <T extends EventType>(events: Event[], type: T): EventOf<T>[] =>
  events.filter((e) => e.type === type) as EventOf<T>[]

const milestonesOf = (events: Event[]): string[] => {
  const types = typesOf(events).filter((t) => !t.endsWith('.delta') && t !== 'tool.progressed')
  return types
}

describe('the engine', () => {
  afterEach(() => world.close())

  it('answers, and every event is dense, ordered and durable', async () => {
    world = await openWorld()
    const { thread, run, delivery } = await world.begin([[{ say: 'Hello there.' }]])
    expect(delivery).toBe('started')
    const events = await world.ended(thread)
    expect(milestonesOf(events)).toEqual([
      ...['thread.opened', 'run.created', 'run.started', 'turn.started'],
      ...['turn.answered', 'turn.ended', 'run.ended'],
    ])
    expect(textOf(events)).toBe('Hello there.')
    expect(events.map((e) => e.seq)).toEqual(events.map((_, i) => i + 1))
    expect(await world.store.read(thread, 0, 1_000)).toEqual(events)
    expect(await world.store.run(run as string)).toMatchObject({ status: 'completed', turns: 1 })
    expect(await world.store.thread(thread)).toMatchObject({ status: 'idle', due: false, runs: 1 })
  })

  it('asks before it writes, and writes when a person says so', async () => {
    world = await openWorld()
    const script = [
      [{ say: 'Writing. ' }, { call: 'write', input: { path: 'a.txt', content: 'hi' } }],
      [{ say: 'Done: {{result}}' }],
    ]
    const { thread } = await world.begin(script)
    await world.until(thread, (e) => e.type === 'ask.opened')
    expect(existsSync(join(world.files, 'a.txt'))).toBe(false)
    const asks = await world.store.asks({ limit: 10, offset: 0 })
    expect(asks.items).toMatchObject([
      { thread, body: { kind: 'approval', calls: [{ tool: 'write', subject: 'a.txt' }] } },
    ])
    await world.submit(thread, { do: 'answer', allow: true, origin })
    const events = await world.ended(thread)
    expect(readFileSync(join(world.files, 'a.txt'), 'utf8')).toBe('hi')
    expect(milestonesOf(events).slice(4)).toEqual([
      ...['call.begun', 'turn.answered', 'ask.opened', 'ask.settled', 'tool.started', 'tool.ended'],
      ...['turn.ended', 'turn.started', 'turn.answered', 'turn.ended', 'run.ended'],
    ])
    expect((await world.store.asks({ limit: 10, offset: 0 })).total).toBe(0)
  })

  it('does not write when the person says no, and tells the model', async () => {
    world = await openWorld()
    const { thread } = await world.begin([
      [{ call: 'write', input: { path: 'a.txt', content: 'hi' } }],
      [{ say: 'OK.' }],
    ])
    await world.until(thread, (e) => e.type === 'ask.opened')
    await world.submit(thread, { do: 'answer', allow: false, reason: 'not now', origin })
    const events = await world.ended(thread)
    expect(existsSync(join(world.files, 'a.txt'))).toBe(false)
    expect(only(events, 'tool.ended')[0]?.data).toMatchObject({
      outcome: 'denied',
      output: expect.stringContaining('not now'),
    })
  })

  it('remembers an "always" for the agent', async () => {
    world = await openWorld()
    const write = (path: string) => [
      [{ call: 'write', input: { path, content: 'x' } }],
      [{ say: 'OK.' }],
    ]
    const first = await world.begin(write('a.txt'))
    await world.until(first.thread, (e) => e.type === 'ask.opened')
    await world.engine.submit(
      first.thread,
      { do: 'answer', allow: true, origin },
      { remember: true },
    )
    await world.ended(first.thread)
    const second = await world.begin(write('b.txt'))
    expect(typesOf(await world.ended(second.thread))).not.toContain('ask.opened')
    const third = await world.begin(write('src/c.txt'))
    const asked = await world.until(third.thread, (e) => e.type === 'ask.opened')
    expect(only(asked, 'ask.opened')[0]?.data.body).toMatchObject({ calls: [{ grant: 'src/*' }] })
    const [grant] = await world.engine.grants('assistant')
    expect(grant).toEqual({ agent: 'assistant', tool: 'write', pattern: './*' })
    await world.engine.revoke(grant as Grant)
    const fourth = await world.begin(write('d.txt'))
    await world.until(fourth.thread, (e) => e.type === 'ask.opened')
  })

  it('queues, steers and interrupts', async () => {
    world = await openWorld()
    const slow = [
      [
        { say: 'one two three', everyMs: 20 },
        { call: 'list', input: {} },
      ],
      [{ hang: true }],
    ]
    const { thread } = await world.begin(slow)
    const say = (text: string, busy: 'queue' | 'steer' | 'interrupt' | 'reject') =>
      world.submit(thread, {
        do: 'submit',
        input: busy === 'steer' ? [{ kind: 'text', text }] : scriptInput([[{ say: text }]]),
        busy,
        origin,
      })
    await expect(say('no', 'reject')).rejects.toMatchObject({ code: 'busy' })
    const queued = await say('queued', 'queue')
    expect(queued).toMatchObject({ delivery: 'queued', position: 1 })
    expect(await say('steered', 'steer')).toMatchObject({ delivery: 'steered' })
    await world.until(thread, (e) => e.type === 'turn.started' && e.data.turn === 1)
    const { messages } = await world.engine.thread(thread)
    expect(messages.filter((m) => m.steered)).toHaveLength(1)
    const urgent = await say('urgent', 'interrupt')
    const events = await world.ended(thread, queued.run)
    const ends = only(events, 'run.ended').map((e) => [e.run, e.data.outcome])
    expect(ends.slice(1)).toEqual([
      [urgent.run, 'completed'],
      [queued.run, 'completed'],
    ])
    expect(ends[0]?.[1]).toBe('cancelled')
  })

  it('cancels a model that hangs, at once', async () => {
    world = await openWorld()
    const { thread } = await world.begin([[{ say: 'Hel' }, { hang: true }]])
    await world.until(thread, (e) => e.type === 'text.delta')
    await world.submit(thread, { do: 'cancel', reason: null, when: 'now', queue: 'keep', origin })
    const events = await world.ended(thread)
    expect(only(events, 'run.ended')[0]?.data).toMatchObject({ outcome: 'cancelled' })
    expect((await world.engine.thread(thread)).messages.at(-1)?.parts).toEqual([
      { kind: 'text', text: 'Hel' },
    ])
  })

  it('cancels a command with everything it started', async () => {
    world = await openWorld({
      agents: { assistant: { permissions: { rules: [], otherwise: { execute: 'allow' } } } },
    })
    const command = '(trap "" TERM; sleep 30; echo late > late.txt) & echo started; wait'
    const { thread } = await world.begin([[{ call: 'shell', input: { command } }]])
    await world.until(
      thread,
      (e) => e.type === 'tool.progressed' && e.data.text.includes('started'),
    )
    await world.submit(thread, { do: 'cancel', reason: null, when: 'now', queue: 'keep', origin })
    const events = await world.ended(thread)
    expect(only(events, 'tool.ended')[0]?.data.outcome).toBe('cancelled')
    expect(only(events, 'tool.progressed').some((e) => e.data.process)).toBe(true)
  })

  it('tries again after a failure that passes, and says so in the log', async () => {
    world = await openWorld()
    const fail = { code: 'overloaded', message: 'busy', status: 529, retryable: true, attempts: 2 }
    const { thread } = await world.begin([[{ fail }, { say: 'Here.' }]])
    const events = await world.ended(thread)
    expect(only(events, 'turn.interrupted').map((e) => e.data.trouble?.code)).toEqual([
      'overloaded',
      'overloaded',
    ])
    expect(only(events, 'turn.started').map((e) => e.data.attempt)).toEqual([1, 2, 3])
    expect(only(events, 'run.ended')[0]?.data.outcome).toBe('completed')
  })

  it('goes on after a cut from where it was cut', async () => {
    world = await openWorld()
    const { thread } = await world.begin([
      [{ say: 'one two ' }, { cut: true, attempts: 1 }, { say: 'three' }],
    ])
    const events = await world.ended(thread)
    expect(textOf(events)).toBe('one two three')
    expect((await world.engine.thread(thread)).messages.at(-1)?.parts).toEqual([
      { kind: 'text', text: 'one two three' },
    ])
  })

  it('fails a run whose model refuses for good', async () => {
    world = await openWorld()
    const fail = { code: 'unauthorized', message: 'wrong key', status: 401, retryable: false }
    const { thread } = await world.begin([[{ fail }]])
    expect(only(await world.ended(thread), 'run.ended')[0]?.data).toMatchObject({
      outcome: 'failed',
      trouble: { code: 'unauthorized', message: 'wrong key' },
    })
  })

  it('answers the same request with the same key once', async () => {
    world = await openWorld()
    const idempotency = { key: 'k', hash: 'h1' }
    const send = (hash = 'h1') =>
      world.engine.begin(
        { agent: 'assistant', account: 'local', origin },
        { do: 'submit', input: scriptInput([[{ say: 'x' }]]), busy: 'queue', origin },
        { idempotency: { ...idempotency, hash } },
      )
    const all = await Promise.all([send(), send(), send()])
    expect(new Set(all.map((r) => r.run)).size).toBe(1)
    expect(all.filter((r) => r.replayed)).toHaveLength(2)
    await expect(send('h2')).rejects.toMatchObject({ code: 'duplicate' })
    expect((await world.store.threads({ limit: 10, offset: 0 })).total).toBe(1)
  })

  it('asks a question and takes the answer as the result', async () => {
    world = await openWorld()
    const { thread } = await world.begin([
      [{ call: 'ask_user', input: { question: 'Colour?' } }],
      [{ say: 'So {{result}}.' }],
    ])
    await world.until(thread, (e) => e.type === 'ask.opened')
    await world.submit(thread, { do: 'answer', answer: 'red', origin })
    expect(textOf(await world.ended(thread))).toBe('So red.')
  })

  it('gives a task to a child thread and counts its usage', async () => {
    world = await openWorld()
    const child = `script ${JSON.stringify([[{ say: 'child says hi' }]])}`
    const { thread, run } = await world.begin([
      [{ call: 'task', input: { prompt: child, name: 'kid' } }],
      [{ say: 'Got: {{result}}' }],
    ])
    const events = await world.ended(thread)
    expect(textOf(events)).toBe('Got: child says hi')
    expect(typesOf(events)).toContain('child.ended')
    expect(await world.store.run(run as string)).toMatchObject({ usage: { inputTokens: 300 } })
    const children = await world.store.threads({ parentThread: thread, limit: 5, offset: 0 })
    expect(children.items).toMatchObject([{ title: 'kid', parentThread: thread }])
  })

  it('tells the parent what its child asks, and hands the answer on', async () => {
    world = await openWorld()
    const write = { call: 'write', input: { path: 'kid.txt', content: 'x' } }
    const child = `script ${JSON.stringify([[write], [{ say: 'written' }]])}`
    const parent = [[{ call: 'task', input: { prompt: child } }], [{ say: 'Got: {{result}}' }]]
    const { thread, run } = await world.begin(parent)
    await world.until(thread, (e) => e.type === 'child.asked')
    expect(await world.store.run(run as string)).toMatchObject({ status: 'waiting' })
    await world.submit(thread, { do: 'answer', allow: true, origin })
    const events = await world.ended(thread)
    expect(only(events, 'child.settled')[0]?.data).toMatchObject({
      how: 'answered',
      rulings: { call_1_1: { allow: true } },
    })
    expect(textOf(events)).toBe('Got: written')
    expect(existsSync(join(world.files, 'kid.txt'))).toBe(true)
  })

  it('closes what a child asks when the parent is cancelled', async () => {
    world = await openWorld()
    const child = `script ${JSON.stringify([[{ call: 'write', input: { path: 'kid.txt', content: 'x' } }]])}`
    const { thread } = await world.begin([[{ call: 'task', input: { prompt: child } }]])
    await world.until(thread, (e) => e.type === 'child.asked')
    await world.submit(thread, { do: 'cancel', reason: null, when: 'now', queue: 'keep', origin })
    const events = await world.ended(thread)
    expect(only(events, 'child.settled')[0]?.data).toMatchObject({ how: 'cancelled' })
    expect((await world.store.asks({ limit: 10, offset: 0 })).total).toBe(0)
  })

  it('cancels a child with its parent', async () => {
    world = await openWorld()
    const child = `script ${JSON.stringify([[{ say: 'hm' }, { hang: true }]])}`
    const { thread } = await world.begin([[{ call: 'task', input: { prompt: child } }]])
    const [started] = only(
      await world.until(thread, (e) => e.type === 'child.started'),
      'child.started',
    )
    await world.until(started?.data.thread as string, (e) => e.type === 'text.delta')
    await world.submit(thread, { do: 'cancel', reason: null, when: 'now', queue: 'keep', origin })
    await world.ended(thread)
    expect(await world.store.run(started?.data.run as string)).toMatchObject({
      status: 'cancelled',
    })
  })

  it('compacts on command and keeps the original', async () => {
    world = await openWorld()
    const { thread } = await world.begin([[{ say: 'first' }]])
    await world.ended(thread)
    for (let i = 0; i < 5; i++) {
      const { run } = await world.submit(thread, {
        do: 'submit',
        input: scriptInput([[{ say: `answer ${i}` }]]),
        busy: 'queue',
        origin,
      })
      await world.ended(thread, run)
    }
    const { run } = await world.submit(thread, { do: 'compact', origin })
    const events = await world.ended(thread, run)
    expect(only(events, 'context.compacted')[0]?.data).toMatchObject({ messagesAfter: 9 })
    const state = await world.engine.thread(thread)
    expect(state.messages).toHaveLength(12)
    expect(state.summary?.from).toBe(4)
  })

  it('forks from any place without a call left open', async () => {
    world = await openWorld()
    const { thread } = await world.begin([
      [{ say: 'Look. ' }, { call: 'list', input: {} }],
      [{ say: 'Seen.' }],
    ])
    const events = await world.ended(thread)
    for (let seq = 1; seq <= events.length; seq++) {
      const fork = await world.engine.fork(thread, seq, origin)
      const calls = fork.messages.flatMap((m) => m.parts.filter((p) => p.kind === 'call'))
      const results = fork.messages.flatMap((m) => m.parts.filter((p) => p.kind === 'result'))
      expect(results).toHaveLength(calls.length)
      expect(fork.forkedFrom).toEqual({ thread, seq })
    }
  })

  it('pauses at the limit of money and goes on when it is raised', async () => {
    world = await openWorld({ agents: { assistant: { limits: { costUsd: 1 } } } })
    const dear = { usage: { costUsd: 0.7 } }
    const list = { call: 'list', input: {} }
    const { thread } = await world.begin([[dear, list], [dear, list], [{ say: 'Done.' }]])
    const asked = await world.until(thread, (e) => e.type === 'ask.opened')
    expect(only(asked, 'ask.opened')[0]?.data.body).toMatchObject({ kind: 'limit', limitUsd: 1 })
    await world.submit(thread, { do: 'answer', allow: true, origin })
    expect(only(await world.ended(thread), 'run.ended')[0]?.data.outcome).toBe('completed')
  })

  it('lets many threads go on side by side', async () => {
    world = await openWorld()
    const runs = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        world.begin([[{ say: `n${i} ` }, { call: 'list', input: {} }], [{ say: 'end' }]]),
      ),
    )
    const ends = await Promise.all(runs.map((r) => world.ended(r.thread)))
    expect(ends.map((e) => textOf(e))).toEqual(runs.map((_, i) => `n${i} end`))
  })

  it('erases a thread with what its models were told', async () => {
    world = await openWorld()
    const input = scriptInput([[{ say: 'Hello.' }]])
    const thread = await world.engine.openThread({ agent: 'assistant', account: 'local', origin })
    const ask = { do: 'submit', input, busy: 'queue', instructions: 'A secret.', origin } as const
    const { run } = await world.submit(thread.id, ask)
    const events = await world.ended(thread.id, run)
    const hash = only(events, 'turn.started')[0]?.data.instructions as string
    expect(await world.store.named('instructions', hash)).toContain('A secret.')
    await world.engine.erase(thread.id)
    expect(await world.store.list('instructions')).toEqual([])
  })

  it('keeps what an agent is told in every thread once', async () => {
    world = await openWorld()
    const threads = [await world.begin([[{ say: 'a' }]]), await world.begin([[{ say: 'b' }]])]
    for (const { thread } of threads) await world.ended(thread)
    expect(await world.store.list('instructions')).toHaveLength(1)
  })

  it('forgets the answers of requests after a week', async () => {
    world = await openWorld()
    const idempotency = { key: 'k', hash: 'h1' }
    const fresh = { agent: 'assistant', account: 'local', origin }
    await world.engine.openThread(fresh, { idempotency })
    await world.store.dropExpired(Date.now() + 6 * 24 * 3_600_000)
    expect(await world.engine.recall(idempotency)).not.toBeNull()
    await world.store.dropExpired(Date.now() + 8 * 24 * 3_600_000)
    expect(await world.engine.recall(idempotency)).toBeNull()
  })

  it('erases a thread with its run', async () => {
    world = await openWorld()
    const { thread, run } = await world.begin([[{ hang: true }]])
    await world.until(thread, (e) => e.type === 'turn.started')
    await world.engine.erase(thread)
    await expect(world.engine.thread(thread)).rejects.toMatchObject({ code: 'not_found' })
    expect(await world.store.run(run as string)).toBeNull()
  })
})
