/** What a reviewer found in the kernel, as given facts, when a command, then facts. */

import { describe, expect, it } from 'vitest'
import { DEFAULT_COMPACTION, DEFAULT_LIMITS } from '../../src/kernel/agent.ts'
import { type Draft, draft, type Facts } from '../../src/kernel/event.ts'
import { type Nature, next, type Rules, type Step, workedMs } from '../../src/kernel/next.ts'
import { rowsOf } from '../../src/kernel/rows.ts'
import { contextOf, evolve, historyOf, type Thread } from '../../src/kernel/thread.ts'
import { unwind } from '../../src/kernel/unwind.ts'
import { NO_USAGE } from '../../src/kernel/usage.ts'
import { calling, facts, logOf, ORIGIN, threadOf, types, when } from '../given.ts'

const origin = ORIGIN
const { opened, created, started, turn, text, call, args, broken } = facts
const { answered, turnEnded, toolStarted, toolEnded, ended } = facts
const plain: Nature = { kind: 'plain', readOnly: false, replayable: false }
const rules = (over: Partial<Rules> = {}): Rules => ({
  now: 2_000,
  limits: DEFAULT_LIMITS,
  compaction: DEFAULT_COMPACTION,
  contextWindow: null,
  maxAttempts: 3,
  refusedTurns: null,
  unknownOutcome: 'tell',
  hooks: [],
  judge: () => 'allow',
  nature: (tool) => (tool === 'task' ? { ...plain, kind: 'child' } : plain),
  ...over,
})
const step = (thread: Thread, over: Partial<Rules> = {}): Step => next(thread, rules(over))
const talk = (run: string, said: string): Draft[] => [
  ...[created(run, `to ${run}`), started(run), turn(run), text(run, said)],
  ...[answered(run), turnEnded(run), ended(run)],
]
const compacting: Draft = draft('context.compacting', 'k', { by: 'command', tokens: 9, window: 10 })
const compacted = (keepFrom: string | null): Draft =>
  draft('context.compacted', 'k', {
    summary: 'what r1 and r2 said',
    keepFrom,
    messagesBefore: 6,
    messagesAfter: 3,
    tokensBefore: 9,
    tokensAfter: 3,
    usage: NO_USAGE,
  })
const uncompacted = (data: Partial<Facts['context.uncompacted']> = {}): Draft =>
  draft('context.uncompacted', 'k', { reason: 'failed', usage: NO_USAGE, ...data })
const compactRun = [created('k', '', { kind: 'compact', input: [] }), started('k'), compacting]
const wordsOf = (thread: Thread): string => JSON.stringify(contextOf(thread).map((m) => m.parts))

/** The thread with more facts, each at its time. */
const grow = (thread: Thread, ...timed: [at: number, fact: Draft][]): Thread =>
  timed.reduce((t, [at, fact]) => {
    const [event] = logOf([fact], t.id, t.seq)
    return evolve(t, { ...event, at } as never)
  }, thread)

describe('a summary', () => {
  const summed = (): Draft[] => [
    opened(),
    ...['r1', 'r2', 'r3'].flatMap((run) => talk(run, `words of ${run}`)),
    ...[...compactRun, compacted('r3:0'), ended('k')],
  ]
  const retry = (of: string) => ({ do: 'retry', of, run: 'n', reason: 'retry', origin }) as const
  const takenBack = (of: string): Thread => {
    const drafts = when(threadOf(...summed()), retry(of)) as Draft[]
    return threadOf(...summed(), ...drafts)
  }
  it('goes when it tells of a run that was taken back', () => {
    const thread = takenBack('r2')
    expect(thread.messages.map((m) => m.run)).toEqual(['r1', 'r1'])
    expect(wordsOf(thread)).toContain('words of r1')
    expect(wordsOf(thread)).not.toContain('r2')
  })
  it('stays when only later runs are taken back', () => {
    expect(wordsOf(takenBack('r3'))).toContain('what r1 and r2 said')
  })
})

describe('a compaction', () => {
  it('is not what a retry does again: the last conversation is', () => {
    const thread = threadOf(opened(), ...talk('r1', 'a'), ...compactRun)
    expect(when(thread, { do: 'retry', run: 'n', reason: 'retry', origin })).toMatchObject([
      { type: 'run.cancelling', run: 'k' },
      { type: 'thread.rewound', data: { runs: ['r1'] } },
      { type: 'run.created', data: { retryOf: 'r1', input: [{ text: 'to r1' }] } },
    ])
  })
  it('that was going on is closed when its run is unwound', () => {
    const thread = threadOf(opened(), ...talk('r1', 'a'), ...compactRun)
    expect(types(unwind(thread.active as never))).toEqual(['context.uncompacted', 'run.ended'])
  })
  it('that was cut off by the time limit is no success', () => {
    const trouble = { code: 'timed_out', message: 'too long' }
    const cut = [...compactRun, uncompacted({ reason: 'cancelled', trouble })]
    expect(step(threadOf(opened(), ...cut))).toMatchObject({ outcome: 'failed', stop: 'time' })
  })
  it('that failed is counted like one that did not', () => {
    const usage = { ...NO_USAGE, inputTokens: 50 }
    const drafts = [opened(), ...compactRun, uncompacted({ usage })]
    const thread = threadOf(...drafts)
    const last = logOf(drafts).at(-1)
    expect(rowsOf(thread, [last as never]).usage).toMatchObject([{ run: 'k', usage }])
    const nothing = logOf([...drafts.slice(0, -1), uncompacted({ reason: 'nothing' })]).at(-1)
    expect(rowsOf(thread, [nothing as never]).usage).toEqual([])
  })
})

