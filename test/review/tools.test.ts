/** Tools that break, lie, or leave something behind; and limits that are reached in the middle. */

import { afterEach, describe, expect, it } from 'vitest'
import type { Event, EventOf, EventType, ProcessMark } from '../../src/kernel/event.ts'
import type { Models, Store, Tool, Toolbox, ToolItem } from '../../src/kernel/ports.ts'
import {
  ORIGIN,
  openWorld as open,
  scriptInput,
  textOf,
  typesOf,
  type World,
  type WorldOptions,
} from '../support/world.ts'
import { judgeLog } from './judge.ts'

const origin = ORIGIN
const silent = { warn: () => {}, error: () => {} }
const openWorld = (options: WorldOptions = {}): Promise<World> =>
  open({ ...options, settings: { drainMs: 200, ...options.settings } })
let world: World
afterEach(() => world.close())

const only = <T extends EventType>(events: Event[], type: T): EventOf<T>[] =>
  events.filter((e) => e.type === type) as EventOf<T>[]
const rest = (ms: number): Promise<void> => new Promise((go) => setTimeout(go, ms))
const call = (tool: string, input: unknown = {}) => ({ call: tool, input })

/** A tool of the name that does what the function does. */
const tool = (name: string, run: Tool['run'], more: Partial<Tool> = {}): Tool => ({
  ...{ name, run, about: 'a tool', input: { type: 'object' }, kind: 'plain', access: 'none' },
  ...{ readOnly: true, replayable: true, subject: () => '', grant: () => null },
  ...more,
})
const having =
  (tools: Tool[], reap?: Toolbox['reap']) =>
  (toolbox: Toolbox): Toolbox => ({
    open: async (agent) => {
      const opened = await toolbox.open(agent)
      return { ...opened, tools: [...opened.tools, ...tools] }
    },
    reap: reap ?? ((mark) => toolbox.reap(mark)),
    close: () => toolbox.close(),
  })
async function* items(...all: ToolItem[]): AsyncGenerator<ToolItem> {
  yield* all
}

