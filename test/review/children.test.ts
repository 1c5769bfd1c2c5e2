/** Parents and children: who waits for whom, and what is left when one of them goes. */

import { afterEach, describe, expect, it } from 'vitest'
import type { Event, EventOf, EventType } from '../../src/kernel/event.ts'
import type { Request, Store } from '../../src/kernel/ports.ts'
import {
  ORIGIN,
  openWorld as open,
  scriptInput,
  textOf,
  type World,
  type WorldOptions,
} from '../support/world.ts'
import { judgeLog } from './judge.ts'

const origin = ORIGIN
const openWorld = (options: WorldOptions = {}): Promise<World> =>
  open({ ...options, settings: { drainMs: 200, ...options.settings } })
let world: World
afterEach(() => world.close())

const only = <T extends EventType>(events: Event[], type: T): EventOf<T>[] =>
  events.filter((e) => e.type === type) as EventOf<T>[]
const cancel: Request = { do: 'cancel', reason: null, when: 'now', queue: 'keep', origin }
const task = (script: unknown, more: object = {}) => ({
  call: 'task',
  input: { prompt: `script ${JSON.stringify(script)}`, ...more },
})
const write = (path: string) => ({ call: 'write', input: { path, content: 'x' } })
const childOf = async (thread: string): Promise<{ thread: string; run: string }> => {
  const events = await world.until(thread, (e) => e.type === 'child.started')
  return only(events, 'child.started')[0]?.data as never
}
const silent = { warn: () => {}, error: () => {} }

