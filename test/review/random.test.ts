/**
 * Random commands at random times on random conversations, with stops and deaths of the server in
 * between. Whatever happens, everything comes to rest, and the logs are such as they must be.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Request, Store } from '../../src/kernel/ports.ts'
import { rebuild } from '../../src/kernel/rows.ts'
import { openSqliteStore } from '../../src/store/index.ts'
import { ORIGIN, openWorld, scriptInput, type World } from '../support/world.ts'
import { judgeLog } from './judge.ts'

const origin = ORIGIN
const settings = { drainMs: 30, pollMs: 20, retryMs: 1, restMs: 60, leaseMs: 2_000 }
const agents = {
  assistant: {
    subagents: 'any',
    security: { hitlTimeoutMs: 400 },
    limits: { costUsd: 1.2, turns: 12 },
    unknownOutcome: 'ask',
    compaction: { threshold: 0.6, keepExchanges: 1 },
  },
}

type Dice = (sides: number) => number

/** Numbers that are the same in every run with the same seed. */
function dice(seed: number): Dice {
  let state = (seed + 1) * 0x9e3779b9
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t)
    return ((t ^ (t >>> 14)) >>> 0) % sides
  }
}

const pick = <T>(roll: Dice, ...of: T[]): T => of[roll(of.length)] as T

// ---- conversations ------------------------------------------------------------------------

function act(roll: Dice, depth: number): unknown {
  switch (roll(12)) {
    case 0:
      return { think: 'let me see ' }
    case 1:
      return { pause: roll(15) }
    case 2:
      return { call: 'list', input: {} }
    case 3:
      return { call: 'write', input: { path: `f${roll(3)}.txt`, content: 'x' } }
    case 4:
      return { call: 'ask_user', input: { question: 'What?' } }
    case 5:
      return { call: pick(roll, 'nope', 'list'), raw: '{"half' }
    case 6:
      return depth > 1 ? { say: 'deep ' } : task(roll, depth + 1)
    case 7:
      return { cut: true, attempts: 1 }
    case 8:
      return {
        fail: { code: 'overloaded', retryable: true, retryAfterMs: roll(20), attempts: 1 },
      }
    case 9:
      return { usage: { costUsd: roll(5) / 10, inputTokens: roll(60_000) } }
    default:
      return { say: 'some words that take a moment ', everyMs: roll(3) }
  }
}

const task = (roll: Dice, depth: number): unknown => ({
  call: 'task',
  input: { prompt: `script ${JSON.stringify(script(roll, depth))}` },
})

const script = (roll: Dice, depth = 0): unknown[][] =>
  Array.from({ length: 1 + roll(3) }, () =>
    Array.from({ length: 1 + roll(4) }, () => act(roll, depth)),
  )

// ---- commands -----------------------------------------------------------------------------

async function command(roll: Dice, world: World, thread: string): Promise<Request> {
  const state = await world.engine.thread(thread)
  const queued = pick(roll, ...state.queue.map((r) => r.id), 'nobody')
  const run = pick(roll, undefined, state.active?.id, queued)
  const named = run === undefined ? {} : { run }
  const input = scriptInput(script(roll))
  const words = [{ kind: 'text' as const, text: `steer ${roll(1_000_000)}` }]
  const kind = roll(16)
  switch (kind) {
    case 0:
    case 1:
      return { do: 'submit', input, busy: 'queue', origin }
    case 2:
      return { do: 'submit', input, busy: 'interrupt', origin }
    case 3:
      return { do: 'submit', input: words, busy: 'steer', origin }
    case 4:
      return { do: 'steer', input: words, ...named, origin }
    case 5:
      return {
        ...{ do: 'cancel', reason: null, origin, ...named },
        ...{ when: pick(roll, 'now', 'step'), queue: pick(roll, 'keep', 'keep', 'drop') },
      }
    case 6:
      return { do: 'edit', run: queued, input, origin }
    case 7:
      return { do: 'drop', run: queued, origin }
    case 8:
      return { do: 'move', run: queued, place: roll(4), origin }
    case 9:
      return { do: 'promote', run: queued, interrupt: roll(2) === 0, origin }
    case 10:
      return { do: 'compact', origin }
    case 11: {
      const of = pick(roll, undefined, ...state.messages.map((m) => m.run))
      return { do: 'retry', reason: 'retry', ...(of === undefined ? {} : { of }), origin }
    }
    case 12: {
      const ask = state.active?.asks[0]?.ask ?? 'none'
      return { do: 'expire', ask, origin }
    }
    default:
      return reply(roll)
  }
}

const reply = (roll: Dice): Request => ({
  ...{ do: 'answer', origin, allow: roll(3) > 0 },
  ...(roll(3) > 0 ? { answer: 'words' } : {}),
})