describe('an answer that breaks off', () => {
  const cutInCall = (attempt: number): Draft[] => [
    ...[turn('r1', 0, attempt), call('r1', `c${attempt}`, 'write')],
    ...[
      args('r1', `c${attempt}`, '{"path":'),
      broken('r1', { attempt, cause: 'provider', retryAt: 1 }),
    ],
  ]
  it('has said nothing new when only calls were begun, which never happened', () => {
    const begun = [opened(), created('r1'), started('r1')]
    const thread = threadOf(...begun, ...[1, 2, 3].flatMap(cutInCall))
    expect(step(thread)).toMatchObject({ do: 'end', outcome: 'failed' })
  })
  it('leaves names of calls that no later turn gives again', () => {
    const thread = threadOf(
      ...[opened(), created('r1'), started('r1'), ...cutInCall(1), turn('r1', 0, 2)],
      ...[call('r1', 'd', 'write'), answered('r1', 0, { sealed: [{ part: 0, input: {} }] })],
      ...[toolStarted('r1', 'd'), toolEnded('r1', 'd'), turnEnded('r1'), turn('r1', 1)],
    )
    expect(thread.active?.turn?.voided).toEqual(['c1'])
  })
})

describe('working time', () => {
  const body: Facts['child.asked']['body'] = { kind: 'approval', calls: [] }
  const asks = { turn: 0, call: 'c1', thread: 'kid', ask: 'a1' }
  const asked = draft('child.asked', 'r1', { ...asks, body, expiresAt: null })
  const settled = draft('child.settled', 'r1', { ...asks, how: 'answered', rulings: {} })
  const task = { turn: 0, call: 'c1', agent: 'kid', name: 'kid', task: 'a task' }
  const kid = draft('child.started', 'r1', { ...task, thread: 'kid', run: 'k1' })
  const recovered = draft('run.recovered', 'r1', {})

  it('does not pass while a child waits for a person', () => {
    const thread = threadOf(...calling(['c1', 'task']), kid)
    const waiting = grow(thread, [2_000, asked])
    const worked = workedMs(waiting.active as never, 2_000)
    expect(workedMs(waiting.active as never, 900_000)).toBe(worked)
    const done = grow(waiting, [900_000, settled])
    expect(workedMs(done.active as never, 900_010)).toBe(worked + 10)
  })
  it('does not pass while the server is down in the middle of an answer', () => {
    const drafts = [opened(), created('r1'), started('r1'), turn('r1'), text('r1', 'Hel')]
    const thread = threadOf(...drafts)
    const worked = workedMs(thread.active as never, 1_004)
    const back = grow(thread, [9_000_000, broken('r1')])
    expect(workedMs(back.active as never, 9_000_500)).toBe(worked)
    expect(step(back, { now: 9_000_500 })).toMatchObject({ do: 'model', attempt: 2 })
    const again = grow(back, [9_001_000, turn('r1', 0, 2)])
    expect(workedMs(again.active as never, 9_001_007)).toBe(worked + 7)
  })
  it('does not pass while the server is down between a call and its tool', () => {
    const thread = threadOf(...calling(['c1', 'write']))
    const worked = workedMs(thread.active as never, 1_006)
    expect(workedMs(thread.active as never, 9_000_000)).toBe(worked)
    const back = grow(thread, [9_000_000, toolStarted('r1', 'c1')])
    expect(workedMs(back.active as never, 9_000_008)).toBe(worked + 8)
  })
  it('does not pass while the server is down in the middle of a tool', () => {
    const thread = threadOf(...calling(['c1', 'write']), toolStarted('r1', 'c1'))
    expect(workedMs(thread.active as never, 1_506)).toBe(
      workedMs(thread.active as never, 1_006) + 500,
    )
    const worked = workedMs(thread.active as never, 1_006)
    const back = grow(thread, [9_000_000, recovered])
    expect(workedMs(back.active as never, 9_000_002)).toBe(worked + 2)
    const again = grow(back, [9_000_002, toolStarted('r1', 'c1')])
    expect(workedMs(again.active as never, 9_000_003)).toBe(worked + 3)
    const told = grow(back, [9_000_002, toolEnded('r1', 'c1', { outcome: 'unknown' })])
    expect(workedMs(told.active as never, 9_000_003)).toBe(worked + 2)
  })
  it('does not pass while the server is down and a child would be at work', () => {
    const thread = threadOf(...calling(['c1', 'task']), kid)
    const worked = workedMs(thread.active as never, 1_006)
    const back = grow(thread, [9_000_000, recovered])
    expect(workedMs(back.active as never, 9_000_005)).toBe(worked + 5)
    expect(step(back, { now: 9_000_005 })).toEqual({ do: 'child', calls: ['c1'] })
  })
  it('does not pass while the server is down in the middle of a summary', () => {
    const begun = draft('context.compacting', 'r1', { by: 'limit', tokens: 1, window: null })
    const thread = threadOf(opened(), created('r1'), started('r1'), begun)
    const worked = workedMs(thread.active as never, 1_003)
    const again = grow(thread, [9_000_000, recovered], [9_000_001, begun])
    expect(workedMs(again.active as never, 9_000_005)).toBe(worked + 5)
  })
  it('passes while a tool is at work, and what it took counts', () => {
    const thread = threadOf(...calling(['c1', 'write']), toolStarted('r1', 'c1'))
    const worked = workedMs(thread.active as never, 1_006)
    const done = grow(thread, [61_006, toolEnded('r1', 'c1')])
    expect(workedMs(done.active as never, 99_999)).toBe(worked + 60_000)
  })
  it('passes while an answer is tried again because of the provider', () => {
    const drafts = [opened(), created('r1'), started('r1'), turn('r1')]
    const thread = threadOf(...drafts, broken('r1', { cause: 'provider', retryAt: 5_000 }))
    expect(workedMs(thread.active as never, 5_000)).toBeGreaterThan(3_900)
  })
})