describe('a child', () => {
  it('gets its turn also when its parent has taken the last place', async () => {
    world = await openWorld({ settings: { maxActive: 1 } })
    const { thread } = await world.begin([
      [task([[task([[{ say: 'deep' }]])], [{ say: 'kid: {{result}}' }]])],
      [{ say: 'Got: {{result}}' }],
    ])
    expect(textOf(await world.ended(thread))).toBe('Got: kid: deep')
  })

  it('that is looked at before it exists is the same child afterwards', async () => {
    world = await openWorld()
    const { thread } = await world.begin([
      [task([[write('a.txt')], [{ say: 'kid' }]])],
      [{ say: 'Got: {{result}}' }],
    ])
    const asked = new Promise<string>((resolve) => {
      world.engine.follow({
        thread,
        after: 0,
        tell(events) {
          for (const e of events) {
            if (e.type === 'child.started')
              void world.engine.thread(e.data.thread).catch(() => null)
            if (e.type === 'child.asked') resolve(e.data.thread)
          }
        },
      })
    })
    const child = await asked
    await world.submit(child, { do: 'answer', allow: true, origin })
    expect(textOf(await world.ended(thread))).toBe('Got: kid')
  })

  it('reports what was asked of it, whatever else was said in its thread', async () => {
    world = await openWorld()
    let go = (): void => {}
    const gate = new Promise<void>((resolve) => {
      go = resolve
    })
    await world.close()
    // The parent hears late: its own appends are held back until the child has had another run.
    let held: string | null = null
    const wrap = (store: Store): Store =>
      new Proxy(store, {
        get(target, name) {
          const value = Reflect.get(target, name) as unknown
          if (name === 'append')
            return async (what: Parameters<Store['append']>[0]) => {
              if (what.thread === held && what.events.some((e) => e.type === 'child.asked'))
                await gate
              return target.append(what)
            }
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    world = await openWorld({ wrap })
    const { thread } = await world.begin([
      [task([[write('a.txt')], [{ say: 'right' }]])],
      [{ say: 'Got: {{result}}' }],
    ])
    held = thread
    const child = await childOf(thread)
    await world.until(child.thread, (e) => e.type === 'ask.opened')
    await world.submit(child.thread, { do: 'answer', allow: true, origin })
    await world.ended(child.thread, child.run)
    const other = await world.submit(child.thread, {
      ...{ do: 'submit', busy: 'queue', origin },
      input: scriptInput([[{ say: 'wrong' }]]),
    })
    await world.ended(child.thread, other.run)
    go()
    const events = await world.ended(thread)
    expect(textOf(events)).toBe('Got: right')
    expect(only(events, 'child.ended')[0]?.data).toMatchObject({ output: 'right', turns: 2 })
    expect(judgeLog(events)).toEqual([])
  })

  it('that was cancelled with its parent has ended in the parent’s log too, and was paid for', async () => {
    world = await openWorld()
    const dear = { usage: { costUsd: 0.5 } }
    const { thread, run } = await world.begin([
      [
        task([
          [dear, { call: 'list', input: {} }],
          [{ say: 'hm' }, { hang: true }],
        ]),
      ],
    ])
    const child = await childOf(thread)
    await world.until(child.thread, (e) => e.type === 'text.delta')
    await world.submit(thread, cancel)
    const events = await world.ended(thread)
    expect(judgeLog(events)).toEqual([])
    expect(only(events, 'child.ended')[0]?.data).toMatchObject({ outcome: 'cancelled' })
    const spent = (await world.store.run(run as string))?.usage.costUsd
    expect(spent).toBe(0.5)
  })

  it('that was answered in part asks, in its parents’ logs, for what is left', async () => {
    world = await openWorld()
    const deep = task([[write('a.txt'), write('b.txt')], [{ say: 'deep' }]])
    const { thread } = await world.begin([
      [task([[deep], [{ say: 'kid' }]])],
      [{ say: 'Got: {{result}}' }],
    ])
    const asked = await world.until(thread, (e) => e.type === 'child.asked')
    const callsOf = (event: EventOf<'child.asked'>): string[] =>
      'calls' in event.data.body ? event.data.body.calls.map((c) => c.call) : []
    const [a, b] = callsOf(only(asked, 'child.asked')[0] as EventOf<'child.asked'>)
    const answer = { do: 'answer', origin } as const
    await world.submit(thread, { ...answer, call: a as string, allow: true })
    let times = 0
    await world.until(thread, (e) => e.type === 'child.asked' && ++times === 2)
    await world.submit(thread, { ...answer, call: b as string, allow: false })
    const events = await world.ended(thread)
    expect(only(events, 'child.asked').map(callsOf)).toEqual([[a, b], [b]])
    expect(only(events, 'child.settled').map((e) => e.data.rulings)).toMatchObject([
      { [a as string]: { allow: true } },
      { [b as string]: { allow: false } },
    ])
    expect(only(events, 'child.settled').map((e) => Object.keys(e.data.rulings))).toEqual([
      [a],
      [b],
    ])
    expect(textOf(events)).toBe('Got: kid')
    expect(judgeLog(events)).toEqual([])
  })

  it('says no more than a tool may', async () => {
    world = await openWorld({ settings: { outputLimit: 1_000 } })
    const { thread } = await world.begin([[task([[{ say: 'x'.repeat(5_000) }]])], [{ say: 'ok' }]])
    const events = await world.ended(thread)
    expect(only(events, 'tool.ended')[0]?.data.output.length).toBeLessThan(1_100)
    expect(only(events, 'tool.ended')[0]?.data.rawBytes).toBe(5_000)
  })

  it('that waits for a person does not use up the time of its parent', async () => {
    world = await openWorld({
      agents: {
        assistant: { limits: { wallMs: 2_500 } },
        kid: { limits: { wallMs: 60_000 } },
      },
    })
    const { thread } = await world.begin([
      [task([[write('a.txt')], [{ say: 'kid' }]])],
      [{ say: 'Got: {{result}}' }],
    ])
    await world.until(thread, (e) => e.type === 'child.asked')
    await new Promise((go) => setTimeout(go, 2_800))
    await world.submit(thread, { do: 'answer', allow: true, origin })
    const events = await world.ended(thread)
    expect(only(events, 'run.ended')[0]?.data).toMatchObject({ outcome: 'completed' })
    expect(judgeLog(events)).toEqual([])
  })

  it('is ended when the time of its parent is over', async () => {
    world = await openWorld({
      agents: {
        assistant: { limits: { wallMs: 1_500 }, subagents: ['kid'] },
        kid: { limits: { wallMs: 60_000 } },
      },
    })
    const { thread } = await world.begin([
      [task([[{ say: 'hm' }, { hang: true }]], { agent: 'kid' })],
    ])
    const child = await childOf(thread)
    const events = await world.ended(thread)
    expect(only(events, 'run.ended')[0]?.data).toMatchObject({ outcome: 'failed', stop: 'time' })
    expect(await world.store.run(child.run)).toMatchObject({ status: 'cancelled' })
    expect(judgeLog(events)).toEqual([])
  })

  it('is not left behind when the agent of its parent is taken away', async () => {
    const agents = { boss: { subagents: ['assistant'] } }
    world = await openWorld({ agents, log: silent })
    const { thread } = await world.begin(
      [[task([[{ say: 'hm' }, { hang: true }]], { agent: 'assistant' })]],
      { agent: 'boss' },
    )
    const child = await childOf(thread)
    await world.until(child.thread, (e) => e.type === 'text.delta')
    await world.close(false)
    const { folder } = world
    const { rmSync } = await import('node:fs')
    rmSync(`${folder}/agents/boss`, { recursive: true })
    world = await openWorld({ folder, log: silent })
    const events = await world.ended(thread)
    expect(only(events, 'run.ended')[0]?.data.trouble).toMatchObject({ code: 'unknown_agent' })
    expect(judgeLog(events)).toEqual([])
    const kid = await world.ended(child.thread)
    expect(only(kid, 'run.ended')[0]?.data.outcome).toBe('cancelled')
  })

  it('is no deeper than it may be', async () => {
    world = await openWorld({ settings: { maxDepth: 2 } })
    const { thread } = await world.begin([
      [task([[task([[{ say: 'too deep' }]])], [{ say: '{{result}}' }]])],
      [{ say: '{{result}}' }],
    ])
    expect(textOf(await world.ended(thread))).toBe('Tasks may be nested 2 deep, not more.')
  })

  it('of an agent that nobody knows fails as a tool, and the run goes on', async () => {
    world = await openWorld({ agents: { assistant: { subagents: 'any' } } })
    const { thread } = await world.begin([
      [task([[{ say: 'x' }]], { agent: 'nobody' })],
      [{ say: 'on' }],
    ])
    const events = await world.ended(thread)
    expect(only(events, 'tool.ended')[0]?.data).toMatchObject({
      outcome: 'failed',
      output: expect.stringContaining('no agent nobody'),
    })
    expect(textOf(events)).toBe('on')
    expect(judgeLog(events)).toEqual([])
  })
})

describe('a parent that loses its thread to another worker', () => {
  it('lets go of it, and the process lives', async () => {
    let isTaken = false
    let parent = ''
    const wrap = (store: Store): Store =>
      new Proxy(store, {
        get(target, name) {
          const value = Reflect.get(target, name) as unknown
          if (name === 'append')
            return async (what: Parameters<Store['append']>[0]) =>
              isTaken && what.thread === parent && what.epoch !== null
                ? 'fenced'
                : target.append(what)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    world = await openWorld({ wrap, log: silent })
    const unhandled: unknown[] = []
    const hear = (error: unknown): void => {
      unhandled.push(error)
    }
    process.on('unhandledRejection', hear)
    const { thread } = await world.begin([
      [
        task([
          [{ say: 'a' }, { pause: 150 }, write('a.txt')],
          [{ pause: 100 }, { say: 'kid' }],
        ]),
      ],
    ])
    parent = thread
    const child = await childOf(thread)
    await world.until(child.thread, (e) => e.type === 'text.delta')
    isTaken = true
    await world.until(child.thread, (e) => e.type === 'ask.opened')
    await new Promise((go) => setTimeout(go, 50))
    await world.submit(child.thread, { do: 'answer', allow: true, origin })
    await world.ended(child.thread)
    await new Promise((go) => setTimeout(go, 50))
    process.off('unhandledRejection', hear)
    expect(unhandled).toEqual([])
  })
})