const rest = (ms: number): Promise<void> => new Promise((go) => setTimeout(go, ms))

async function bother(roll: Dice, world: World, thread: string, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const request = await command(roll, world, thread)
    const options = roll(4) === 0 ? { idempotency: { key: `${thread}${roll(40)}`, hash: 'h' } } : {}
    const sent = world.engine.submit(thread, request, options).catch(refused)
    if (roll(2) === 0) await sent
    if (roll(3) > 0) await rest(roll(12))
  }
}

/** Only what is expected may be refused; anything else is a bug. */
function refused(error: { name?: string; message: string }): void {
  if (error.name !== 'Fault' && error.message !== 'dead') throw error
}

/** Answers whatever is asked until nothing goes on; gives what is stuck. */
async function calm(roll: Dice, world: World, thread: string): Promise<string[]> {
  const until = performance.now() + 20_000
  for (;;) {
    const ids = await family(world, thread)
    const rows = await Promise.all(ids.map((id) => world.store.thread(id)))
    const busy = rows.filter((r) => r?.status !== 'idle')
    if (busy.length === 0) return []
    if (performance.now() > until) return busy.map((r) => JSON.stringify(r))
    for (const id of ids) await world.submit(id, reply(roll)).catch(refused)
    await rest(5)
  }
}

/** The thread, its children, and theirs. */
async function family(world: World, thread: string): Promise<string[]> {
  const page = await world.store.threads({ parentThread: thread, limit: 500, offset: 0 })
  const below = await Promise.all(page.items.map((t) => family(world, t.id)))
  return [thread, ...below.flat()]
}

async function judge(world: World, thread: string): Promise<string[]> {
  const findings: string[] = []
  for (const id of await family(world, thread)) {
    const events = await world.store.read(id, 0, 1_000_000)
    findings.push(...judgeLog(events))
    const rows = rebuild(id, events)
    const runs = await world.store.runs({ thread: id, limit: 1_000, offset: 0 })
    const same = (a: unknown, b: unknown): boolean => plain(a) === plain(b)
    if (!same(await world.store.thread(id), rows.thread)) findings.push(`${id}: thread row`)
    const order = (list: { id: string }[]) => list.toSorted((a, b) => (a.id < b.id ? -1 : 1))
    for (const [i, run] of order(rows.runs).entries())
      if (!same(order(runs.items)[i], run))
        findings.push(`${id}: ${JSON.stringify(order(runs.items)[i])} is ${JSON.stringify(run)}`)
    const asks = await world.store.asks({ thread: id, limit: 10, offset: 0 })
    if (asks.total > 0) findings.push(`${id}: asks are left`)
  }
  return findings
}

/** Money is kept in whole nano-dollars. */
const plain = (row: unknown): string =>
  JSON.stringify(row, (_, value) => (typeof value === 'number' ? Math.round(value * 1e9) : value))

// ---- worlds -------------------------------------------------------------------------------

/** A store that is gone after so many appends. */
function dying(store: Store, appends: number): Store {
  let left = appends
  const append: Store['append'] = (what) =>
    left-- > 0 ? store.append(what) : Promise.reject(new Error('dead'))
  const get = (target: Store, name: string | symbol): unknown => {
    if (name === 'append') return append
    const value = Reflect.get(target, name) as unknown
    return typeof value === 'function' ? value.bind(target) : value
  }
  return new Proxy(store, { get })
}

interface Lives {
  seeds: number[]
  /** How often the server stops, and how often it dies, before it is left in peace. */
  stops: number
  deaths: number
}

async function live({ seeds, stops, deaths }: Lives): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'manifold-random-'))
  const errors: string[] = []
  const isDying = { now: false }
  const log = {
    warn: () => {},
    error: (fields: Record<string, unknown>, text: string) => {
      if (!isDying.now) errors.push(`${text}: ${(fields.err as Error)?.stack}`)
    },
  }
  const rolls = seeds.map(dice)
  const threads: string[] = []
  for (let life = 0; life <= stops + deaths; life++) {
    isDying.now = life < deaths
    const wrap = (store: Store): Store =>
      isDying.now ? dying(store, 40 + (rolls[0] as Dice)(200)) : store
    const world = await openWorld({ folder, settings, agents, log, wrap })
    await Promise.all(
      rolls.map(async (roll, i) => {
        threads[i] ??= (await world.begin(script(roll))).thread
        await bother(roll, world, threads[i], life < stops + deaths ? 10 : 25).catch((error) => {
          if (!isDying.now) throw error
        })
      }),
    )
    const isLast = life === stops + deaths
    const stuck = isLast
      ? await Promise.all(threads.map((t, i) => calm(rolls[i] as Dice, world, t)))
      : []
    const wrong = isLast ? await Promise.all(threads.map((t) => judge(world, t))) : []
    if (isLast) await rest(50)
    const { activeRuns, readers } = world.engine.stats()
    if (isLast && stuck.flat().length === 0 && (activeRuns !== 0 || readers !== 0))
      errors.push(`at rest, yet ${activeRuns} runs and ${readers} readers`)
    // A process that dies writes nothing more.
    isDying.now ||= life < deaths
    await world.close(false)
    errors.push(...stuck.flatMap((s, i) => s.map((t) => `seed ${seeds[i]} stuck: ${t}`)))
    errors.push(...wrong.flatMap((w, i) => w.map((t) => `seed ${seeds[i]}: ${t}`)))
  }
  rmSync(folder, { recursive: true, force: true })
  return errors
}

