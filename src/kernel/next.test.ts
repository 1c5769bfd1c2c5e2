import { describe, expect, it } from 'vitest'
import { calling, facts, ORIGIN, threadOf } from '../../test/given.ts'
import { DEFAULT_COMPACTION, DEFAULT_LIMITS } from './agent.ts'
import { type Draft, draft } from './event.ts'
import { type Nature, next, type Rules } from './next.ts'
import type { Verdict } from './policy.ts'
import { NO_USAGE } from './usage.ts'

const { opened, created, started, turn, text, broken, answered, turnEnded, asked } = facts
const plain: Nature = { kind: 'plain', readOnly: false, replayable: false }
const TOOLS: Record<string, Nature> = {
  write: plain,
  read: { kind: 'plain', readOnly: true, replayable: true },
  ask_user: { ...plain, kind: 'question' },
  task: { ...plain, kind: 'child' },
}
const rules = (over: Partial<Rules> = {}, verdicts: Record<string, Verdict> = {}): Rules => ({
  now: 2_000,
  limits: DEFAULT_LIMITS,
  compaction: DEFAULT_COMPACTION,
  contextWindow: null,
  maxAttempts: 3,
  refusedTurns: null,
  unknownOutcome: 'tell',
  hooks: [],
  judge: (call) => verdicts[call.tool] ?? 'allow',
  nature: (tool) => TOOLS[tool] ?? null,
  ...over,
})
const step = (drafts: Draft[], over: Partial<Rules> = {}, verdicts: Record<string, Verdict> = {}) =>
  next(threadOf(...drafts), rules(over, verdicts))
const begun = [opened(), created('r1'), started('r1')]
const settled = (rulings: object): Draft => ({
  type: 'ask.settled',
  run: 'r1',
  data: { ask: 'ask1', how: 'answered', rulings: rulings as never, open: [], origin: ORIGIN },
})

