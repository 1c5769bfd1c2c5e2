/** Runs that are one call of a tool, runs that are handed over, and hooks, with real tools and files. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Event, EventOf, EventType } from '../src/kernel/event.ts'
import type { Hook } from '../src/kernel/hook.ts'
import type { Json } from '../src/kernel/part.ts'
import { rebuild } from '../src/kernel/rows.ts'
import { hook, hooked, withSwitch } from './support/hooks.ts'
import { ORIGIN, openWorld, scriptInput, textOf, typesOf, type World } from './support/world.ts'

const origin = ORIGIN
let world: World
afterEach(() => world.close())

const only = <T extends EventType>(events: Event[], type: T): EventOf<T>[] =>
  events.filter((e) => e.type === type) as EventOf<T>[]

const calling = (tool: string, input: Json) => ({
  ...{ do: 'submit' as const, busy: 'queue' as const, input: [], origin },
  call: { tool, input },
})

const newThread = { agent: 'open', account: 'local', origin }

/** An agent that asks nobody. */
const otherwise = { write: 'allow', execute: 'allow' }
const open = { model: 'scripted:x', permissions: { rules: [], otherwise } }
const OPEN = { open, other: { ...open, model: 'scripted:other' } }

describe('a run that is a call', () => {
  it('asks first, calls, and ends as the call does; no model is called', async () => {
    world = await openWorld()
    const thread = { ...newThread, agent: 'assistant' }
    const submit = calling('write', { path: 'a.txt', content: 'hi' })
    const { thread: id, run } = await world.engine.begin(thread, submit)
    await world.until(id, (e) => e.type === 'ask.opened')
    expect(existsSync(join(world.files, 'a.txt'))).toBe(false)
    await world.submit(id, { do: 'answer', allow: true, origin })
    const events = await world.ended(id)
    expect(readFileSync(join(world.files, 'a.txt'), 'utf8')).toBe('hi')
    expect(typesOf(events)).toEqual([
      ...[
        'thread.opened',
        'run.created',
        'run.started',
        'turn.started',
        'call.begun',
        'call.delta',
      ],
      ...['turn.answered', 'ask.opened', 'ask.settled', 'tool.started', 'tool.ended'],
      ...['turn.ended', 'run.ended'],
    ])
    expect(only(events, 'tool.started')[0]?.data).toMatchObject({ turn: 0, call: run })
    expect(await world.store.run(run as string)).toMatchObject({
      status: 'completed',
      model: 'none',
      preview: 'write {"path":"a.txt","content":"hi"}',
    })
    expect(await world.store.usageOf(run as string)).toEqual([])
    const { turn } = (await world.engine.thread(id)).last ?? {}
    expect(turn?.calls[0]?.result).toMatchObject({ outcome: 'ok' })
    expect((await world.store.thread(id))?.messages).toBe(2)
    expect(rebuild(id, events).runs).toEqual([await world.store.run(run as string)])
  })

  it('fails as its tool does, and when there is none', async () => {
    world = await openWorld()
    const read = await world.begin([[{ say: 'Hello.' }]])
    await world.ended(read.thread)
    const { run } = await world.submit(read.thread, calling('read', { path: 'not-there' }))
    await world.ended(read.thread, run)
    expect(await world.store.run(run as string)).toMatchObject({
      status: 'failed',
      troubleCode: 'tool_failed',
      troubleMessage: expect.stringContaining('not-there'),
    })
    const none = await world.submit(read.thread, calling('fly', {}))
    await world.ended(read.thread, none.run)
    expect((await world.store.run(none.run as string))?.troubleMessage).toContain(
      'no tool named fly',
    )
    const talk = {
      do: 'submit',
      input: scriptInput([[{ say: 'Still here.' }]]),
      busy: 'queue',
    } as const
    const after = await world.submit(read.thread, { ...talk, origin })
    expect(textOf(await world.ended(read.thread, after.run))).toContain('Still here.')
  })

  it('is cancelled like any other, and waits its turn', async () => {
    world = await openWorld({ agents: OPEN })
    const first = await world.engine.begin(newThread, calling('shell', { command: 'sleep 60' }))
    const second = await world.submit(first.thread, calling('shell', { command: 'echo two' }))
    expect(second).toMatchObject({ delivery: 'queued', position: 1 })
    await world.until(first.thread, (e) => e.type === 'tool.started')
    const reason = 'enough'
    await world.submit(first.thread, { do: 'cancel', reason, when: 'now', queue: 'keep', origin })
    const events = await world.ended(first.thread, second.run)
    expect(only(events, 'tool.ended').map((e) => e.data.outcome)).toEqual(['cancelled', 'ok'])
    expect(only(events, 'run.ended').map((e) => e.data.outcome)).toEqual(['cancelled', 'completed'])
  })
})

