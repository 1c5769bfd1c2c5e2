import { describe, expect, it } from 'vitest'
import { calling, facts, ORIGIN, threadOf, types, when } from '../../test/given.ts'
import type { Command } from './command.ts'
import { type Draft, draft } from './event.ts'
import { advance, emptyThread } from './thread.ts'
import { NO_USAGE } from './usage.ts'

const origin = ORIGIN
const input = [{ kind: 'text' as const, text: 'hi' }]
const submit = (busy: 'reject' | 'queue' | 'steer' | 'interrupt', run = 'r9'): Command => ({
  do: 'submit',
  run,
  input,
  busy,
  origin,
})
const { opened, created, started, turn, text, asked, ended } = facts
const running = () => threadOf(opened(), created('r1'), started('r1'), turn('r1'), text('r1', 'a'))

describe('submit', () => {
  it('is refused on a thread that does not exist', () => {
    expect(when(emptyThread('t'), submit('queue'))).toBe('not_found')
  })
  it('creates a run at the head of an idle thread, whatever the policy', () => {
    for (const busy of ['reject', 'queue', 'steer', 'interrupt'] as const)
      expect(when(threadOf(opened()), submit(busy))).toMatchObject([
        { type: 'run.created', run: 'r9', data: { place: 0, input, origin } },
      ])
  })
  it('reject: refuses on a busy thread, and names the run', () => {
    expect(when(running(), submit('reject'))).toBe('busy')
    expect(when(threadOf(opened(), created('r1')), submit('reject'))).toBe('busy')
  })
  it('queue: appends behind what waits', () => {
    const thread = threadOf(opened(), created('r1'), started('r1'), created('r2', 'b'))
    expect(when(thread, submit('queue'))).toMatchObject([
      { type: 'run.created', data: { place: 1 } },
    ])
  })
  it('steer: goes into the run that is going on', () => {
    expect(when(running(), submit('steer'))).toMatchObject([
      { type: 'run.steered', run: 'r1', data: { id: 'r9', input } },
    ])
  })
  it('steer: queues when the run is being cancelled already', () => {
    const thread = threadOf(...[opened(), created('r1'), started('r1')], {
      type: 'run.cancelling',
      run: 'r1',
      data: { reason: null, when: 'now', origin },
    })
    expect(when(thread, submit('steer'))).toMatchObject([{ type: 'run.created' }])
  })
  it('interrupt: cancels what goes on and stands at the head of the queue', () => {
    const thread = threadOf(opened(), created('r1'), started('r1'), created('r2', 'b'))
    expect(when(thread, submit('interrupt'))).toMatchObject([
      { type: 'run.created', run: 'r9', data: { place: 0 } },
      { type: 'run.cancelling', run: 'r1', data: { when: 'now' } },
    ])
  })
})