describe('next', () => {
  it('rests, starts the head of the queue, calls the model', () => {
    expect(step([opened()])).toEqual({ do: 'rest' })
    expect(step([opened(), created('r1')])).toEqual({ do: 'start', run: 'r1' })
    expect(step(begun)).toEqual({ do: 'model', turn: 0, attempt: 1 })
  })

  it('mends an answer that nobody listens to, then goes on in the same turn', () => {
    const open = [...begun, turn('r1'), text('r1', 'Hel')]
    expect(step(open)).toEqual({ do: 'mend' })
    expect(step([...open, broken('r1')])).toEqual({ do: 'model', turn: 0, attempt: 2 })
  })

  it('ends after an answer without calls, and goes on when somebody steered', () => {
    const said = [...begun, turn('r1'), text('r1', 'a'), answered('r1'), turnEnded('r1')]
    expect(step(said)).toMatchObject({ do: 'end', outcome: 'completed', stop: 'end' })
    const input = [{ kind: 'text' as const, text: 'and b' }]
    const steered: Draft = {
      type: 'run.steered',
      run: 'r1',
      data: { id: 's', input, origin: ORIGIN },
    }
    expect(step([...said, steered])).toEqual({ do: 'model', turn: 1, attempt: 1 })
  })

  it('waits for the time of the next attempt, and gives up on a failure that will not pass', () => {
    const failed = (retryAt: number | null) => [
      ...begun,
      turn('r1'),
      broken('r1', {
        cause: 'provider',
        retryAt,
        trouble: { code: 'overloaded', message: 'busy' },
      }),
    ]
    expect(step(failed(3_000))).toEqual({ do: 'wait', until: 3_000 })
    expect(step(failed(1_500))).toEqual({ do: 'model', turn: 0, attempt: 2 })
    expect(step(failed(null))).toMatchObject({
      do: 'end',
      outcome: 'failed',
      trouble: { code: 'overloaded' },
    })
  })

  it('gives up after attempts without a new word, however the server died', () => {
    const tries = [1, 2, 3].flatMap((attempt) => [
      turn('r1', 0, attempt),
      broken('r1', { attempt }),
    ])
    expect(step([...begun, ...tries])).toMatchObject({ do: 'end', outcome: 'failed' })
    expect(
      step([
        ...begun,
        ...tries.slice(0, 4),
        turn('r1', 0, 3),
        text('r1', 'x'),
        broken('r1', { attempt: 3 }),
      ]),
    ).toMatchObject({ do: 'model', attempt: 4 })
  })

  it('asks about some calls and refuses others before any tool acts', () => {
    const three = calling(['a', 'read'], ['b', 'write'], ['c', 'shell'])
    const nature = (tool: string): Nature | null => TOOLS[tool] ?? plain
    expect(step(three, { nature }, { write: 'ask', shell: 'deny' })).toEqual({
      do: 'rule',
      ask: ['b'],
      deny: ['c'],
    })
  })

  it('waits while an ask is open, until it expires', () => {
    const open = [...calling(['a', 'write']), asked('r1', ['a'])]
    expect(step(open, {}, { write: 'ask' })).toEqual({ do: 'wait', until: null })
    const timed = [...calling(['a', 'write'])]
    const ask = asked('r1', ['a'])
    const expiring = { ...ask, data: { ...ask.data, expiresAt: 2_500 } } as Draft
    expect(step([...timed, expiring])).toEqual({ do: 'wait', until: 2_500 })
    expect(step([...timed, expiring], { now: 2_500 })).toEqual({ do: 'expire', ask: 'ask1' })
  })

  it('runs what was approved and refuses what was not', () => {
    const open = [...calling(['a', 'write'], ['b', 'write']), asked('r1', ['a', 'b'])]
    const yes = { allow: true, by: 'person' }
    expect(step([...open, settled({ a: yes, b: yes })], {}, { write: 'ask' })).toEqual({
      do: 'tools',
      calls: ['a'],
    })
    const no = settled({ a: yes, b: { allow: false, by: 'person' } })
    expect(step([...open, no], {}, { write: 'ask' })).toEqual({ do: 'rule', ask: [], deny: ['b'] })
  })

  it('runs readers side by side and everything else in order', () => {
    expect(step(calling(['a', 'read'], ['b', 'read'], ['c', 'write']))).toEqual({
      do: 'tools',
      calls: ['a', 'b'],
    })
    expect(step(calling(['a', 'write'], ['b', 'read']))).toEqual({ do: 'tools', calls: ['a'] })
    expect(step(calling(['a', 'task'], ['b', 'task']))).toEqual({ do: 'child', calls: ['a', 'b'] })
    expect(step(calling(['a', 'read'], ['q', 'ask_user']))).toEqual({ do: 'question', call: 'q' })
    expect(step(calling(['a', 'nosuch']))).toEqual({ do: 'tools', calls: ['a'] })
  })

  it('never runs a tool twice by itself, unless the tool says it may', () => {
    const lost = [...calling(['a', 'write']), facts.toolStarted('r1', 'a')]
    expect(step(lost)).toEqual({ do: 'recover', calls: ['a'], how: 'tell' })
    expect(step(lost, { unknownOutcome: 'ask' })).toEqual({
      do: 'recover',
      calls: ['a'],
      how: 'ask',
    })
    const reader = [...calling(['a', 'read']), facts.toolStarted('r1', 'a', 'read')]
    expect(step(reader)).toEqual({ do: 'tools', calls: ['a'] })
  })

  it('asks a person about a lost tool once, and does what they say', () => {
    const ask: Draft = {
      type: 'ask.opened',
      run: 'r1',
      data: {
        ask: 'ask1',
        turn: 0,
        expiresAt: null,
        body: {
          kind: 'recovery',
          calls: [{ call: 'a', tool: 'write', input: {}, subject: '', reason: '' }],
        },
      },
    }
    const lost = [...calling(['a', 'write']), facts.toolStarted('r1', 'a'), ask]
    const how = { unknownOutcome: 'ask' as const }
    expect(step([...lost, settled({ a: { allow: true, by: 'person' } })], how)).toEqual({
      do: 'tools',
      calls: ['a'],
    })
    expect(step([...lost, settled({ a: { allow: false, by: 'person' } })], how)).toEqual({
      do: 'recover',
      calls: ['a'],
      how: 'tell',
    })
  })

  it('closes the turn when every call has its result, then calls the model again', () => {
    const ran = [
      ...calling(['a', 'write']),
      facts.toolStarted('r1', 'a'),
      facts.toolEnded('r1', 'a'),
    ]
    expect(step(ran)).toEqual({ do: 'end-turn' })
    expect(step([...ran, turnEnded('r1')])).toEqual({ do: 'model', turn: 1, attempt: 1 })
  })

  it('unwinds a cancelled run whatever it was doing', () => {
    const cancelled: Draft = {
      type: 'run.cancelling',
      run: 'r1',
      data: { reason: null, when: 'now', origin: ORIGIN },
    }
    for (const at of [
      begun,
      [...begun, turn('r1')],
      calling(['a', 'write']),
      [...calling(['a', 'write']), asked('r1', ['a'])],
    ])
      expect(step([...at, cancelled])).toEqual({ do: 'unwind' })
  })

  it('stops at the limits of turns, time and tokens, between steps', () => {
    const ran = [
      ...calling(['a', 'write']),
      facts.toolStarted('r1', 'a'),
      facts.toolEnded('r1', 'a'),
      turnEnded('r1'),
    ]
    expect(step(ran, { limits: { ...DEFAULT_LIMITS, turns: 1 } })).toMatchObject({
      do: 'end',
      stop: 'turns',
    })
    expect(step(ran, { limits: { ...DEFAULT_LIMITS, tokens: 50 } })).toMatchObject({
      do: 'end',
      stop: 'tokens',
    })
    expect(step(ran, { limits: { ...DEFAULT_LIMITS, wallMs: 2 } })).toMatchObject({
      do: 'end',
      stop: 'time',
    })
  })

  it('does not count the time that a person took', () => {
    const open = [...calling(['a', 'write']), asked('r1', ['a'])]
    expect(step(open, { now: 9_999_999 })).toMatchObject({ do: 'wait' })
    const yes = settled({ a: { allow: true, by: 'person' } })
    expect(step([...open, yes], { now: 1_010 })).toMatchObject({ do: 'tools' })
  })

  const paid = { ...NO_USAGE, costUsd: 1.5 }
  const spent = [
    ...[opened(), created('r1'), started('r1'), turn('r1'), facts.call('r1', 'a', 'write')],
    answered('r1', 0, { stop: 'calls', usage: paid, sealed: [{ part: 0, input: {} }] }),
    ...[facts.toolStarted('r1', 'a'), facts.toolEnded('r1', 'a'), turnEnded('r1')],
  ]
  const limits = { ...DEFAULT_LIMITS, costUsd: 1 }
  const limitAsk: Draft = {
    type: 'ask.opened',
    run: 'r1',
    data: {
      ask: 'ask1',
      turn: 0,
      expiresAt: null,
      body: { kind: 'limit', limitUsd: 1, spentUsd: 1.5 },
    },
  }
  it('asks at the limit of money, goes on when it is raised and stops when it is not', () => {
    expect(step(spent, { limits })).toEqual({ do: 'limit', limitUsd: 1 })
    const raised = { ...settled({ '': { allow: true, by: 'person' } }) }
    const more = { ...raised, data: { ...raised.data, limitUsd: 3 } } as Draft
    expect(step([...spent, limitAsk, more], { limits })).toEqual({
      do: 'model',
      turn: 1,
      attempt: 1,
    })
    const no = settled({ '': { allow: false, by: 'person' } })
    expect(step([...spent, limitAsk, no], { limits })).toMatchObject({ do: 'end', stop: 'cost' })
  })

  it('ends after so many turns in which everything was refused', () => {
    const refused = [
      ...calling(['a', 'write']),
      facts.toolEnded('r1', 'a', { outcome: 'denied' }),
      turnEnded('r1'),
    ]
    expect(step(refused, { refusedTurns: 1 })).toMatchObject({ do: 'end', stop: 'denied' })
    expect(step(refused, { refusedTurns: 2 })).toMatchObject({ do: 'model' })
  })

  it('compacts before a model call when the window is nearly full, once', () => {
    const long = Array.from({ length: 6 }, (_, i) => [
      created(`r${i}`, 'x'.repeat(400)),
      started(`r${i}`),
      turn(`r${i}`),
      text(`r${i}`, 'ok'),
      answered(`r${i}`, 0, { usage: NO_USAGE }),
      turnEnded(`r${i}`),
      facts.ended(`r${i}`),
    ]).flat()
    const full = [opened(), ...long, created('z'), started('z')]
    expect(
      step(full, { contextWindow: 600, compaction: { threshold: 0.75, keepExchanges: 4 } }),
    ).toEqual({ do: 'compact', by: 'limit' })
    expect(step(full, { contextWindow: 100_000 })).toMatchObject({ do: 'model' })
    const tried: Draft = {
      type: 'context.uncompacted',
      run: 'z',
      data: { reason: 'failed', usage: NO_USAGE },
    }
    expect(step([...full, tried], { contextWindow: 600 })).toMatchObject({ do: 'model' })
  })

  it('names one step at every prefix of a log', () => {
    const whole = [
      ...calling(['a', 'write']),
      asked('r1', ['a']),
      settled({ a: { allow: true, by: 'person' } }),
      facts.toolStarted('r1', 'a'),
      facts.toolEnded('r1', 'a'),
      turnEnded('r1'),
      turn('r1', 1),
      text('r1', 'done', 1),
      answered('r1', 1),
      turnEnded('r1', 1),
      facts.ended('r1'),
    ]
    const steps = whole.map((_, i) => step(whole.slice(0, i + 1), {}, { write: 'ask' }).do)
    expect(steps).toEqual([
      ...['rest', 'start', 'model', 'mend', 'mend', 'rule', 'wait', 'tools', 'recover', 'end-turn'],
      ...['model', 'mend', 'mend', 'end-turn', 'end', 'rest'],
    ])
  })
})

