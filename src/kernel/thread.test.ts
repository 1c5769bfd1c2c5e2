import { describe, expect, it } from 'vitest'
import { calling, facts, logOf, ORIGIN, threadOf } from '../../test/given.ts'
import type { Draft } from './event.ts'
import { merge } from './event.ts'
import { rowsOf } from './rows.ts'
import { contextOf, emptyThread, evolve, historyOf, isDue, wakesAt } from './thread.ts'
import { unwind } from './unwind.ts'
import { NO_USAGE } from './usage.ts'

const { opened, created, started, turn, text, broken, answered, turnEnded, ended } = facts
const talk = (run: string, said: string): Draft[] => [
  created(run, `to ${run}`),
  started(run),
  turn(run),
  text(run, said),
  answered(run),
  turnEnded(run),
  ended(run),
]
const roles = (thread: { messages: { role: string }[] }): string =>
  thread.messages.map((m) => m.role[0]).join('')

describe('a thread', () => {
  it('refuses a log with a gap', () => {
    const [event] = logOf([opened()], 't', 4)
    expect(() => evolve(emptyThread('t'), event as never)).toThrow('event 5 after 0')
  })

  it('has what was said, in order, with stable ids', () => {
    const thread = threadOf(opened(), ...talk('r1', 'one'), ...talk('r2', 'two'))
    expect(thread.messages.map((m) => m.id)).toEqual(['r1:0', 'r1:1', 'r2:0', 'r2:1'])
    expect(thread.messages[1]?.parts).toEqual([{ kind: 'text', text: 'one' }])
    expect(thread).toMatchObject({ active: null, runs: 2, usage: { inputTokens: 200 } })
  })

  it('goes on with a broken answer in the same message', () => {
    const thread = threadOf(
      ...[opened(), created('r1'), started('r1'), turn('r1'), text('r1', 'Hel'), broken('r1')],
      ...[turn('r1', 0, 2), text('r1', 'lo'), answered('r1'), turnEnded('r1'), ended('r1')],
    )
    expect(thread.messages.at(-1)?.parts).toEqual([{ kind: 'text', text: 'Hello' }])
    expect(roles(thread)).toBe('ua')
  })

  it('keeps a call only when the answer was complete, and pairs it with a result', () => {
    const cut = [...calling(['a', 'write']).slice(0, 5), broken('r1')]
    expect(threadOf(...cut).active?.turn).toMatchObject({ slots: [], voided: ['a'] })
    const open = threadOf(...calling(['a', 'write']))
    const closed = threadOf(...calling(['a', 'write']), ...unwind(open.active as never))
    expect(roles(closed)).toBe('uat')
    expect(closed.messages.at(-1)?.parts).toMatchObject([
      { kind: 'result', call: 'a', outcome: 'cancelled' },
    ])
  })

  it('keeps what a cancelled answer had said, and what nobody had time to read', () => {
    const drafts = [opened(), created('r1'), started('r1'), turn('r1'), text('r1', 'Hel')]
    const steer: Draft = {
      type: 'run.steered',
      run: 'r1',
      data: { id: 's', input: [{ kind: 'text', text: 'wait' }], origin: ORIGIN },
    }
    const before = threadOf(...drafts, steer)
    const after = threadOf(...drafts, steer, ...unwind(before.active as never))
    expect(roles(after)).toBe('uau')
    expect(after.messages[2]).toMatchObject({ steered: true, parts: [{ text: 'wait' }] })
  })

  it('reads steering messages at the next turn', () => {
    const steer: Draft = {
      type: 'run.steered',
      run: 'r1',
      data: { id: 's', input: [{ kind: 'text', text: 'more' }], origin: ORIGIN },
    }
    const thread = threadOf(
      ...[...calling(['a', 'write']), steer, facts.toolEnded('r1', 'a'), turnEnded('r1')],
      turn('r1', 1),
    )
    expect(roles(thread)).toBe('uatu')
    expect(thread.active?.steers).toEqual([])
  })

  it('tells the model a summary and keeps the whole', () => {
    const compacted: Draft = {
      type: 'context.compacted',
      run: 'k',
      data: {
        ...{ summary: 'S', keepFrom: 'r2:0', messagesBefore: 4, messagesAfter: 3 },
        ...{ tokensBefore: 9, tokensAfter: 5, usage: NO_USAGE },
      },
    }
    const compact = created('k', '', { kind: 'compact', input: [] })
    const thread = threadOf(
      opened(),
      ...talk('r1', '1'),
      ...talk('r2', '2'),
      compact,
      started('k'),
      compacted,
    )
    expect(thread.messages).toHaveLength(4)
    expect(contextOf(thread).map((m) => m.id)).toEqual(['summary', 'r2:0', 'r2:1'])
  })

  it('forgets runs that were done again', () => {
    const rewound: Draft = {
      type: 'thread.rewound',
      run: null,
      data: { runs: ['r2'], reason: 'retry', origin: ORIGIN },
    }
    const thread = threadOf(
      opened(),
      ...talk('r1', '1'),
      ...talk('r2', '2'),
      rewound,
      ...talk('r3', '3'),
    )
    expect(thread.messages.map((m) => m.run)).toEqual(['r1', 'r1', 'r3', 'r3'])
  })

  it('has a history with no call left open, also in the middle of a run', () => {
    const history = historyOf(threadOf(...calling(['a', 'write'])))
    expect(history.map((m) => m.role)).toEqual(['user', 'assistant', 'tool'])
    const streaming = historyOf(threadOf(...calling(['a', 'write']).slice(0, 5)))
    expect(streaming.map((m) => m.role)).toEqual(['user'])
  })

  it('is due when somebody must work on it, and only then', () => {
    expect(isDue(threadOf(opened()))).toBe(false)
    expect(isDue(threadOf(opened(), created('r1')))).toBe(true)
    expect(isDue(threadOf(...calling(['a', 'write'])))).toBe(true)
    expect(isDue(threadOf(...calling(['a', 'write']), facts.asked('r1', ['a'])))).toBe(false)
    const later = [
      opened(),
      created('r1'),
      started('r1'),
      turn('r1'),
      broken('r1', { cause: 'provider', retryAt: 5_000 }),
    ]
    expect([isDue(threadOf(...later)), wakesAt(threadOf(...later))]).toEqual([false, 5_000])
  })

  it('has index rows that follow from the log alone', () => {
    const drafts = [...calling(['a', 'write']), facts.asked('r1', ['a'])]
    const thread = threadOf(...drafts)
    const rows = rowsOf(thread, logOf(drafts))
    expect(rows.thread).toMatchObject({
      status: 'waiting',
      activeRun: 'r1',
      due: false,
      title: 'hello',
      seq: 7,
    })
    expect(rows.runs).toMatchObject([{ id: 'r1', status: 'waiting', model: 'scripted:x' }])
    expect(rows.asks).toMatchObject([{ id: 'ask1', open: ['a'] }])
    expect(rows.usage).toMatchObject([{ seq: 6, usage: { inputTokens: 100 } }])
  })
})

describe('merge', () => {
  it('joins deltas of the same part, and nothing else', () => {
    expect(merge(text('r', 'a'), text('r', 'b'))).toEqual(text('r', 'ab'))
    expect(merge(text('r', 'a'), text('r', 'b', 0, 1))).toBeNull()
    expect(merge(text('r', 'a'), text('s', 'b'))).toBeNull()
    expect(merge(facts.args('r', 'c', '{'), facts.args('r', 'c', '}'))).toEqual(
      facts.args('r', 'c', '{}'),
    )
    expect(merge(text('r', 'a'), turnEnded('r'))).toBeNull()
  })
})