describe('a call of a tool', () => {
  it('is stopped when it takes longer than its agent gives it, and the run goes on', async () => {
    const brief = { ...OPEN.open, limits: { toolMs: 100 } }
    world = await openWorld({ agents: { brief } })
    const slow = { call: 'shell', input: { command: 'sleep 60; touch late' } }
    const { thread } = await world.begin([[slow], [{ say: 'Going on.' }]], { agent: 'brief' })
    const events = await world.ended(thread)
    expect(only(events, 'tool.ended')[0]?.data).toMatchObject({
      outcome: 'failed',
      output: 'The call was stopped: it took longer than 100 ms.',
      meta: { timedOut: true },
    })
    expect(textOf(events)).toBe('Going on.')
    expect(only(events, 'run.ended')[0]?.data.outcome).toBe('completed')
  })
})

describe('a run that is handed over', () => {
  it('goes on with the other agent, its model and its tools; so does the thread', async () => {
    const other = { ...OPEN.other, systemPrompt: 'You are the other.', tools: { preset: 'none' } }
    world = await openWorld({ agents: { ...OPEN, other }, wrapToolbox: withSwitch })
    const script = [
      [
        { call: 'hand_over', input: { to: 'other' } },
        { call: 'list', input: {} },
      ],
      [{ call: 'list', input: {} }],
      [{ say: 'Here I am.' }],
    ]
    const { thread } = await world.begin(script, { agent: 'open' })
    const events = await world.ended(thread)
    const [first] = only(events, 'run.switched')
    expect(first?.data).toMatchObject({ from: 'open', agent: 'other', model: 'scripted:other' })
    expect(only(events, 'turn.started').map((e) => e.data.model)).toEqual([
      'scripted:x',
      ...['scripted:other', 'scripted:other'],
    ])
    // The second call of the turn was still the first agent's; the other has no such tool.
    expect(only(events, 'tool.ended').map((e) => e.data.outcome)).toEqual(['ok', 'ok', 'failed'])
    const [, prompt] = only(events, 'turn.started')
    const hash = prompt?.data.instructions as string
    expect(await world.store.named('instructions', hash)).toContain('You are the other.')
    expect(await world.store.thread(thread)).toMatchObject({ agent: 'other', status: 'idle' })
    expect(rebuild(thread, events).thread).toEqual(await world.store.thread(thread))
  })

  it('is not, when there is no such agent', async () => {
    world = await openWorld({ agents: OPEN, wrapToolbox: withSwitch })
    const script = [[{ call: 'hand_over', input: { to: 'nobody' } }], [{ say: '{{result}}' }]]
    const { thread } = await world.begin(script, { agent: 'open' })
    const events = await world.ended(thread)
    expect(only(events, 'run.switched')).toEqual([])
    expect(textOf(events)).toContain('There is no agent nobody')
  })
})

const begin = (hooks: Hook[], script: unknown) =>
  openWorld({ agents: OPEN, wrapCatalog: hooked(hooks) }).then(async (opened) => {
    world = opened
    const { thread } = await world.begin(script, { agent: 'open' })
    return world.ended(thread)
  })

const WRITE = { call: 'write', input: { path: 'a.txt', content: 'hi' } }

