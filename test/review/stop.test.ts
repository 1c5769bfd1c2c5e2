/** How an engine stops, and what the next one makes of what it left. */

import { afterEach, describe, expect, it } from 'vitest'
import type { Event, EventOf, EventType } from '../../src/kernel/event.ts'
import type { Request, Tool, Toolbox } from '../../src/kernel/ports.ts'
import {
  ORIGIN,
  openWorld,
  scriptInput,
  textOf,
  typesOf,
  type World,
  type WorldOptions,
} from '../support/world.ts'
import { judgeLog } from './judge.ts'

const origin = ORIGIN
const silent = { warn: () => {}, error: () => {} }
let world: World
afterEach(() => world.close())

const only = <T extends EventType>(events: Event[], type: T): EventOf<T>[] =>
  events.filter((e) => e.type === type) as EventOf<T>[]
const task = (script: unknown) => ({
  call: 'task',
  input: { prompt: `script ${JSON.stringify(script)}` },
})
const write = { call: 'write', input: { path: 'a.txt', content: 'x' } }
const answer: Request = { do: 'answer', allow: true, origin }

/** Ends the engine and gives how long that took. */
async function stop(): Promise<number> {
  const begun = performance.now()
  await world.close(false)
  return performance.now() - begun
}

const again = async (options: WorldOptions = {}): Promise<void> => {
  world = await openWorld({ ...options, folder: world.folder })
}

const never = new Promise<never>(() => {})
const plain: Omit<Tool, 'name' | 'run'> = {
  about: 'a tool',
  input: { type: 'object' },
  kind: 'plain',
  access: 'none',
  readOnly: true,
  replayable: true,
  subject: () => '',
  grant: () => null,
}
const having =
  (...tools: Tool[]) =>
  (toolbox: Toolbox): Toolbox => ({
    open: async (agent) => {
      const opened = await toolbox.open(agent)
      return { ...opened, tools: [...opened.tools, ...tools] }
    },
    reap: (mark) => toolbox.reap(mark),
    close: () => toolbox.close(),
  })

