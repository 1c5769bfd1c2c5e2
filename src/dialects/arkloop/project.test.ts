import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Draft, draft, type Event, type Facts, NO_MODEL } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import { NO_USAGE } from '../../kernel/usage.ts'
import { type Frame, writeFrame } from './frame.ts'
import { projectionOf } from './project.ts'

const RUN = '01890a5d-ac96-774b-bcce-b302099a8057'
const OTHER = '01890a5d-ac96-774b-bcce-b302099a8058'
const THREAD = '01890a5d-ac96-774b-bcce-b302099a8000'
const TRACE = '0d502d657756160dc14d64011e889705'

const origin = { dialect: 'arkloop', principal: OTHER }
const hints = {
  trace_id: TRACE,
  asked: { continuation_source: 'none', continuation_loop: false },
}

const created = (run = RUN, data: Partial<Facts['run.created']> = {}): Draft =>
  draft('run.created', run, {
    kind: 'message',
    input: [{ kind: 'text', text: 'hi' }],
    place: 0,
    origin: { ...origin, hints },
    ...data,
  })
const started = (run = RUN, model = 'stub:stub'): Draft =>
  draft('run.started', run, { agent: 'assistant', model, revision: 'r' })
const turn = (n: number, attempt = 1): Draft =>
  draft('turn.started', RUN, { turn: n, attempt, model: 'stub:stub', instructions: 'h' })
const text = (n: number, said: string, part = 1): Draft =>
  draft('text.delta', RUN, { turn: n, part, text: said })
const usage = { ...NO_USAGE, inputTokens: 10, outputTokens: 5, costUsd: 0.0001 }
const answered = (n: number, sealed: Facts['turn.answered']['sealed'] = []): Draft =>
  draft('turn.answered', RUN, { turn: n, sealed, stop: 'end', usage, model: 'stub' })
const ended = (data: Partial<Facts['run.ended']> = {}): Draft =>
  draft('run.ended', RUN, { outcome: 'completed', stop: 'end', turns: 1, usage, ...data })

const AT = Date.parse('2026-11-22T04:09:07.850Z')

function tell(drafts: Draft[], run = RUN): Frame[] {
  const projection = projectionOf({ run, thread: THREAD, account: 'local' })
  let state = projection.open(THREAD)
  return drafts.flatMap((d, i) => {
    const event = { thread: THREAD, seq: i + 1, at: AT + i, ...d } as Event
    const [next, frames] = projection.tell(state, event)
    state = next
    return frames
  })
}

const typesOf = (frames: Frame[]): string[] => frames.map((f) => f.type)

// ---- the capture --------------------------------------------------------------------------------

interface Captured {
  id: number
  event: string
  data: Record<string, Json> & { data: Record<string, Json> }
}

const parse = (block: string): Captured => {
  const [id = '', event = '', data = ''] = block.split('\n')
  return { id: Number(id.slice(4)), event: event.slice(7), data: JSON.parse(data.slice(6)) }
}

const captured = readFileSync(join(import.meta.dirname, 'golden/stream.txt'), 'utf8')
  .split('\n\n')
  .filter((block) => block.startsWith('id: '))
  .map((block) => parse(block.trim()))

/** The run that the capture is of. */
const drafts: Draft[] = [
  created(),
  started(),
  turn(0),
  ...['Let me ', 'think ', 'first.'].map((t) =>
    draft('thinking.delta', RUN, { turn: 0, part: 0, text: t }),
  ),
  ...['Hello ', 'from ', 'the ', 'mock. '].map((t) => text(0, t)),
  draft('call.begun', RUN, { turn: 0, part: 2, call: 'call_bcf78361', tool: 'web_search' }),
  draft('call.delta', RUN, {
    turn: 0,
    part: 2,
    call: 'call_bcf78361',
    text: '{"query":"arkloop"}',
  }),
  answered(0, [{ part: 2, input: { query: 'arkloop' } }]),
  draft('tool.started', RUN, {
    turn: 0,
    call: 'call_bcf78361',
    tool: 'web_search',
    key: 'k',
    attempt: 1,
  }),
  draft('tool.ended', RUN, {
    turn: 0,
    call: 'call_bcf78361',
    tool: 'web_search',
    outcome: 'ok',
    output: '{"results":[{"title":"T","url":"https://example.com","snippet":"s"}]}',
    rawBytes: 66,
    durationMs: 5,
  }),
  draft('turn.ended', RUN, { turn: 0 }),
  turn(1),
  text(1, 'Searched. ', 0),
  answered(1),
  draft('turn.ended', RUN, { turn: 1 }),
  ended(),
  draft('thread.changed', null, { title: 'Mock title', origin }),
]