describe('hooks', () => {
  it('block a call, and the model is told why', async () => {
    const guard = hook('guard', 'cat > told.json; echo "not here" >&2; exit 2', {
      tools: ['write'],
    })
    const events = await begin([guard], [[WRITE], [{ say: '{{result}}' }]])
    expect(existsSync(join(world.files, 'a.txt'))).toBe(false)
    expect(only(events, 'hook.ended').map((e) => e.data)).toMatchObject([
      { hook: 'guard', moment: 'tool.before', outcome: 'blocked', reason: 'not here' },
    ])
    expect(only(events, 'tool.ended')[0]?.data.outcome).toBe('denied')
    expect(textOf(events)).toContain('not here')
    const told = JSON.parse(readFileSync(join(world.files, 'told.json'), 'utf8'))
    expect(told).toMatchObject({
      ...{ moment: 'tool.before', agent: 'open', workspace: world.files, turn: 0 },
      call: { tool: 'write', input: WRITE.input, result: null },
    })
  })

  it('change the input of a call one after another, and speak of its result', async () => {
    const rename = (name: string, to: string): Hook =>
      hook(name, `cat > ${name}.json; echo '{"input": {"path": "${to}", "content": "new"}}'`)
    const lint = hook('lint', `echo '{"context": "One warning."}'`, { moments: ['tool.after'] })
    const hooks = [rename('one', 'b.txt'), rename('two', 'c.txt'), lint]
    const events = await begin(hooks, [[WRITE], [{ say: '{{result}}' }]])
    expect(readFileSync(join(world.files, 'c.txt'), 'utf8')).toBe('new')
    expect(existsSync(join(world.files, 'a.txt'))).toBe(false)
    const second = JSON.parse(readFileSync(join(world.files, 'two.json'), 'utf8'))
    expect(second.call.input.path).toBe('b.txt')
    expect(textOf(events)).toContain('One warning.')
    const marked = typesOf(events).filter((type) => type !== 'tool.progressed')
    expect(marked.slice(6, 13)).toEqual([
      ...['turn.answered', 'hook.ended', 'hook.ended', 'tool.started', 'tool.ended', 'hook.ended'],
      'turn.ended',
    ])
  })

  it('that fail or take too long stop nothing', async () => {
    const hooks = [hook('broken', 'exit 7'), hook('slow', 'sleep 60', { timeoutMs: 50 })]
    const lost = hook('lost', 'true', { form: 'nobody' })
    const events = await begin([...hooks, lost], [[WRITE], [{ say: 'OK.' }]])
    expect(only(events, 'hook.ended').map((e) => [e.data.outcome, e.data.reason])).toEqual([
      ['failed', 'It ended with 7.'],
      ['failed', 'It was ended after 50 ms.'],
      ['failed', 'Nobody knows how to speak nobody.'],
    ])
    expect(readFileSync(join(world.files, 'a.txt'), 'utf8')).toBe('hi')
  })

  it('speak before a turn, and are told of the end', async () => {
    const brief = hook('brief', `echo '{"context": "Be brief."}'`, { moments: ['model.before'] })
    const bell = hook('bell', 'cat >> bell.json', { moments: ['run.completed', 'run.failed'] })
    const events = await begin([brief, bell], [[{ say: 'Hello.' }]])
    const hash = only(events, 'turn.started')[0]?.data.instructions as string
    expect(await world.store.named('instructions', hash)).toContain('Be brief.')
    expect(typesOf(events).slice(-2)).toEqual(['hook.ended', 'run.ended'])
    const rung = JSON.parse(readFileSync(join(world.files, 'bell.json'), 'utf8'))
    expect(rung).toMatchObject({ moment: 'run.completed', call: null })
  })

  it('are told of the end also when it is the time that is over', async () => {
    const bell = hook('bell', 'cat > bell.json', { moments: ['run.failed'] })
    const brief = { ...OPEN.open, limits: { wallMs: 100 } }
    world = await openWorld({ agents: { brief }, wrapCatalog: hooked([bell]) })
    const { thread } = await world.begin([[{ say: 'Hm.' }, { hang: true }]], { agent: 'brief' })
    const events = await world.ended(thread)
    expect(only(events, 'run.ended')[0]?.data.stop).toBe('time')
    expect(only(events, 'hook.ended').map((e) => e.data.outcome)).toEqual(['passed'])
    expect(existsSync(join(world.files, 'bell.json'))).toBe(true)
  })

  it('stop a run before its model is called', async () => {
    const gate = hook('gate', 'echo "closed today" >&2; exit 2', { moments: ['model.before'] })
    const events = await begin([gate], [[{ say: 'Hello.' }]])
    expect(only(events, 'turn.started')).toEqual([])
    expect(only(events, 'run.ended')[0]?.data).toMatchObject({
      ...{ outcome: 'failed', stop: 'blocked' },
      trouble: { code: 'hook_blocked', message: 'closed today' },
    })
  })

  it('are performed before a person is asked, who sees what they have made of the call', async () => {
    const input = '{"input": {"path": "b.txt", "content": "x"}}'
    world = await openWorld({ wrapCatalog: hooked([hook('one', `echo '${input}'`)]) })
    const { thread } = await world.begin([[WRITE], [{ say: 'OK.' }]])
    const events = await world.until(thread, (e) => e.type === 'ask.opened')
    expect(only(events, 'ask.opened')[0]?.data.body).toMatchObject({
      calls: [{ tool: 'write', subject: 'b.txt', input: { path: 'b.txt' } }],
    })
    await world.submit(thread, { do: 'answer', allow: true, origin })
    expect(only(await world.ended(thread), 'hook.ended')).toHaveLength(1)
    expect(existsSync(join(world.files, 'b.txt'))).toBe(true)
  })

  it('end with the run that is cancelled', async () => {
    const hooks = [hook('slow', 'echo begun > begun; sleep 60; echo late > late')]
    world = await openWorld({ agents: OPEN, wrapCatalog: hooked(hooks) })
    const { thread } = await world.begin([[WRITE]], { agent: 'open' })
    await world.until(thread, (e) => e.type === 'tool.progressed')
    const cancel = { do: 'cancel', reason: null, when: 'now', queue: 'keep', origin } as const
    await world.submit(thread, cancel)
    const events = await world.ended(thread)
    expect(only(events, 'hook.ended')).toEqual([])
    expect(only(events, 'run.ended')[0]?.data.outcome).toBe('cancelled')
    expect(existsSync(join(world.files, 'late'))).toBe(false)
  })
})