describe('close', () => {
  it('is not held up by a run that waits for a person', async () => {
    world = await openWorld({ settings: { drainMs: 8_000 } })
    const { thread } = await world.begin([[write], [{ say: 'ok' }]])
    await world.until(thread, (e) => e.type === 'ask.opened')
    expect(await stop()).toBeLessThan(3_000)
    await again()
    await world.submit(thread, answer)
    expect(textOf(await world.ended(thread))).toBe('ok')
  })

  it('is not held up by a parent whose child waits for a person', async () => {
    world = await openWorld({ settings: { drainMs: 8_000 } })
    const { thread } = await world.begin([
      [task([[task([[write], [{ say: 'deep' }]])], [{ say: 'kid: {{result}}' }]])],
      [{ say: 'Got: {{result}}' }],
    ])
    await world.until(thread, (e) => e.type === 'child.asked')
    expect(await stop()).toBeLessThan(3_000)
    await again()
    await world.submit(thread, answer)
    const events = await world.ended(thread)
    expect(textOf(events)).toBe('Got: kid: deep')
    expect(judgeLog(events)).toEqual([])
  })

  it('lets an answer that is being said come to its end', async () => {
    world = await openWorld({ settings: { drainMs: 8_000 } })
    const { thread } = await world.begin([[{ say: 'one two three four', everyMs: 40 }]])
    await world.until(thread, (e) => e.type === 'text.delta')
    await stop()
    await again()
    const events = await world.ended(thread)
    expect(textOf(events)).toBe('one two three four')
    expect(typesOf(events)).not.toContain('turn.interrupted')
  })

  it('lets a child end what it is saying before its parent', async () => {
    world = await openWorld({ settings: { drainMs: 8_000 } })
    const { thread } = await world.begin([
      [task([[{ say: 'one two three four', everyMs: 40 }]])],
      [{ say: 'Got: {{result}}' }],
    ])
    const events = await world.until(thread, (e) => e.type === 'child.started')
    const child = only(events, 'child.started')[0]?.data.thread as string
    await world.until(child, (e) => e.type === 'text.delta')
    await stop()
    await again()
    expect(typesOf(await world.ended(child))).not.toContain('turn.interrupted')
    expect(textOf(await world.ended(thread))).toBe('Got: one two three four')
  })

  it('waits no longer than it may for a model that hangs, and the next engine goes on', async () => {
    world = await openWorld({ settings: { drainMs: 300 } })
    const { thread } = await world.begin([[{ say: 'one ' }, { pause: 700 }, { say: 'two' }]])
    await world.until(thread, (e) => e.type === 'text.delta')
    expect(await stop()).toBeLessThan(3_000)
    await again()
    const events = await world.ended(thread)
    expect(textOf(events)).toBe('one two')
    expect(only(events, 'turn.interrupted').map((e) => e.data.cause)).toEqual(['restart'])
    expect(judgeLog(events)).toEqual([])
  })

  it('waits no longer than it may for a tool that does not listen', async () => {
    const deaf: Tool = {
      ...plain,
      name: 'deaf',
      async *run() {
        yield { kind: 'progress', text: 'begun' }
        await never
      },
    }
    world = await openWorld({
      settings: { drainMs: 200 },
      wrapToolbox: having(deaf),
      log: silent,
    })
    const { thread } = await world.begin([[{ call: 'deaf', input: {} }]])
    await world.until(thread, (e) => e.type === 'tool.progressed')
    const closed = await Promise.race([stop(), new Promise((go) => setTimeout(go, 8_000))])
    expect(closed).toBeLessThan(7_000)
    await again()
    const events = await world.ended(thread)
    expect(judgeLog(events)).toEqual([])
  }, 20_000)

  it('keeps the result of a tool that was done in the very moment', async () => {
    const done: Tool = {
      ...plain,
      ...{ name: 'done', replayable: false },
      async *run(_, { signal }) {
        yield { kind: 'progress', text: 'begun' }
        await new Promise<void>((go) => signal.addEventListener('abort', () => go()))
        yield { kind: 'done', output: 'paid once' }
      },
    }
    world = await openWorld({ settings: { drainMs: 0 }, wrapToolbox: having(done) })
    const { thread } = await world.begin([[{ call: 'done', input: {} }], [{ say: 'ok' }]])
    await world.until(thread, (e) => e.type === 'tool.progressed')
    await stop()
    await again({ wrapToolbox: having(done) })
    const ended = only(await world.ended(thread), 'tool.ended')
    expect(ended.map((e) => [e.data.outcome, e.data.output])).toEqual([['ok', 'paid once']])
  })

  it('may come while the engine starts, and twice', async () => {
    world = await openWorld()
    const { thread } = await world.begin([[write], [{ say: 'ok' }]])
    await world.until(thread, (e) => e.type === 'ask.opened')
    await Promise.all([world.engine.close(), world.engine.close()])
    await world.engine.start()
    await world.engine.close()
    expect(world.engine.stats().leases).toBe(0)
  })
})