/** Tells each of several engines on one store what the others have appended, a little later. */
function hub(roll: Dice): (store: Store) => Store {
  type Hear = (thread: string, seq: number) => void
  const ears: { hears: Set<Hear>; wakes: Set<() => void> }[] = []
  return (store) => {
    const own = { hears: new Set<Hear>(), wakes: new Set<() => void>() }
    ears.push(own)
    const others = (act: (ear: typeof own) => void): void => {
      const tell = (): void => {
        for (const ear of ears) if (ear !== own) act(ear)
      }
      setTimeout(tell, roll(8)).unref()
    }
    const listen = <T>(set: Set<T>, listener: T): (() => void) => {
      set.add(listener)
      return () => set.delete(listener)
    }
    const wired: Partial<Store> = {
      append: async (append, rebase) => {
        const refusal = await store.append(append, rebase)
        const seq = append.after + append.events.length
        if (!refusal) others((ear) => ear.hears.forEach((hear) => void hear(append.thread, seq)))
        return refusal
      },
      onAdvance: (listener) => listen(own.hears, listener),
      wake: async () => others((ear) => ear.wakes.forEach((wake) => void wake())),
      onWake: (listener) => listen(own.wakes, listener),
      close: async () => {},
    }
    return new Proxy(store, {
      get: (target, name) => {
        const value = (Reflect.get(wired, name) ?? Reflect.get(target, name)) as unknown
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
}

/** Several engines on one store; every command goes to one of them, and one of them closes early. */
async function side(seeds: number[], engines: number): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'manifold-random-'))
  const errors: string[] = []
  const log = {
    warn: () => {},
    error: (fields: Record<string, unknown>, text: string) =>
      void errors.push(`${text}: ${(fields.err as Error)?.stack}`),
  }
  const rolls = seeds.map(dice)
  const store = await openSqliteStore({ folder })
  const wrap = hub(dice(1))
  const options = { folder, settings, agents, log, wrap, open: async () => store }
  const worlds = await Promise.all(Array.from({ length: engines }, () => openWorld(options)))
  const any = (roll: Dice): World => worlds[roll(worlds.length)] as World
  const threads = await Promise.all(
    rolls.map(async (roll) => (await any(roll).begin(script(roll))).thread),
  )
  const all = (times: number) =>
    Promise.all(
      rolls.map(async (roll, i) => {
        for (let n = 0; n < times; n++) await bother(roll, any(roll), threads[i] as string, 3)
      }),
    )
  await all(4)
  const leaving = worlds.pop() as World
  await Promise.all([leaving.close(false), all(4)])
  const world = worlds[0] as World
  const stuck = await Promise.all(threads.map((t, i) => calm(rolls[i] as Dice, world, t)))
  const wrong = await Promise.all(threads.map((t) => judge(world, t)))
  for (const one of worlds) await one.close(false)
  await store.close()
  rmSync(folder, { recursive: true, force: true })
  errors.push(...stuck.flatMap((s, i) => s.map((t) => `seed ${seeds[i]} stuck: ${t}`)))
  errors.push(...wrong.flatMap((w, i) => w.map((t) => `seed ${seeds[i]}: ${t}`)))
  return errors
}

const seedsFrom = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => first + i)

describe('whatever is asked, whenever', () => {
  it.each([100, 110])(
    'it comes to rest: seeds from %i',
    async (first) => {
      expect(await live({ seeds: seedsFrom(first, 10), stops: 0, deaths: 0 })).toEqual([])
    },
    90_000,
  )

  it('it comes to rest also when the server is stopped and started', async () => {
    expect(await live({ seeds: seedsFrom(200, 10), stops: 3, deaths: 0 })).toEqual([])
  }, 90_000)

  it('it comes to rest also when the server dies', async () => {
    expect(await live({ seeds: seedsFrom(300, 10), stops: 0, deaths: 3 })).toEqual([])
  }, 90_000)

  it('it comes to rest also when several engines share the store', async () => {
    expect(await side(seedsFrom(400, 10), 3)).toEqual([])
  }, 90_000)
})