describe('answer', () => {
  const waiting = () =>
    threadOf(...calling(['c1', 'write'], ['c2', 'write']), asked('r1', ['c1', 'c2']))
  it('is refused when nothing runs, and when nothing is asked', () => {
    expect(when(threadOf(opened()), { do: 'answer', allow: true, origin })).toBe('not_active')
    expect(when(running(), { do: 'answer', allow: true, origin })).toBe('not_waiting')
  })
  it('without an id: rules on every call of every ask', () => {
    expect(when(waiting(), { do: 'answer', allow: true, origin })).toMatchObject([
      {
        type: 'ask.settled',
        data: { ask: 'ask1', open: [], rulings: { c1: { allow: true }, c2: { allow: true } } },
      },
    ])
  })
  it('with the id of a call: rules on that call and leaves the other open', () => {
    const drafts = when(waiting(), { do: 'answer', call: 'c2', allow: false, reason: 'no', origin })
    expect(drafts).toMatchObject([
      { data: { open: ['c1'], rulings: { c2: { allow: false, reason: 'no', by: 'person' } } } },
    ])
    expect(Object.keys((drafts as { data: { rulings: object } }[])[0]?.data.rulings ?? {})).toEqual(
      ['c2'],
    )
  })
  it('with rulings: partial answers stay partial, `allow` fills in the rest', () => {
    const rulings = { c1: { allow: true } }
    expect(when(waiting(), { do: 'answer', rulings, origin })).toMatchObject([
      { data: { open: ['c2'] } },
    ])
    expect(when(waiting(), { do: 'answer', rulings, allow: false, origin })).toMatchObject([
      { data: { open: [], rulings: { c1: { allow: true }, c2: { allow: false } } } },
    ])
  })
  it('that rules on nothing, or names an unknown ask, is refused', () => {
    expect(when(waiting(), { do: 'answer', rulings: { zz: { allow: true } }, origin })).toBe(
      'invalid',
    )
    expect(when(waiting(), { do: 'answer', ask: 'nope', allow: true, origin })).toBe('not_waiting')
    expect(when(waiting(), { do: 'answer', call: 'nope', allow: true, origin })).toBe('not_waiting')
  })
  it('settles each call once', () => {
    const thread = threadOf(
      ...calling(['c1', 'write'], ['c2', 'write']),
      asked('r1', ['c1', 'c2']),
      {
        type: 'ask.settled',
        run: 'r1',
        data: {
          ask: 'ask1',
          how: 'answered',
          rulings: { c1: { allow: true, by: 'person' } },
          open: ['c2'],
          origin,
        },
      },
    )
    expect(when(thread, { do: 'answer', call: 'c1', allow: false, origin })).toBe('not_waiting')
    expect(thread.active?.turn?.calls[0]?.ruling).toMatchObject({ allow: true })
  })

  const question = () =>
    threadOf(...calling(['q1', 'ask_user']), {
      type: 'ask.opened',
      run: 'r1',
      data: {
        ask: 'ask2',
        turn: 0,
        expiresAt: null,
        body: { kind: 'question', call: 'q1', question: { text: '?' } },
      },
    })
  it('to a question needs an answer, or a refusal', () => {
    expect(when(question(), { do: 'answer', allow: true, origin })).toBe('invalid')
    expect(when(question(), { do: 'answer', answer: 'red', origin })).toMatchObject([
      { data: { answer: 'red', open: [] } },
    ])
    expect(when(question(), { do: 'answer', allow: false, origin })).toMatchObject([
      { data: { answer: null } },
    ])
  })

  const limit = () =>
    threadOf(...calling(['c1', 'write']), {
      type: 'ask.opened',
      run: 'r1',
      data: {
        ask: 'ask3',
        turn: 0,
        expiresAt: null,
        body: { kind: 'limit', limitUsd: 1, spentUsd: 1.2 },
      },
    })
  it('to a limit raises it by the agent’s own, or to what is given, or stops', () => {
    expect(when(limit(), { do: 'answer', allow: true, origin })).toMatchObject([
      { data: { limitUsd: 1 } },
    ])
    expect(when(limit(), { do: 'answer', limitUsd: 5, origin })).toMatchObject([
      { data: { limitUsd: 5 } },
    ])
    expect(when(limit(), { do: 'answer', limitUsd: 0, origin })).toBe('invalid')
    expect(when(limit(), { do: 'answer', origin })).toBe('invalid')
    expect(when(limit(), { do: 'answer', allow: false, origin })).toMatchObject([
      { data: { rulings: { '': { allow: false } } } },
    ])
  })
  it('to a limit that was raised before raises it by the agent’s own again', () => {
    const raised = draft('ask.settled', 'r1', {
      ...{ ask: 'ask3', how: 'answered', rulings: {}, limitUsd: 3, open: [], origin },
    })
    const body = { kind: 'limit', limitUsd: 3, spentUsd: 3 } as const
    const again = draft('ask.opened', 'r1', { ask: 'ask4', turn: 0, expiresAt: null, body })
    const usage = { ...NO_USAGE, costUsd: 3 }
    const spent = draft('context.uncompacted', 'r1', { reason: 'nothing', usage })
    const thread = advance(limit(), [raised, spent, again], 2_000)
    expect(when(thread, { do: 'answer', allow: true, origin })).toMatchObject([
      { data: { limitUsd: 4 } },
    ])
  })
  it('expiry refuses what is open and is no fault when it comes too late', () => {
    expect(when(waiting(), { do: 'expire', ask: 'ask1', origin })).toMatchObject([
      { data: { how: 'expired', rulings: { c1: { allow: false, by: 'expiry' } } } },
    ])
    expect(when(running(), { do: 'expire', ask: 'ask1', origin })).toEqual([])
  })
})