describe('a server that was away for longer than a run may take', () => {
  const HOURS = 2 * 3_600_000
  /** Reads a folder, once it is let. */
  const slowly = (tool: Tool): Tool => ({
    ...tool,
    async *run(_, { signal }) {
      await new Promise<void>((stop) => signal.addEventListener('abort', () => stop()))
      yield { kind: 'failed', output: 'stopped' }
    },
  })
  const hanging = (toolbox: Toolbox): Toolbox => ({
    open: async (agent) => {
      const { tools, problems } = await toolbox.open(agent)
      return { tools: tools.map((t) => (t.name === 'list' ? slowly(t) : t)), problems }
    },
    reap: (mark) => toolbox.reap(mark),
    close: () => toolbox.close(),
  })
  const list = { call: 'list', input: {} }

  it.each([
    ['a tool', [[list], [{ say: 'done' }]]],
    ['a child', [[task([[list], [{ say: 'kid' }]])], [{ say: 'done' }]]],
  ])('goes on with %s that was at work', async (_, script) => {
    world = await openWorld({ settings: { drainMs: 0 }, wrapToolbox: hanging })
    const { thread } = await world.begin(script)
    const isBegun = (e: Event): boolean => e.type === 'tool.started' || e.type === 'child.started'
    const begun = await world.until(thread, isBegun)
    const child = only(begun, 'child.started')[0]?.data.thread
    if (child) await world.until(child, (e) => e.type === 'tool.started')
    await stop()
    await again({ clock: () => Date.now() + HOURS })
    const events = await world.ended(thread)
    expect(textOf(events)).toBe('done')
    expect(only(events, 'tool.ended').map((e) => e.data.outcome)).toEqual(['ok'])
    expect(only(events, 'run.recovered')).toHaveLength(1)
    expect(judgeLog(events)).toEqual([])
  })
})

describe('what was going to happen', () => {
  const asking = { assistant: { security: { hitlTimeoutMs: 400 } } }

  it('happens at its time: an ask expires also when the server was started again', async () => {
    world = await openWorld({ agents: asking, settings: { pollMs: 50 } })
    const { thread } = await world.begin([[write], [{ say: 'So: {{result}}' }]])
    await world.until(thread, (e) => e.type === 'ask.opened')
    await stop()
    await again({ settings: { pollMs: 50 } })
    const events = await world.ended(thread)
    expect(only(events, 'ask.settled').map((e) => e.data.how)).toEqual(['expired'])
    expect(textOf(events)).toContain('Nobody answered in time')
    expect(judgeLog(events)).toEqual([])
  })

  it('happens late when nobody was there: an ask that expired meanwhile', async () => {
    world = await openWorld({ agents: asking })
    const { thread } = await world.begin([[write], [{ say: 'on' }]])
    await world.until(thread, (e) => e.type === 'ask.opened')
    await stop()
    await new Promise((go) => setTimeout(go, 600))
    await again()
    const [settled] = only(await world.ended(thread), 'ask.settled')
    expect(settled?.data.how).toBe('expired')
  })

  it('a pause before another attempt is kept over a restart, and counted on', async () => {
    const fail = {
      code: 'overloaded',
      status: 529,
      retryable: true,
      retryAfterMs: 900,
      attempts: 2,
    }
    world = await openWorld({ settings: { pollMs: 50 } })
    const { thread } = await world.begin([[{ fail }, { say: 'here' }]])
    const broken = await world.until(thread, (e) => e.type === 'turn.interrupted')
    const retryAt = only(broken, 'turn.interrupted')[0]?.data.retryAt as number
    expect(await stop()).toBeLessThan(3_000)
    await again({ settings: { pollMs: 50 } })
    const events = await world.ended(thread)
    const starts = only(events, 'turn.started')
    expect(starts.map((e) => e.data.attempt)).toEqual([1, 2, 3])
    expect(starts[1]?.at).toBeGreaterThanOrEqual(retryAt)
    expect(textOf(events)).toBe('here')
  })

  it('goes on in order: what was queued before runs after', async () => {
    world = await openWorld({ settings: { drainMs: 100 } })
    const { thread } = await world.begin([[{ say: 'a ' }, { pause: 400 }]])
    await world.until(thread, (e) => e.type === 'text.delta')
    const say = (text: string) =>
      world.submit(thread, {
        ...{ do: 'submit', busy: 'queue', origin },
        input: scriptInput([[{ say: text }]]),
      })
    await say('b ')
    const last = await say('c')
    await stop()
    await again()
    const events = await world.ended(thread, last.run)
    expect(textOf(events)).toBe('a b c')
    expect(judgeLog(events)).toEqual([])
  })
})