describe('rows', () => {
  it('say how every run of a batch ended, not only how the last one did', () => {
    const before = [opened(), created('r1'), started('r1'), created('r2', 'b')]
    const cancelled = { outcome: 'cancelled', stop: 'cancelled' } as const
    const batch = [
      ...[created('r3', 'c', { place: 1 }), ended('r1'), ended('r2', cancelled)],
      ...[ended('r3', cancelled), created('r4', 'd')],
    ]
    const events = logOf(batch, 't', before.length)
    const rows = rowsOf(threadOf(...before, ...batch), events, threadOf(...before))
    expect(rows.runs.map((r) => [r.id, r.status]).sort()).toEqual([
      ...[
        ['r1', 'completed'],
        ['r2', 'cancelled'],
        ['r3', 'cancelled'],
        ['r4', 'queued'],
      ],
    ])
  })
})

describe('the last fact of a cancelled run', () => {
  it('counts the turn that was just closed, and what the children used', () => {
    const { active } = threadOf(...calling(['c1', 'task']))
    const usage = { ...NO_USAGE, inputTokens: 7 }
    const ids = { turn: 0, call: 'c1', thread: 'kid', run: 'k1' }
    const said = { outcome: 'cancelled', output: '', turns: 1, usage, durationMs: 1 } as const
    const kid = draft('child.ended', 'r1', { ...ids, ...said })
    const closing = unwind(active as never, [kid])
    expect(types(closing)).toEqual(['child.ended', 'tool.ended', 'turn.ended', 'run.ended'])
    expect(closing.at(-1)?.data).toMatchObject({ turns: 1, usage: { inputTokens: 107 } })
  })
})

describe('a fork in the middle of a run', () => {
  it('begins with all that was said, also with what no turn has read yet', () => {
    const input = [{ kind: 'text' as const, text: 'and b' }]
    const steered = draft('run.steered', 'r1', { id: 's', input, origin })
    const thread = threadOf(
      opened(),
      created('r1'),
      started('r1'),
      turn('r1'),
      text('r1', 'a'),
      steered,
    )
    expect(historyOf(thread).map((m) => [m.role, m.steered ?? false])).toEqual([
      ...[
        ['user', false],
        ['assistant', false],
        ['user', true],
      ],
    ])
  })
})

describe('cancel', () => {
  it('without a run reaches the one that is about to begin', () => {
    const thread = threadOf(opened(), created('r1'), created('r2', 'b', { place: 1 }))
    const cancel = { do: 'cancel', reason: null, when: 'now', origin } as const
    expect(when(thread, { ...cancel, queue: 'keep' })).toMatchObject([
      { type: 'run.ended', run: 'r1', data: { outcome: 'cancelled' } },
    ])
    expect(when(thread, { ...cancel, queue: 'drop' })).toMatchObject([
      { type: 'run.ended', run: 'r1' },
      { type: 'run.ended', run: 'r2' },
    ])
  })
})