describe('a run that is a call', () => {
  const call = { tool: 'write', input: { path: 'a' } }
  const asked = created('r1', '', { kind: 'call', input: [], call })
  const begun = [opened(), asked, started('r1')]
  const said = [
    ...[...begun, turn('r1'), facts.call('r1', 'r1', 'write')],
    facts.answered('r1', 0, { stop: 'calls', sealed: [{ part: 0, input: call.input }] }),
  ]
  const ended = (outcome: 'ok' | 'failed' | 'denied' | 'unknown' | 'cancelled') => [
    ...[...said, facts.toolStarted('r1', 'r1')],
    ...[facts.toolEnded('r1', 'r1', { outcome, output: 'so it is' }), facts.turnEnded('r1')],
  ]

  it('makes the call, once, as any other', () => {
    expect(step(begun)).toEqual({ do: 'call' })
    expect(step(said)).toEqual({ do: 'tools', calls: ['r1'] })
    expect(step(said, {}, { write: 'ask' })).toEqual({ do: 'rule', ask: ['r1'], deny: [] })
  })

  it('ends as the call does, and asks no model', () => {
    expect(step(ended('ok'))).toEqual({ do: 'end', outcome: 'completed', stop: 'end' })
    const trouble = { message: 'so it is' }
    for (const [outcome, code] of [
      ['failed', 'tool_failed'],
      ['denied', 'tool_denied'],
      ['unknown', 'unknown_outcome'],
      ['cancelled', 'tool_cancelled'],
    ] as const)
      expect(step(ended(outcome))).toMatchObject({
        outcome: 'failed',
        trouble: { ...trouble, code },
      })
    const late = { limits: { ...DEFAULT_LIMITS, wallMs: 0 } }
    expect(step(ended('cancelled'), late)).toMatchObject({ stop: 'time' })
  })

  it('leaves the call and its result in the transcript, and no question', () => {
    const thread = threadOf(...ended('ok'), facts.ended('r1'))
    expect(thread.messages.map((m) => m.role)).toEqual(['assistant', 'tool'])
    expect(thread.measured).toBeNull()
  })
})

describe('a run that is handed over', () => {
  const switched = draft('run.switched', 'r1', {
    ...{ turn: 0, call: 'c1', from: 'assistant', agent: 'bob' },
    ...{ model: 'scripted:bob', revision: 'r2' },
  })

  it('is the new agent’s from the next turn on, and so is the thread', () => {
    const drafts = [...calling(['c1', 'write'], ['c2', 'write']), switched]
    const during = threadOf(...drafts)
    expect([during.active?.agent, during.active?.model, during.agent]).toEqual([
      'assistant',
      'scripted:x',
      'bob',
    ])
    const after = threadOf(...drafts, facts.turnEnded('r1'))
    expect([after.active?.agent, after.active?.model, after.active?.revision]).toEqual([
      'bob',
      'scripted:bob',
      'r2',
    ])
  })
})