/** What every turn and every call says here, and the capture's server did not. */
const BEYOND = ['llm.request', 'tool.call.delta']

describe('the capture', () => {
  const frames = tell(drafts)
  const firstTurn = frames.findIndex((f) => f.type === 'llm.turn.completed')
  const told = frames.filter((f, i) => !BEYOND.includes(f.type) && i !== firstTurn)

  it('has the same frames in the same order', () => {
    expect(typesOf(told)).toEqual(captured.map((c) => c.event))
  })

  it('has frames with at least the keys and values of the real ones', () => {
    for (const [i, { event, data }] of captured.entries()) {
      const frame = told[i] as Frame
      const lines = writeFrame(RUN, frame).split('\n')
      expect(lines).toHaveLength(5)
      expect(lines[0]).toBe(`id: ${frame.seq}`)
      expect(lines[1]).toBe(`event: ${event}`)
      const body = JSON.parse((lines[2] as string).slice(6))
      expect(Object.keys(body)).toEqual(expect.arrayContaining(Object.keys(data)))
      expect(body.event_id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
      expect(body).toMatchObject({ type: event, run_id: RUN, seq: frame.seq })
      expect(body.data).toMatchObject(comparable(event, data.data))
    }
  })

  /** Ids are this run's own; the first event has no trace, as in the real code; each turn says its own words. */
  function comparable(event: string, data: Record<string, Json>) {
    const own = ['job_id', 'llm_call_id', 'account_id', 'thread_id', 'assistant_message']
    if (event === 'run.started') own.push('trace_id')
    if (event === 'run.completed') own.push('usage')
    return Object.fromEntries(Object.entries(data).filter(([key]) => !own.includes(key)))
  }
})

// ---- rules --------------------------------------------------------------------------------------

describe('numbering', () => {
  it('is dense from 1 in each run, whatever else happens in the thread', () => {
    const other = [
      created(OTHER),
      draft('run.ended', OTHER, { outcome: 'cancelled', stop: 'x', turns: 0, usage: NO_USAGE }),
    ]
    const mixed = drafts.flatMap((d, i) => (i % 3 === 0 ? [d, ...other] : [d]))
    const frames = tell(mixed)
    expect(frames.map((f) => f.seq)).toEqual(frames.map((_, i) => i + 1))
    expect(typesOf(frames)).toEqual(typesOf(tell(drafts)))
  })

  it('gives every frame of a run an id of its own, the same every time', () => {
    const idsOf = () =>
      tell(drafts).map((f) => /"event_id":"([^"]+)"/.exec(writeFrame(RUN, f))?.[1])
    expect(new Set(idsOf()).size).toBe(tell(drafts).length)
    expect(idsOf()).toEqual(idsOf())
  })
})

describe('the thread’s own news', () => {
  const titled = draft('thread.changed', null, { title: 'T', origin })

  it('are told in the run that began last', () => {
    const two = [created(), started(), ended(), created(OTHER), started(OTHER), titled]
    expect(typesOf(tell(two))).not.toContain('thread.title.updated')
    expect(typesOf(tell(two, OTHER)).at(-1)).toBe('thread.title.updated')
  })

  it('are not told before the run began, nor when there is no title', () => {
    expect(typesOf(tell([created(), titled]))).toEqual(['run.started'])
    const gone = draft('thread.changed', null, { title: null, origin })
    const agent = draft('thread.changed', null, { agent: 'x', origin })
    expect(typesOf(tell([created(), started(), gone, agent]))).not.toContain('thread.title.updated')
  })
})

describe('a run of another dialect', () => {
  it('has a trace of its own, and its decisions are told in words', () => {
    const from = { dialect: 'ownware', principal: 'local' }
    const call = { call: 'c', tool: 'write', input: {}, subject: '', reason: '' }
    const frames = tell([
      created(RUN, { origin: from }),
      started(),
      draft('ask.opened', RUN, {
        ask: 'a',
        turn: 0,
        body: { kind: 'approval', calls: [call] },
        expiresAt: null,
      }),
      draft('ask.settled', RUN, {
        ask: 'a',
        how: 'answered',
        rulings: { c: { allow: false, by: 'person' } },
        open: [],
        origin: from,
      }),
    ])
    expect(frames[1]?.data.trace_id).toBe(RUN.replaceAll('-', ''))
    expect(typesOf(frames).slice(-5)).toEqual([
      'run.input_requested',
      'run.waiting_for_input',
      'run.paused',
      'run.input_provided',
      'run.resumed',
    ])
    expect(frames.at(-2)?.data.content).toBe('deny')
  })
})

