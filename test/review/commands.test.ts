/** Commands that arrive twice, at the wrong moment, or while the thread goes away. */

import { afterEach, describe, expect, it } from 'vitest'
import type { Event, EventOf, EventType } from '../../src/kernel/event.ts'
import type { Receipt, Request, Store, Toolbox } from '../../src/kernel/ports.ts'
import {
  ORIGIN,
  openWorld as open,
  scriptInput,
  typesOf,
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
const log = (thread: string): Promise<Event[]> => world.store.read(thread, 0, 10_000)
const cancel: Request = { do: 'cancel', reason: null, when: 'now', queue: 'keep', origin }
const within = <T>(ms: number, work: Promise<T>): Promise<T | 'late'> =>
  Promise.race([work, new Promise<'late'>((late) => setTimeout(() => late('late'), ms))])
const task = (script: unknown) => ({
  call: 'task',
  input: { prompt: `script ${JSON.stringify(script)}` },
})
const write = (path: string) => ({ call: 'write', input: { path, content: 'x' } })
const idempotency = (key: string, hash = 'h') => ({ idempotency: { key, hash } })

describe('a request with a key', () => {
  it('is remembered also when it changed nothing', async () => {
    world = await openWorld()
    const { thread } = await world.begin([[{ hang: true }]])
    await world.until(thread, (e) => e.type === 'turn.started')
    await world.submit(thread, cancel)
    const first = await world.engine.submit(thread, cancel, idempotency('k'))
    expect(first.replayed).toBe(false)
    await world.ended(thread)
    const next = await world.submit(thread, {
      ...{ do: 'submit', busy: 'queue', origin },
      input: scriptInput([[{ hang: true }]]),
    })
    await world.until(thread, (e) => e.type === 'turn.started' && e.run === next.run)
    expect(await world.engine.submit(thread, cancel, idempotency('k'))).toEqual({
      ...first,
      replayed: true,
    })
    expect(await world.store.run(next.run as string)).toMatchObject({ status: 'running' })
  })

  it('is remembered when it answers what a child asks', async () => {
    world = await openWorld()
    const { thread } = await world.begin([[task([[write('a.txt')], [{ say: 'kid' }]])]])
    await world.until(thread, (e) => e.type === 'child.asked')
    const answer: Request = { do: 'answer', allow: true, origin }
    const first = await world.engine.submit(thread, answer, idempotency('k'))
    await world.ended(thread)
    expect(await world.engine.submit(thread, answer, idempotency('k'))).toEqual({
      ...first,
      replayed: true,
    })
    await expect(
      world.engine.submit(thread, answer, idempotency('k', 'other')),
    ).rejects.toMatchObject({ code: 'duplicate' })
  })

  it('acts once, however often and wherever it arrives at the same time', async () => {
    world = await openWorld()
    const { thread } = await world.begin([[{ say: 'a' }]])
    const send = () =>
      world.engine.submit(
        thread,
        { do: 'submit', input: scriptInput([[{ say: 'b' }]]), busy: 'queue', origin },
        idempotency('k'),
      )
    const receipts = await Promise.all(Array.from({ length: 20 }, send))
    expect(new Set(receipts.map((r) => r.run)).size).toBe(1)
    expect(receipts.filter((r) => !r.replayed)).toHaveLength(1)
    await world.ended(thread, receipts[0]?.run)
    await world.close(false)
    world = await openWorld({ folder: world.folder })
    expect(await send()).toMatchObject({ run: receipts[0]?.run, replayed: true })
    expect(only(await log(thread), 'run.created')).toHaveLength(2)
  })
  it('is an answer, not a refusal, when one of several children was answered by somebody else', async () => {
    world = await openWorld()
    const kid = task([[write('a.txt')], [{ say: 'kid' }]])
    const { thread } = await world.begin([[kid, kid], [{ say: 'done' }]])
    let asked = 0
    await world.until(thread, (e) => e.type === 'child.asked' && ++asked === 2)
    const children = (await world.engine.thread(thread)).active?.childAsks ?? []
    const other = children[1] as (typeof children)[number]
    const all: Request = { do: 'answer', allow: true, origin }
    const send = () => world.engine.submit(thread, all, idempotency('k'))
    const [, ...answers] = await Promise.all([
      world.submit(other.thread, { do: 'answer', ask: other.ask, allow: false, origin }),
      ...[send(), send()],
    ])
    expect(answers.map((a) => a.delivery)).toEqual(['done', 'done'])
    await world.ended(thread)
    expect(await send()).toMatchObject({ thread, replayed: true })
  })

  it('that comes again while the first is on its way is answered as that one, not refused', async () => {
    world = await openWorld()
    const { engine } = world
    const newThread = { agent: 'assistant', account: 'local', origin }
    const { id } = await engine.openThread(newThread)
    const input = scriptInput([[write('a.txt')], [{ say: 'x' }]])
    const request = { do: 'submit', input, busy: 'reject', origin } as const
    const answer: Request = { do: 'answer', allow: true, origin }
    const twice = async (send: () => Promise<Receipt>): Promise<void> => {
      const [first, second] = await Promise.all([send(), send()])
      expect(second).toEqual({ ...first, replayed: true })
    }
    await twice(() => engine.submit(id, request, idempotency('submit')))
    await world.until(id, (e) => e.type === 'ask.opened')
    await twice(() => engine.submit(id, answer, idempotency('answer')))
    const begin = { ...idempotency('begin'), maxRuns: 1 }
    await twice(() => engine.begin({ ...newThread, account: 'other' }, request, begin))
  })
})

describe('an "always"', () => {
  it('counts from the moment it was given, whatever somebody else was reading just then', async () => {
    let now = Date.now()
    const gate = { isShut: false, open: (): void => {} }
    const opened = new Promise<void>((resolve) => {
      gate.open = resolve
    })
    const wrap = (store: Store): Store =>
      new Proxy(store, {
        get(target, name) {
          const value = Reflect.get(target, name) as unknown
          if (name === 'list')
            return async (kind: string, prefix?: string) => {
              const found = await target.list(kind, prefix)
              const isHeld = kind === 'grant' && gate.isShut
              if (isHeld) gate.isShut = false
              if (isHeld) await opened
              return found
            }
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    world = await openWorld({ wrap, clock: () => now })
    const { thread } = await world.begin([
      [write('a.txt')],
      [{ pause: 150 }, write('b.txt')],
      [{ say: 'x' }],
    ])
    await world.until(thread, (e) => e.type === 'ask.opened')
    while (world.engine.stats().activeRuns !== 0) await new Promise((go) => setTimeout(go, 2))
    now += 3_000
    gate.isShut = true
    const other = await world.begin([[{ say: 'y' }]])
    while (gate.isShut) await new Promise((go) => setTimeout(go, 2))
    const answer: Request = { do: 'answer', allow: true, origin }
    await world.engine.submit(thread, answer, { remember: true })
    await world.until(thread, (e) => e.type === 'turn.started' && e.data.turn === 1)
    gate.open()
    await world.ended(other.thread)
    const isOver = (e: Event): boolean =>
      e.type === 'run.ended' || (e.type === 'ask.opened' && e.data.turn === 1)
    expect((await world.until(thread, isOver)).at(-1)?.type).toBe('run.ended')
  })
})

describe('an "always" for several calls', () => {
  it('remembers nothing of a call that somebody else has denied in the same moment', async () => {
    const gate = { isShut: false, open: (): void => {}, reached: (): void => {} }
    const opened = new Promise<void>((resolve) => {
      gate.open = resolve
    })
    const reached = new Promise<void>((resolve) => {
      gate.reached = resolve
    })
    const wrapToolbox = (toolbox: Toolbox): Toolbox => ({
      open: async (agent) => {
        if (gate.isShut) {
          gate.isShut = false
          gate.reached()
          await opened
        }
        return toolbox.open(agent)
      },
      reap: (mark) => toolbox.reap(mark),
      close: () => toolbox.close(),
    })
    world = await openWorld({ wrapToolbox })
    const { thread } = await world.begin([[write('a/1'), write('b/2')], [{ say: 'x' }]])
    await world.until(thread, (e) => e.type === 'ask.opened')
    while (world.engine.stats().activeRuns !== 0) await new Promise((go) => setTimeout(go, 2))
    const [first] = (await world.engine.thread(thread)).active?.turn?.calls ?? []
    const answer = { do: 'answer', origin } as const
    gate.isShut = true
    const always = world.engine.submit(thread, { ...answer, allow: true }, { remember: true })
    await reached
    await world.submit(thread, { ...answer, call: first?.call as string, allow: false })
    gate.open()
    await always
    await world.ended(thread)
    expect(await world.engine.grants('assistant')).toMatchObject([{ pattern: 'b/*' }])
  })
})

describe('erase', () => {
  /** Holds back what erases, until told. */
  const slowErase = (go: Promise<void>, begun: () => void) => (store: Store) =>
    new Proxy(store, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown
        if (name === 'erase')
          return async (thread: string) => {
            begun()
            await go
            return target.erase(thread)
          }
        return typeof value === 'function' ? value.bind(target) : value
      },
    })

  it('answers commands that come while the thread goes away', async () => {
    let go = (): void => {}
    let begun = (): void => {}
    const erasing = new Promise<void>((resolve) => {
      begun = resolve
    })
    const gate = new Promise<void>((resolve) => {
      go = resolve
    })
    world = await openWorld({ wrap: slowErase(gate, () => begun()) })
    const { thread } = await world.begin([[{ say: 'a' }]])
    await world.ended(thread)
    const erased = world.engine.erase(thread)
    await erasing
    const say: Request = { do: 'submit', input: scriptInput([[]]), busy: 'queue', origin }
    const before = world.submit(thread, say).catch((e) => e.code)
    go()
    await erased
    const after = world.submit(thread, say).catch((e) => e.code)
    expect(await within(3_000, before)).toBe('not_found')
    expect(await within(3_000, after)).toBe('not_found')
    expect(await log(thread)).toEqual([])
    expect(await world.store.thread(thread)).toBeNull()
  })

  it('never leaves a command waiting, whenever it comes', async () => {
    world = await openWorld()
    for (let i = 0; i < 12; i++) {
      const { thread } = await world.begin([[{ say: 'one two three' }]])
      const live = await world.engine.thread(thread)
      expect(live.id).toBe(thread)
      const commands = Array.from({ length: 8 }, async (_, n) => {
        for (let k = 0; k < n; k++) await null
        const title = `t${n}`
        return world.submit(thread, { do: 'change', title, origin }).catch((e) => e.code)
      })
      expect(await within(10_000, Promise.all([world.engine.erase(thread), ...commands]))).not.toBe(
        'late',
      )
      expect(await log(thread)).toEqual([])
    }
  })

  it('takes a parent with every child that it ever had', async () => {
    // One that takes its time lets the parent go on to its next child, if it can.
    const slow = new Promise<void>((go) => setTimeout(go, 600))
    world = await openWorld({ wrap: slowErase(slow, () => {}) })
    const hang = task([[{ say: 'hm' }, { hang: true }]])
    const { thread } = await world.begin([[hang], [hang], [hang]])
    const [started] = only(
      await world.until(thread, (e) => e.type === 'child.started'),
      'child.started',
    )
    await world.until(started?.data.thread as string, (e) => e.type === 'text.delta')
    await world.engine.erase(thread)
    expect(await world.store.threadIds()).toEqual([])
  })

  it('of a child tells its parent that it was cancelled', async () => {
    world = await openWorld()
    const { thread } = await world.begin([
      [task([[{ say: 'hm' }, { hang: true }]])],
      [{ say: 'Got: {{result}}' }],
    ])
    const [started] = only(
      await world.until(thread, (e) => e.type === 'child.started'),
      'child.started',
    )
    const child = started?.data.thread as string
    await world.until(child, (e) => e.type === 'text.delta')
    await world.engine.erase(child)
    const events = await world.ended(thread)
    expect(judgeLog(events)).toEqual([])
    expect(only(events, 'run.ended')[0]?.data.outcome).toBe('completed')
    expect(only(events, 'tool.ended')[0]?.data.outcome).toBe('cancelled')
  })
})

describe('a thread', () => {
  it('is read as it stands in the store also while the writer’s answer is on its way', async () => {
    const gate = { open: (): void => {}, reached: (): void => {} }
    const opened = new Promise<void>((resolve) => {
      gate.open = resolve
    })
    const reached = new Promise<void>((resolve) => {
      gate.reached = resolve
    })
    const wrap = (store: Store): Store =>
      new Proxy(store, {
        get(target, name) {
          const value = Reflect.get(target, name) as unknown
          if (name === 'append')
            return async (...what: Parameters<Store['append']>) => {
              const refusal = await target.append(...what)
              if (!what[0].events.some((e) => e.type === 'run.ended')) return refusal
              gate.reached()
              await opened
              return refusal
            }
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    world = await openWorld({ wrap })
    const { thread, run } = await world.begin([[{ say: 'a' }]])
    await reached
    expect(await world.store.run(run as string)).toMatchObject({ status: 'completed' })
    const state = world.engine.thread(thread)
    await new Promise((go) => setImmediate(go))
    gate.open()
    expect((await state).active).toBeNull()
  })
})

describe('a run', () => {
  it.each(['now', 'step'] as const)(
    'that is cancelled between two steps (%s) begins no other',
    async (when) => {
      let hold: (events: Event[]) => Promise<void> = async () => {}
      const wrap = (store: Store): Store =>
        new Proxy(store, {
          get(target, name) {
            const value = Reflect.get(target, name) as unknown
            if (name === 'append')
              return async (...what: Parameters<Store['append']>) => {
                await hold((what[0] as { events: Event[] }).events)
                return target.append(...what)
              }
            return typeof value === 'function' ? value.bind(target) : value
          },
        })
      world = await openWorld({ wrap })
      const cancelled: Promise<unknown>[] = []
      hold = async (events) => {
        const thread = events[0]?.thread as string
        // The cancel stands in the queue before the driver can put its next step there.
        if (events.some((e) => e.type === 'turn.ended'))
          cancelled.push(world.submit(thread, { ...cancel, when } as Request))
        if (events.some((e) => e.type === 'run.cancelling'))
          await new Promise((go) => setTimeout(go, 80))
      }
      const { thread } = await world.begin([[{ call: 'list', input: {} }], [{ say: 'not said' }]])
      const events = await world.ended(thread)
      await Promise.all(cancelled)
      expect(only(events, 'run.ended')[0]?.data.outcome).toBe('cancelled')
      expect(only(events, 'turn.started')).toHaveLength(1)
    },
  )

  it('can be cancelled without being named before it has begun', async () => {
    world = await openWorld()
    const { thread } = await world.begin([[{ hang: true }]])
    await world.submit(thread, cancel)
    const events = await world.ended(thread)
    expect(only(events, 'run.ended')[0]?.data.outcome).toBe('cancelled')
    expect(judgeLog(events)).toEqual([])
  })

  it('keeps the prompt of every turn, also when it changes on the way', async () => {
    let now = Date.UTC(2030, 0, 1, 12)
    world = await openWorld({ clock: () => now })
    const { thread } = await world.begin([[write('a.txt')], [{ say: 'x' }]])
    await world.until(thread, (e) => e.type === 'ask.opened')
    now += 86_400_000
    await world.submit(thread, { do: 'answer', allow: true, origin })
    const events = await world.ended(thread)
    const hashes = only(events, 'turn.started').map((e) => e.data.instructions)
    expect(new Set(hashes).size).toBe(2)
    for (const hash of hashes)
      expect(await world.store.named('instructions', hash)).toEqual(expect.any(String))
  })

  it('that is retried while it goes on is done again, and the old words are gone', async () => {
    world = await openWorld()
    const { thread, run } = await world.begin([[{ say: 'old words' }, { hang: true }]])
    await world.until(thread, (e) => e.type === 'text.delta')
    const again = await world.submit(thread, {
      ...{ do: 'retry', reason: 'edit', origin },
      input: scriptInput([[{ say: 'new' }]]),
    })
    const events = await world.ended(thread, again.run)
    expect(judgeLog(events)).toEqual([])
    const { messages } = await world.engine.thread(thread)
    expect(new Set(messages.map((m) => m.run))).toEqual(new Set([again.run]))
    expect(await world.store.run(run as string)).toMatchObject({ status: 'cancelled' })
    expect(typesOf(events)).toContain('thread.rewound')
  })
})