describe('steer and cancel', () => {
  it('steer needs a run that listens', () => {
    expect(types(when(running(), { do: 'steer', id: 's1', input, origin }))).toEqual([
      'run.steered',
    ])
    expect(when(running(), { do: 'steer', id: 's1', run: 'other', input, origin })).toBe(
      'not_active',
    )
    expect(when(threadOf(opened()), { do: 'steer', id: 's1', input, origin })).toBe('not_active')
  })
  const cancel = (over: object = {}): Command => ({
    ...{ do: 'cancel', reason: null, when: 'now', queue: 'keep', origin },
    ...over,
  })
  it('cancels the active run; twice is once', () => {
    expect(types(when(running(), cancel()))).toEqual(['run.cancelling'])
    const twice = threadOf(opened(), created('r1'), started('r1'), {
      type: 'run.cancelling',
      run: 'r1',
      data: { reason: null, when: 'step', origin },
    })
    expect(when(twice, cancel({ when: 'step' }))).toEqual([])
    expect(types(when(twice, cancel({ when: 'now' })))).toEqual(['run.cancelling'])
  })
  it('ends a queued run at once, and with `drop` the whole queue', () => {
    const thread = threadOf(
      opened(),
      created('r1'),
      started('r1'),
      created('r2'),
      created('r3', 'c', { place: 1 }),
    )
    expect(when(thread, cancel({ run: 'r3' }))).toMatchObject([
      { type: 'run.ended', run: 'r3', data: { outcome: 'cancelled' } },
    ])
    const all = when(thread, cancel({ queue: 'drop' }))
    expect(types(all)).toEqual(['run.cancelling', 'run.ended', 'run.ended'])
  })
  it('is refused when there is nothing to cancel', () => {
    expect(when(threadOf(opened()), cancel())).toBe('not_active')
    expect(when(running(), cancel({ run: 'gone' }))).toBe('not_active')
  })
})

describe('the queue', () => {
  const queued = () =>
    threadOf(
      opened(),
      created('r1'),
      started('r1'),
      created('r2'),
      created('r3', 'c', { place: 1 }),
      created('r4', 'd', { place: 2 }),
    )
  it('is edited, dropped and moved while a run waits', () => {
    expect(types(when(queued(), { do: 'edit', run: 'r3', input, origin }))).toEqual(['run.edited'])
    expect(types(when(queued(), { do: 'drop', run: 'r3', origin }))).toEqual(['run.ended'])
    expect(when(queued(), { do: 'move', run: 'r4', place: 0, origin })).toMatchObject([
      { data: { place: 0 } },
    ])
    expect(when(queued(), { do: 'move', run: 'r4', place: 99, origin })).toEqual([])
  })
  it('refuses runs that have begun or do not exist', () => {
    expect(when(queued(), { do: 'edit', run: 'r1', input, origin })).toBe('conflict')
    expect(when(queued(), { do: 'drop', run: 'zz', origin })).toBe('not_found')
  })
  it('promotes to the head, and interrupts when told to', () => {
    expect(types(when(queued(), { do: 'promote', run: 'r4', interrupt: true, origin }))).toEqual([
      'run.moved',
      'run.cancelling',
    ])
    expect(types(when(queued(), { do: 'promote', run: 'r2', interrupt: false, origin }))).toEqual(
      [],
    )
  })
})

describe('a call', () => {
  const call = { tool: 'write', input: { path: 'a' } }
  const submit = { do: 'submit' as const, run: 'r9', input: [], call, origin }

  it('is a run of its own, also where a message would be told to the one that goes on', () => {
    const made = { type: 'run.created', run: 'r9', data: { kind: 'call', call } }
    expect(when(threadOf(opened()), { ...submit, busy: 'reject' })).toMatchObject([made])
    expect(when(running(), { ...submit, busy: 'steer' })).toMatchObject([made])
    expect(when(running(), { ...submit, busy: 'reject' })).toBe('busy')
  })

  it('is called again by a retry, with the same input', () => {
    const begun = [opened(), created('r1', '', { kind: 'call', input: [], call }), started('r1')]
    const done = [
      ...[...begun, turn('r1'), facts.call('r1', 'r1', 'write')],
      facts.answered('r1', 0, { sealed: [{ part: 0, input: call.input }] }),
      ...[facts.toolEnded('r1', 'r1'), facts.turnEnded('r1'), ended('r1')],
    ]
    const retry = { do: 'retry', run: 'r2', reason: 'retry', origin } as const
    const again = { run: 'r2', data: { kind: 'call', call, retryOf: 'r1' } }
    for (const drafts of [begun, done, [...done, created('r5'), started('r5'), ended('r5')]])
      expect((when(threadOf(...drafts), { ...retry, of: 'r1' }) as Draft[]).at(-1)).toMatchObject(
        again,
      )
  })

  it('hears no messages', () => {
    const calls = threadOf(opened(), created('r1', '', { kind: 'call', call }), started('r1'))
    expect(when(calls, { do: 'steer', id: 's', input, origin })).toBe('not_active')
  })
})