describe('tools', () => {
  it('side by side: one that fails harms no other, and results stand in the order of the calls', async () => {
    const late = tool('late', async function* () {
      await rest(40)
      yield { kind: 'done', output: 'late' }
    })
    const early = tool('early', () => items({ kind: 'done', output: 'early' }))
    const bad = tool('bad', async function* () {
      yield { kind: 'progress', text: 'x' }
      throw new Error('bang')
    })
    world = await openWorld({ wrapToolbox: having([late, early, bad]) })
    const { thread } = await world.begin([
      [call('late'), call('bad'), call('early')],
      [{ say: '.' }],
    ])
    const events = await world.ended(thread)
    expect(judgeLog(events)).toEqual([])
    const { messages } = await world.engine.thread(thread)
    const results = messages.flatMap((m) => m.parts.filter((p) => p.kind === 'result'))
    expect(results).toMatchObject([
      { tool: 'late', outcome: 'ok', output: 'late' },
      { tool: 'bad', outcome: 'failed', output: 'The tool broke: bang' },
      { tool: 'early', outcome: 'ok' },
    ])
  })

  it('that break their promise end as failed, whatever they did instead', async () => {
    const nothing = tool('nothing', () => items())
    const throws = tool('throws', () => {
      throw 'a word'
    })
    const odd = tool('odd', () => items({ kind: 'done', output: undefined } as never))
    const slow = tool('slow', async function* () {
      await rest(80)
      yield { kind: 'done', output: 'slow' }
    })
    world = await openWorld({ wrapToolbox: having([nothing, throws, odd, slow]), log: silent })
    const { thread } = await world.begin([
      [call('nothing'), call('throws'), call('odd'), call('slow')],
      [{ say: 'on' }],
    ])
    await world.ended(thread)
    await rest(120)
    const events = await world.store.read(thread, 0, 1_000)
    expect(judgeLog(events)).toEqual([])
    expect(
      only(events, 'tool.ended')
        .map((e) => [e.data.tool, e.data.outcome])
        .sort(),
    ).toEqual([
      ...[
        ['nothing', 'failed'],
        ['odd', 'failed'],
        ['slow', 'ok'],
        ['throws', 'failed'],
      ],
    ])
    expect(textOf(events)).toBe('on')
  })

  it('are not called with what is no object, or when there is no such tool', async () => {
    world = await openWorld()
    const { thread } = await world.begin([
      [
        { call: 'list', raw: '{"path": ' },
        { call: 'list', raw: '[1]' },
        { call: 'nope', input: {} },
        { call: 'task', raw: 'null' },
        { call: 'ask_user', raw: '"x"' },
        { call: 'list', raw: '' },
      ],
      [{ say: 'on' }],
    ])
    const events = await world.ended(thread)
    expect(judgeLog(events)).toEqual([])
    expect(only(events, 'tool.ended').map((e) => e.data.outcome)).toEqual([
      ...['failed', 'failed', 'failed', 'failed', 'failed', 'ok'],
    ])
    expect(only(events, 'tool.started').map((e) => e.data.tool)).toEqual(['list'])
  })

  it('leave no more in the log than they may, however much they say', async () => {
    const text = `${'é'.repeat(3_000)}😀`.repeat(20)
    const loud = tool('loud', () =>
      items({ kind: 'progress', text: 'p' }, { kind: 'done', output: text }),
    )
    world = await openWorld({ wrapToolbox: having([loud]), settings: { outputLimit: 1_001 } })
    const { thread } = await world.begin([[call('loud')], [{ say: 'on' }]])
    const [ended] = only(await world.ended(thread), 'tool.ended')
    expect(ended?.data.output.length).toBeLessThan(1_100)
    expect(ended?.data.output.isWellFormed()).toBe(true)
    expect(ended?.data.rawBytes).toBe(Buffer.byteLength(text))
  })

  it('are not begun when the run was cancelled first', async () => {
    let began = 0
    const count = tool('count', () => {
      began++
      return items({ kind: 'done', output: 'x' })
    })
    let cancel = (): void => {}
    const wrap = (store: Store): Store =>
      new Proxy(store, {
        get(target, name) {
          const value = Reflect.get(target, name) as unknown
          if (name === 'append')
            return async (what: Parameters<Store['append']>[0]) => {
              if (what.events.some((e) => e.type === 'tool.started')) cancel()
              return target.append(what)
            }
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    world = await openWorld({ wrapToolbox: having([count]), wrap })
    const { thread } = await world.begin([[{ pause: 30 }, call('count')]])
    const said = new Promise<void>((resolve) => {
      cancel = () =>
        void world
          .submit(thread, { do: 'cancel', reason: null, when: 'now', queue: 'keep', origin })
          .then(() => resolve())
    })
    await said
    const events = await world.ended(thread)
    expect(judgeLog(events)).toEqual([])
    expect(began).toBeLessThanOrEqual(1)
    expect(only(events, 'run.ended')[0]?.data.outcome).toBe('cancelled')
  })

  it('that left a process when the server died: it is ended before anything else', async () => {
    const left: ProcessMark = { pid: 999_999, startTicks: 5, bootId: 'b' }
    const reaped: ProcessMark[] = []
    const reap = (mark: ProcessMark): boolean => reaped.push(mark) > 0
    const stuck = (more: Partial<Tool>) =>
      tool(
        'stuck',
        async function* (_, { signal }) {
          yield { kind: 'process', process: left }
          yield { kind: 'progress', text: 'marked' }
          await new Promise((go) => signal.addEventListener('abort', go))
          yield { kind: 'failed', output: 'aborted' }
        },
        more,
      )
    const lost = { readOnly: false, replayable: false }
    world = await openWorld({ wrapToolbox: having([stuck(lost)], reap), log: silent })
    const { thread } = await world.begin([[call('stuck')], [{ say: 'So: {{result}}' }]])
    await world.until(thread, (e) => e.type === 'tool.progressed' && e.data.text === 'marked')
    await world.close(false)
    expect(reaped).toEqual([])
    world = await openWorld({
      folder: world.folder,
      wrapToolbox: having([stuck(lost)], reap),
    })
    const events = await world.ended(thread)
    expect(reaped).toEqual([left])
    expect(only(events, 'tool.ended').map((e) => e.data.outcome)).toEqual(['unknown'])
    expect(only(events, 'tool.started')).toHaveLength(1)
    expect(judgeLog(events)).toEqual([])
  })
})

describe('limits', () => {
  const limited = (limits: object) => ({ agents: { assistant: { limits } } })
  const endOf = async (options: WorldOptions, script: unknown): Promise<Event[]> => {
    world = await openWorld(options)
    const { thread } = await world.begin(script)
    const events = await world.ended(thread)
    expect(judgeLog(events)).toEqual([])
    return events
  }
  const stopOf = (events: Event[]) => only(events, 'run.ended')[0]?.data

  it('of time: in the middle of a word, of a tool, and of a summary', async () => {
    const hang = tool('hang', async function* (_, { signal }) {
      await new Promise((go) => signal.addEventListener('abort', go))
      yield { kind: 'failed', output: 'aborted' }
    })
    const time = { outcome: 'failed', stop: 'time' }
    const said = await endOf(limited({ wallMs: 250 }), [[{ say: 'a' }, { hang: true }]])
    expect(stopOf(said)).toMatchObject(time)
    await world.close()
    const worked = await endOf({ ...limited({ wallMs: 250 }), wrapToolbox: having([hang]) }, [
      [call('hang')],
      [{ say: 'x' }],
    ])
    expect(stopOf(worked)).toMatchObject(time)
    await world.close()
    const silentModel = (models: Models): Models => ({
      ...models,
      async *stream(request) {
        if (request.tools.length > 0) return yield* models.stream(request)
        await new Promise((go) => request.signal.addEventListener('abort', go))
        const failure = { code: 'aborted', message: '', status: null } as const
        yield {
          kind: 'failed',
          failure: { ...failure, retryable: false, retryAfterMs: null },
          usage: { ...NO, inputTokens: 1 },
        }
      },
    })
    world = await openWorld({
      agents: { assistant: { limits: { wallMs: 1_500 }, compaction: { keepExchanges: 0 } } },
      wrapModels: silentModel,
    })
    const { thread } = await world.begin([[{ say: 'x' }]])
    await world.ended(thread)
    const { run } = await world.submit(thread, { do: 'compact', origin })
    const events = await world.ended(thread, run)
    expect(only(events, 'run.ended').at(-1)?.data).toMatchObject(time)
    expect(judgeLog(events)).toEqual([])
  })

  it('of turns and of tokens', async () => {
    const again = [call('list')]
    const turns = await endOf(limited({ turns: 2 }), [again, again, [{ say: 'x' }]])
    expect(stopOf(turns)).toMatchObject({ outcome: 'failed', stop: 'turns', turns: 2 })
    await world.close()
    const tokens = await endOf(limited({ tokens: 150 }), [again, again, [{ say: 'x' }]])
    expect(stopOf(tokens)).toMatchObject({ outcome: 'failed', stop: 'tokens' })
  })

  it('of refusals: a run whose calls are all refused ends, unless somebody steers', async () => {
    world = await openWorld({
      agents: { assistant: { permissions: { otherwise: { read: 'deny' } } } },
    })
    const policy = {
      permissions: { rules: [], otherwise: deny },
      ...{ refusedTurns: 2, askTimeoutMs: null, compaction: null, confinement: null },
    }
    await world.store.put({ kind: 'policy', key: 'p', body: policy as never })
    const { thread } = await world.begin(
      [[call('list')], [call('list')], [call('list')], [{ say: 'x' }]],
      { policy: 'p' },
    )
    const events = await world.ended(thread)
    expect(stopOf(events)).toMatchObject({ outcome: 'completed', stop: 'denied', turns: 2 })
    expect(judgeLog(events)).toEqual([])
  })

  it('of a policy that is gone: nothing but reading, whatever the agent may do alone', async () => {
    const otherwise = { read: 'allow', write: 'allow' }
    const agents = { assistant: { permissions: { rules: [], otherwise } } }
    world = await openWorld({ agents, log: { warn: () => {}, error: () => {} } })
    const write = { call: 'write', input: { path: 'a.txt', content: 'x' } }
    const script = [[write], [call('list')], [{ say: 'x' }]]
    const { thread } = await world.begin(script, { policy: 'lost' })
    const outcomes = (await world.ended(thread)).flatMap((e) =>
      e.type === 'tool.ended' ? [e.data.outcome] : [],
    )
    expect(outcomes).toEqual(['denied', 'ok'])
  })
})

const NO = {
  ...{ inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, costUsd: 0 },
}
const deny = {
  ...{ read: 'deny', write: 'deny', execute: 'deny', network: 'deny', agent: 'deny' },
  none: 'deny',
}

describe('compaction at a threshold', () => {
  const small = (models: Models): Models => ({
    ...models,
    card: (model) => ({ ...(models.card(model) as never as object), contextWindow: 100 }) as never,
  })
  const rule = { threshold: 0.5, keepExchanges: 1 }
  const say = (thread: string, script: unknown) =>
    world.submit(thread, { do: 'submit', busy: 'queue', input: scriptInput(script), origin })

  it('comes before the first model call of a run, and again for every run that needs it', async () => {
    world = await openWorld({ wrapModels: small, agents: { assistant: { compaction: rule } } })
    const { thread } = await world.begin([[{ say: 'first' }]])
    await world.ended(thread)
    for (let i = 0; i < 3; i++) {
      const { run } = await say(thread, [[{ say: `answer ${i}` }, call('list')], [{ say: 'end' }]])
      const events = (await world.ended(thread, run)).filter((e) => e.run === run)
      expect(typesOf(events).slice(0, 5)).toEqual([
        ...['run.created', 'run.started', 'context.compacting', 'context.compacted'],
        'turn.started',
      ])
      expect(only(events, 'run.ended')[0]?.data.outcome).toBe('completed')
    }
    const events = await world.store.read(thread, 0, 10_000)
    expect(judgeLog(events)).toEqual([])
    const state = await world.engine.thread(thread)
    expect(state.messages.filter((m) => m.role === 'user')).toHaveLength(4)
  })

  it('that fails does not stop the run, and is not tried again and again', async () => {
    const dumb = (models: Models): Models => ({
      ...small(models),
      async *stream(request) {
        if (request.tools.length > 0) return yield* models.stream(request)
        yield { kind: 'done', stop: 'end', usage: NO, model: 'x' }
      },
    })
    world = await openWorld({ wrapModels: dumb, agents: { assistant: { compaction: rule } } })
    const { thread } = await world.begin([[{ say: 'first' }]])
    await world.ended(thread)
    const { run } = await say(thread, [[call('list')], [{ say: 'end' }]])
    const events = (await world.ended(thread, run)).filter((e) => e.run === run)
    expect(only(events, 'run.ended')[0]?.data.outcome).toBe('completed')
    expect(only(events, 'context.uncompacted').map((e) => e.data.reason)).toEqual([
      ...['failed', 'failed'],
    ])
  })

  it('leaves the question that is being answered as it is, also when nothing is to be kept', async () => {
    const asked: string[] = []
    const listening = (models: Models): Models => ({
      ...small(models),
      async *stream(request) {
        if (request.tools.length > 0) {
          asked.push(JSON.stringify(request.messages.at(-1)?.parts))
          return yield* models.stream(request)
        }
        yield { kind: 'text', text: 'SUMMARY' }
        yield { kind: 'done', stop: 'end', usage: NO, model: 'x' }
      },
    })
    const none = { threshold: 0.5, keepExchanges: 0 }
    world = await openWorld({ wrapModels: listening, agents: { assistant: { compaction: none } } })
    const { thread } = await world.begin([[{ say: 'first' }]])
    await world.ended(thread)
    const { run } = await say(thread, [[{ say: 'second' }]])
    await world.ended(thread, run)
    expect(asked.at(-1)).toContain('second')
  })

  it('that a retry overtakes changes nothing', async () => {
    let go = (): void => {}
    const gate = new Promise<void>((resolve) => {
      go = resolve
    })
    let begun = (): void => {}
    const summing = new Promise<void>((resolve) => {
      begun = resolve
    })
    const held = (models: Models): Models => ({
      ...small(models),
      async *stream(request) {
        if (request.tools.length > 0) return yield* models.stream(request)
        begun()
        await gate
        yield { kind: 'text', text: 'SUMMARY' }
        yield { kind: 'done', stop: 'end', usage: NO, model: 'x' }
      },
    })
    world = await openWorld({ wrapModels: held, agents: { assistant: { compaction: rule } } })
    const first = await world.begin([[{ say: 'first' }]])
    const { thread } = first
    await world.ended(thread)
    await say(thread, [[{ say: 'second' }]])
    await summing
    const input = scriptInput([[{ say: 'instead' }]])
    const again = world.submit(thread, {
      ...{ do: 'retry', of: first.run as string, reason: 'edit', input, origin },
    })
    go()
    const events = await world.ended(thread, (await again).run)
    expect(judgeLog(events)).toEqual([])
    const state = await world.engine.thread(thread)
    expect(state.summary).toBeNull()
    expect(state.messages.map((m) => m.role)).toEqual(['user', 'assistant'])
  })
})
