/** Random events of every type, the same for the same seed. They need not make sense together. */

import type { Event, EventType, Facts } from '../../src/kernel/event.ts'
import type { Json } from '../../src/kernel/part.ts'

export interface Dice {
  /** From 0 to n - 1. */
  roll(n: number): number
  pick<T>(items: readonly T[]): T
}

/** mulberry32. */
export function dice(seed: number): Dice {
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const roll = (n: number): number => Math.floor(next() * n)
  return { roll, pick: (items) => items[roll(items.length)] as never }
}

/** Words that are hard on codecs: halves of a pair, NUL, quotes, other scripts, nothing. */
const WORDS = [
  'tok ',
  'a',
  '',
  '\ud83d',
  '\ude00',
  '\u0000',
  '"\\',
  '\n',
  'Grüße',
  '漢字',
  '\u2028',
  '0',
]
const RUNS = ['run-a', 'run-b'] as const

const textFrom = (d: Dice): string =>
  Array.from({ length: d.roll(4) }, () => d.pick(WORDS)).join('')

function jsonFrom(d: Dice, depth = 2): Json {
  const kind = d.roll(depth > 0 ? 6 : 4)
  if (kind === 0) return null
  if (kind === 1) return d.roll(2) === 0
  if (kind === 2) return d.roll(1_000_000) / 8 - 1000
  if (kind === 3) return textFrom(d)
  if (kind === 4) return Array.from({ length: d.roll(3) }, () => jsonFrom(d, depth - 1))
  return { [`k${textFrom(d)}`]: jsonFrom(d, depth - 1), __proto: 1 }
}

const origin = (d: Dice) => ({ dialect: 'test', principal: textFrom(d), hints: jsonFrom(d) })
const usage = (d: Dice) => ({
  inputTokens: d.roll(9999),
  outputTokens: d.roll(9999),
  cacheReadTokens: 0,
  cacheWriteTokens: 1,
  costUsd: d.pick([null, 0, 0.25]),
})
const input = (d: Dice) => [{ kind: 'text' as const, text: textFrom(d) }]
const trouble = (d: Dice) => ({ code: 'x', message: textFrom(d) })
const mark = (d: Dice) => ({ pid: d.roll(99), startTicks: d.roll(99), bootId: 'b' })
const part = (d: Dice) => ({ turn: d.roll(2), part: d.roll(2), text: textFrom(d) })