describe('compact, retry, change, open', () => {
  const done = () =>
    threadOf(
      opened(),
      created('r1', 'first'),
      started('r1'),
      turn('r1'),
      text('r1', 'a'),
      facts.answered('r1'),
      facts.turnEnded('r1'),
      ended('r1'),
    )
  it('compacts an idle thread only', () => {
    expect(when(done(), { do: 'compact', run: 'k', origin })).toMatchObject([
      { type: 'run.created', data: { kind: 'compact' } },
    ])
    expect(when(running(), { do: 'compact', run: 'k', origin })).toBe('busy')
  })
  it('retries the last run: it no longer counts, and its input is given again', () => {
    expect(when(done(), { do: 'retry', run: 'r5', reason: 'retry', origin })).toMatchObject([
      { type: 'thread.rewound', data: { runs: ['r1'] } },
      {
        type: 'run.created',
        run: 'r5',
        data: { retryOf: 'r1', input: [{ kind: 'text', text: 'first' }] },
      },
    ])
  })
  it('retries a run that is going on by cancelling it', () => {
    expect(types(when(running(), { do: 'retry', run: 'r5', reason: 'restart', origin }))).toEqual([
      'run.cancelling',
      'thread.rewound',
      'run.created',
    ])
  })
  it('retries a run with what it asked for instead of the thread’s own, also one of long ago', () => {
    const wish = { agent: 'other', model: 'm:a', instructions: 'In French.', sampling: { topP: 1 } }
    const asking = [opened(), created('r1', 'a', wish), started('r1'), turn('r1'), text('r1', 'x')]
    const later = [ended('r1'), created('r2', 'b'), started('r2'), ended('r2')]
    const retry = { do: 'retry', of: 'r1', run: 'r5', reason: 'retry', origin } as const
    const again = (...facts: Draft[]) => when(threadOf(...facts), retry)
    expect(again(...asking, ...later)).toMatchObject([{}, { run: 'r5', data: wish }])
    expect(again(...asking)).toMatchObject([{}, {}, { run: 'r5', data: wish }])
    expect(when(threadOf(...asking, ...later), { ...retry, model: 'm:b' })).toMatchObject([
      {},
      { data: { agent: 'other', model: 'm:b' } },
    ])
    const gone = threadOf(...asking, ...later, ...(again(...asking, ...later) as Draft[]))
    expect(gone.wishes).toEqual({ r5: wish })
  })
  it('or is refused, when it shall not be cancelled', () => {
    const retry = { do: 'retry', run: 'r5', reason: 'retry', busy: 'reject', origin } as const
    expect(when(running(), retry)).toBe('busy')
    expect(types(when(done(), retry))).toEqual(['thread.rewound', 'run.created'])
  })
  it('has nothing to retry on an empty thread', () => {
    expect(when(threadOf(opened()), { do: 'retry', run: 'r5', reason: 'retry', origin })).toBe(
      'not_found',
    )
  })
  it('takes runs back without another one, and cancels what goes on of them', () => {
    const rewind = (to: string) => ({ do: 'rewind', to, origin }) as const
    expect(when(done(), rewind('r1'))).toMatchObject([
      { type: 'thread.rewound', data: { runs: ['r1'], reason: 'rewind' } },
    ])
    expect(types(when(running(), rewind('r1')))).toEqual(['run.cancelling', 'thread.rewound'])
    expect(when(done(), rewind('zz'))).toBe('not_found')
  })
  it('opens a thread once', () => {
    const open = { do: 'open', ...(opened().data as object), origin } as Command
    expect(types(when(emptyThread('t'), open))).toEqual(['thread.opened'])
    expect(when(done(), open)).toBe('conflict')
  })
  it('changes only what it names', () => {
    expect(when(done(), { do: 'change', title: 'x', origin })).toEqual([
      { type: 'thread.changed', run: null, data: { title: 'x', origin } },
    ])
  })
})
