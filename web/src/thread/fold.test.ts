/** What is shown of a log, event by event. */

import { describe, expect, it } from 'vitest'
import type { Event } from '../api/types.ts'
import type { Conversation } from './entry.ts'
import { Fold } from './fold.ts'

const USAGE = {
  inputTokens: 7,
  outputTokens: 3,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  costUsd: 0.5,
}
const ORIGIN = { dialect: 'clotho', principal: 'p' }

/** A log from type, run and data alone. */
function log(...facts: [Event['type'], string | null, object][]): Event[] {
  return facts.map(
    ([type, run, data], i) =>
      ({ thread: 't', seq: i + 1, at: (i + 1) * 1000, type, run, data }) as Event,
  )
}

const opened = (): [Event['type'], null, object] => [
  'thread.opened',
  null,
  {
    agent: 'a',
    model: null,
    title: null,
    parent: null,
    forkedFrom: null,
    origin: ORIGIN,
    history: [],
  },
]
const begun = (run: string, text: string): [Event['type'], string, object][] => [
  [
    'run.created',
    run,
    { kind: 'message', input: [{ kind: 'text', text }], place: 0, origin: ORIGIN },
  ],
  ['run.started', run, { agent: 'a', model: 'm:x', revision: '' }],
  ['turn.started', run, { turn: 0, attempt: 1, model: 'm:x', instructions: '' }],
]
const say = (run: string, text: string, part = 0): [Event['type'], string, object] => [
  'text.delta',
  run,
  { turn: 0, part, text },
]
const answered = (run: string, sealed: object[] = []): [Event['type'], string, object] => [
  'turn.answered',
  run,
  { turn: 0, sealed, stop: 'end', usage: USAGE, model: 'x' },
]
const ended = (run: string): [Event['type'], string, object] => [
  'run.ended',
  run,
  { outcome: 'completed', stop: 'end', turns: 1, usage: USAGE },
]

function show(events: Event[]): Conversation {
  const fold = new Fold()
  fold.take(events)
  return fold.view()
}
const kinds = ({ entries }: Conversation): string[] => entries.map((entry) => entry.kind)

describe('a conversation', () => {
  it('is the same however the log is cut into pieces', () => {
    const events = log(
      opened(),
      ...begun('r', 'Hi'),
      say('r', 'He'),
      say('r', 'llo'),
      answered('r'),
      ended('r'),
    )
    const bit = new Fold()
    for (const event of events) bit.take([event])
    expect(bit.view()).toEqual(show(events))
    expect(show(events)).toMatchObject({
      seq: 8,
      dialect: 'clotho',
      active: null,
      contextTokens: 10,
      usage: USAGE,
      entries: [
        { kind: 'user', parts: [{ kind: 'text', text: 'Hi' }] },
        { kind: 'text', text: 'Hello', isOpen: false },
        { kind: 'end', outcome: 'completed', model: 'm:x', durationMs: 5000 },
      ],
    })
  })

  it('goes on in the same entry after an answer that broke off, and forgets calls that never were', () => {
    const shown = show(
      log(
        opened(),
        ...begun('r', 'Hi'),
        say('r', 'one '),
        ['call.begun', 'r', { turn: 0, part: 1, call: 'c', tool: 'shell' }],
        [
          'turn.interrupted',
          'r',
          { turn: 0, attempt: 1, cause: 'restart', retryAt: null, usage: USAGE },
        ],
        ['turn.started', 'r', { turn: 0, attempt: 2, model: 'm:x', instructions: '' }],
        say('r', 'two'),
        answered('r'),
      ),
    )
    expect(kinds(shown)).toEqual(['user', 'text', 'break'])
    expect(shown.entries[1]).toMatchObject({ text: 'one two', isOpen: false })
  })

  it('shows a call with its input, its ruling, what it printed and what became of it', () => {
    const ask = { turn: 0, ask: 'k', expiresAt: null }
    const call = { call: 'c', tool: 'shell', input: { command: 'ls' }, subject: 'ls', reason: '' }
    const facts: [Event['type'], string | null, object][] = [
      opened(),
      ...begun('r', 'Hi'),
      ['call.begun', 'r', { turn: 0, part: 0, call: 'c', tool: 'shell' }],
      ['call.delta', 'r', { turn: 0, part: 0, call: 'c', text: '{"command":"ls"}' }],
      answered('r', [{ part: 0, input: { command: 'ls' } }]),
      ['ask.opened', 'r', { ...ask, body: { kind: 'approval', calls: [call] } }],
    ]
    expect(show(log(...facts))).toMatchObject({
      asks: 1,
      entries: [{}, { state: 'ready' }, { open: ['c'] }],
    })
    const rulings = { c: { allow: true, by: 'person' } }
    const done = show(
      log(
        ...facts,
        ['ask.settled', 'r', { ask: 'k', how: 'answered', rulings, open: [], origin: ORIGIN }],
        ['tool.started', 'r', { turn: 0, call: 'c', tool: 'shell', key: '', attempt: 1 }],
        ['tool.progressed', 'r', { turn: 0, call: 'c', text: 'a.t' }],
        ['tool.progressed', 'r', { turn: 0, call: 'c', text: 'xt' }],
        [
          'tool.ended',
          'r',
          {
            turn: 0,
            call: 'c',
            tool: 'shell',
            outcome: 'ok',
            output: 'a.txt',
            rawBytes: 5,
            durationMs: 9,
          },
        ],
      ),
    )
    expect(done.asks).toBe(0)
    expect(done.entries[1]).toMatchObject({
      input: { command: 'ls' },
      state: 'ended',
      ruling: rulings.c,
      progress: 'a.txt',
      result: { outcome: 'ok', output: 'a.txt', durationMs: 9 },
    })
    expect(done.entries[2]).toMatchObject({ kind: 'ask', settled: { how: 'answered' } })
  })

  it('keeps the queue in the order of the log', () => {
    const wait = (run: string, place: number): [Event['type'], string, object] => [
      'run.created',
      run,
      { kind: 'message', input: [{ kind: 'text', text: run }], place, origin: ORIGIN },
    ]
    const facts: [Event['type'], string | null, object][] = [
      opened(),
      ...begun('r', 'Hi'),
      wait('a', 0),
      wait('b', 1),
      wait('c', 2),
      ['run.moved', 'c', { place: 0, origin: ORIGIN }],
      ['run.edited', 'a', { input: [{ kind: 'text', text: 'A' }], origin: ORIGIN }],
      ['run.ended', 'b', { outcome: 'cancelled', stop: 'cancelled', turns: 0, usage: USAGE }],
    ]
    const { queue, active } = show(log(...facts))
    expect(queue.map((w) => w.run)).toEqual(['c', 'a'])
    expect(queue[1]?.input).toEqual([{ kind: 'text', text: 'A' }])
    expect(active?.run).toBe('r')
  })

  it('puts away what was undone', () => {
    const shown = show(
      log(opened(), ...begun('r', 'Hi'), say('r', 'x'), answered('r'), ended('r'), [
        'thread.rewound',
        null,
        { runs: ['r'], reason: 'retry', origin: ORIGIN },
      ]),
    )
    expect(kinds(shown)).toEqual(['undone'])
    expect(shown.entries[0]).toMatchObject({
      entries: [{ kind: 'user' }, { kind: 'text' }, { kind: 'end' }],
    })
  })
})