describe('a run that is one call', () => {
  it('asks no model, and says so of none', () => {
    const call = { call: RUN, tool: 'deploy' }
    const frames = tell([
      created(RUN, { kind: 'call', call: { tool: 'deploy', input: { to: 'x' } }, input: [] }),
      draft('run.started', RUN, { agent: 'a', model: NO_MODEL, revision: '' }),
      draft('turn.started', RUN, { turn: 0, attempt: 1, model: NO_MODEL, instructions: '' }),
      draft('call.begun', RUN, { turn: 0, part: 0, ...call }),
      draft('call.delta', RUN, { turn: 0, part: 0, call: RUN, text: '{"to":"x"}' }),
      answered(0, [{ part: 0, input: { to: 'x' } }]),
      draft('tool.ended', RUN, {
        ...{ turn: 0, ...call, outcome: 'ok', output: 'done', rawBytes: 4, durationMs: 1 },
      }),
      draft('turn.ended', RUN, { turn: 0 }),
      ended(),
    ])
    expect(typesOf(frames)).toEqual([
      'run.started',
      'worker.job.received',
      'run.route.selected',
      'tool.call.delta',
      'tool.call',
      'tool.result',
      'run.completed',
    ])
    expect(frames[4]?.data).toMatchObject({ tool_name: 'deploy', arguments: { to: 'x' } })
  })
})

describe('what happens to the agent', () => {
  it('another takes over, and hooks that stop something are told', () => {
    const hook = {
      hook: 'guard',
      moment: 'tool.before',
      turn: 0,
      call: 'c',
      durationMs: 1,
    } as const
    const frames = tell([
      created(),
      started(),
      draft('run.switched', RUN, {
        ...{ turn: 0, call: 'c', from: 'a', agent: 'b', model: 'openai:gpt', revision: '' },
      }),
      draft('hook.ended', RUN, { ...hook, outcome: 'passed' }),
      draft('hook.ended', RUN, { ...hook, outcome: 'blocked', reason: 'no' }),
    ])
    expect(frames.slice(3).map((f) => [f.type, f.data.model ?? f.data.message])).toEqual([
      ['run.route.selected', 'gpt'],
      ['run.note', 'The hook guard at tool.before blocked: no'],
    ])
  })
})

describe('endings', () => {
  it.each([
    [{ outcome: 'completed', stop: 'end' }, 'run.completed', undefined],
    [{ outcome: 'cancelled', stop: 'cancelled' }, 'run.cancelled', undefined],
    [
      { outcome: 'failed', stop: 'error', trouble: { code: 'overloaded', message: 'm' } },
      'run.interrupted',
      'provider.retryable',
    ],
    [
      { outcome: 'failed', stop: 'error', trouble: { code: 'invalid_request', message: 'm' } },
      'run.failed',
      'provider.non_retryable',
    ],
    [
      { outcome: 'failed', stop: 'time', trouble: { code: 'timed_out', message: 'm' } },
      'run.failed',
      'run.deadline_exceeded',
    ],
    [
      { outcome: 'failed', stop: 'cost', trouble: { code: 'cost_limit', message: 'm' } },
      'run.failed',
      'budget.exceeded',
    ],
    [
      { outcome: 'failed', stop: 'error', trouble: { code: 'something_new', message: 'm' } },
      'run.failed',
      'internal.error',
    ],
  ] as const)('%o', (data, type, errorClass) => {
    const last = tell([
      created(),
      started(),
      turn(0),
      ended(data as Partial<Facts['run.ended']>),
    ]).at(-1)
    expect([last?.type, last?.errorClass]).toEqual([type, errorClass])
    const body = JSON.parse(writeFrame(RUN, last as Frame).split('\ndata: ')[1] as string)
    expect(body.error).toBe(errorClass === undefined ? undefined : 'm')
  })
})

describe('an answer that broke off', () => {
  it('goes on in the same turn, without a word twice', () => {
    const frames = tell([
      created(),
      started(),
      turn(0),
      text(0, 'One '),
      draft('turn.interrupted', RUN, {
        turn: 0,
        attempt: 1,
        cause: 'provider',
        trouble: { code: 'cut_off', message: 'm' },
        retryAt: AT + 1004,
        usage: NO_USAGE,
      }),
      turn(0, 2),
      text(0, 'two'),
      answered(0),
    ])
    expect(frames.find((f) => f.type === 'run.llm.retry')?.data).toMatchObject({
      attempt: 1,
      delay_ms: 1000,
      message: 'm',
    })
    expect(frames.at(-1)?.data.assistant_message).toEqual({
      role: 'assistant',
      content: [{ type: 'text', text: 'One two' }],
    })
    const calls = frames.filter((f) => f.type === 'llm.request').map((f) => f.data.llm_call_id)
    expect(new Set(calls).size).toBe(2)
  })
})