/** A fact that the kernel adds breaks the build here until the suite writes it too. */
const MAKERS: { [T in EventType]: (d: Dice) => Facts[T] } = {
  'thread.opened': (d) => ({
    agent: 'a',
    model: null,
    title: textFrom(d),
    workspace: '/w',
    account: 'local',
    policy: null,
    parent: d.pick([null, { thread: 't', run: 'r', call: 'c' }]),
    forkedFrom: null,
    history: [{ id: 'm', role: 'user', parts: input(d), run: 'r', turn: null, at: 1 }],
    origin: origin(d),
  }),
  'thread.changed': (d) => ({ title: textFrom(d), origin: origin(d) }),
  'thread.rewound': (d) => ({ runs: [textFrom(d)], reason: 'retry', origin: origin(d) }),
  'run.created': (d) => ({ kind: 'message', input: input(d), place: 0, origin: origin(d) }),
  'run.edited': (d) => ({ input: input(d), origin: origin(d) }),
  'run.moved': (d) => ({ place: d.roll(5), origin: origin(d) }),
  'run.recovered': () => ({}),
  'run.started': (d) => ({ agent: 'a', model: 'm', revision: textFrom(d) }),
  'run.steered': (d) => ({ id: 's', input: input(d), origin: origin(d) }),
  'run.cancelling': (d) => ({ reason: null, when: 'now', origin: origin(d) }),
  'run.ended': (d) => ({
    outcome: 'failed',
    stop: 'x',
    trouble: trouble(d),
    turns: 1,
    usage: usage(d),
  }),
  'run.switched': (d) => ({
    ...{ turn: 0, call: textFrom(d), from: 'a', agent: 'b', model: 'm', revision: 'r' },
  }),
  'hook.ended': (d) => ({
    ...{ hook: textFrom(d), moment: 'tool.before', turn: 0, call: 'c', outcome: 'blocked' },
    ...{ reason: textFrom(d), input: jsonFrom(d), context: textFrom(d), durationMs: 1 },
  }),
  'turn.started': (d) => ({ turn: d.roll(3), attempt: 1, model: 'm', instructions: textFrom(d) }),
  'text.delta': part,
  'thinking.delta': part,
  'call.begun': (d) => ({ turn: 0, part: d.roll(2), call: textFrom(d), tool: 'write' }),
  'call.delta': (d) => ({
    turn: 0,
    part: d.roll(2),
    call: d.pick(['c1', 'c2']),
    text: textFrom(d),
  }),
  'turn.answered': (d) => ({
    turn: 0,
    sealed: [{ part: 0, opaque: jsonFrom(d), input: jsonFrom(d) }],
    stop: 'end',
    usage: usage(d),
    model: 'm',
  }),
  'turn.interrupted': (d) => ({
    turn: 0,
    attempt: 1,
    cause: 'provider',
    trouble: trouble(d),
    retryAt: d.pick([null, 5]),
    usage: usage(d),
  }),
  'turn.ended': (d) => ({ turn: d.roll(3) }),
  'ask.opened': (d) => ({
    ask: 'q',
    turn: 0,
    body: { kind: 'question', call: 'c', question: { text: textFrom(d) } },
    expiresAt: null,
  }),
  'ask.settled': (d) => ({
    ask: 'q',
    how: 'answered',
    rulings: { [textFrom(d)]: { allow: true, by: 'person' } },
    answer: jsonFrom(d),
    open: [],
    origin: origin(d),
  }),
  'tool.started': (d) => ({ turn: 0, call: 'c', tool: 't', key: textFrom(d), attempt: 1 }),
  'tool.progressed': (d) => ({
    turn: 0,
    call: d.pick(['c1', 'c2']),
    text: textFrom(d),
    ...(d.roll(4) === 0 ? { process: mark(d) } : {}),
  }),
  'tool.ended': (d) => ({
    turn: 0,
    call: 'c',
    tool: 't',
    outcome: 'ok',
    output: textFrom(d),
    rawBytes: 1,
    durationMs: 2,
    meta: { m: jsonFrom(d) },
  }),
  'child.started': (d) => ({
    turn: 0,
    call: 'c',
    thread: 't',
    run: 'r',
    agent: 'a',
    name: 'n',
    task: textFrom(d),
  }),
  'child.asked': (d) => ({
    turn: 0,
    call: 'c',
    thread: 't',
    ask: 'q',
    body: { kind: 'limit', limitUsd: 1, spentUsd: d.roll(9) / 8 },
    expiresAt: d.pick([null, 5]),
  }),
  'child.settled': (d) => ({
    turn: 0,
    call: 'c',
    thread: 't',
    ask: 'q',
    how: 'expired',
    rulings: { [textFrom(d)]: { allow: false, by: 'expiry' } },
  }),
  'child.ended': (d) => ({
    turn: 0,
    call: 'c',
    thread: 't',
    run: 'r',
    outcome: 'completed',
    output: textFrom(d),
    turns: 1,
    usage: usage(d),
    durationMs: 1,
  }),
  'context.compacting': (d) => ({ by: 'limit', tokens: d.roll(9), window: null }),
  'context.compacted': (d) => ({
    summary: textFrom(d),
    keepFrom: null,
    messagesBefore: 2,
    messagesAfter: 1,
    tokensBefore: 2,
    tokensAfter: 1,
    usage: usage(d),
  }),
  'context.uncompacted': (d) => ({ reason: 'failed', trouble: trouble(d), usage: usage(d) }),
  note: (d) => ({ level: 'info', code: 'n', text: textFrom(d) }),
}

const TYPES = Object.keys(MAKERS) as EventType[]
const DELTAS: EventType[] = [
  'text.delta',
  'text.delta',
  'thinking.delta',
  'call.delta',
  'tool.progressed',
]

/** Mostly deltas, as in life; the clock sometimes goes back. */
export function randomEvents(d: Dice, thread: string, after: number, count: number): Event[] {
  let at = 1_767_225_600_000 + d.roll(1000)
  return Array.from({ length: count }, (_, i) => {
    at += d.roll(40) - 5
    const type = d.pick(d.roll(8) === 0 ? TYPES : DELTAS)
    const run = d.pick([...RUNS, ...RUNS, null])
    return { thread, seq: after + i + 1, at, type, run, data: MAKERS[type](d) } as Event
  })
}

/** One event of every type. */
export const oneOfEach = (d: Dice, thread: string): Event[] =>
  TYPES.map(
    (type, i) =>
      ({ thread, seq: i + 1, at: 1000 + i, type, run: null, data: MAKERS[type](d) }) as Event,
  )
