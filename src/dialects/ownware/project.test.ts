/** The projection against what the real system said on the wire, and what it says where that was wrong. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { facts, logOf } from '../../../test/given.ts'
import { type Draft, draft, type Event, type Facts } from '../../kernel/event.ts'
import { emptyThread, fold } from '../../kernel/thread.ts'
import { unwind } from '../../kernel/unwind.ts'
import { type Body, type Frame, writeFrame } from './frame.ts'
import { projection } from './project.ts'
import { isLive, isOver } from './telling.ts'

const RUN = 'r1'
const THREAD = '01890a5d-ac96-774b-bcce-b302099a8057'
const CHILD = '01890a5d-ac96-774b-bcce-b302099a8058'

// ---- telling --------------------------------------------------------------------------------

/** The frames of a log; the kernel's own fold must accept it too. */
function told(drafts: Draft[], thread = THREAD): Frame[] {
  const log = logOf(drafts, thread)
  fold(emptyThread(thread), log)
  return tellAll(log, thread)
}

function tellAll(log: Event[], thread = THREAD): Frame[] {
  let state = projection.open(thread)
  return log.flatMap((event) => {
    const [next, frames] = projection.tell(state, event)
    state = next
    return frames
  })
}

const types = (frames: Frame[]): string[] => frames.map((f) => f.body.type)

const only = (frames: Frame[], type: string): Body[] =>
  frames.filter((f) => f.body.type === type).map((f) => f.body)

// ---- golden captures ------------------------------------------------------------------------

const ENVELOPE = /^(stream\.|done$)/

/** The numbered frames of a capture, in order, each once. */
function captured(file: string): Record<string, unknown>[] {
  const text = readFileSync(join(import.meta.dirname, 'golden', file), 'utf8')
  return [...text.matchAll(/^data: (.*)$/gm)]
    .map((m) => JSON.parse(m[1] as string) as Record<string, unknown>)
    .filter((f) => !ENVELOPE.test(f.type as string))
}

const NAMES: Record<string, string> = { writeFile: 'write', agent_spawn: 'task' }

const VOLATILE: Record<string, (value: unknown) => unknown> = {
  timestamp: () => 0,
  durationMs: () => 0,
  sessionId: (v) => String(v).replace(/^[^:]+/, 'SESSION'),
  checkpointId: () => 'SESSION',
  operationHash: (v) => (/^[0-9a-f]{64}$/.test(String(v)) ? 'HASH' : v),
  toolCallId: () => 'CALL',
  requestId: () => 'CALL',
  toolName: (v) => NAMES[String(v)] ?? v,
}

/** Without ids, times, hashes; our names of tools. */
function plain(value: unknown, key = ''): unknown {
  const change = VOLATILE[key]
  if (change) return anonymous(change(value))
  if (Array.isArray(value)) return value.map((v) => plain(v))
  if (value === null || typeof value !== 'object') return anonymous(value)
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v, k)]))
}

const anonymous = (value: unknown): unknown =>
  typeof value === 'string' ? value.replace(/agent_[0-9a-f]{8,32}/, 'AGENT') : value

const written = (frames: Frame[]): unknown[] =>
  frames.map((f) => plain(JSON.parse(/^data: (.*)$/m.exec(writeFrame(f))?.[1] as string)))

/** The capture as it would be without the named faults of the real system. */
function golden(
  file: string,
  mend: (frame: Record<string, unknown>) => Record<string, unknown> = (f) => f,
): unknown[] {
  return captured(file).map((f) => plain(mend(f)))
}

// ---- logs -----------------------------------------------------------------------------------

const MODEL = 'openai:gpt-4o'
const usage = (inputTokens: number, outputTokens: number, costUsd: number | null) => ({
  inputTokens,
  outputTokens,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  costUsd,
})

const begun = (text: string): Draft[] => [
  facts.opened(),
  facts.created(RUN, text),
  draft('run.started', RUN, { agent: 'assistant', model: MODEL, revision: '1' }),
]
const turn = (index = 0, attempt = 1): Draft =>
  draft('turn.started', RUN, { turn: index, attempt, model: MODEL, instructions: 'i' })
const says = (words: string[], index = 0): Draft[] => words.map((w) => facts.text(RUN, w, index))
const thinks = (text: string): Draft => draft('thinking.delta', RUN, { turn: 0, part: 0, text })
const answered = (
  used: Facts['turn.answered']['usage'],
  index = 0,
  stop: 'end' | 'calls' = 'end',
) => facts.answered(RUN, index, { usage: used, stop })
const ended = (used: Facts['run.ended']['usage'], data: Partial<Facts['run.ended']> = {}): Draft =>
  facts.ended(RUN, { usage: used, ...data })
const failed = (code: string, message: string): Partial<Facts['run.ended']> => ({
  outcome: 'failed',
  stop: 'error',
  trouble: { code, message },
})

const WRITE = 'tool writeFile {"file_path":"out-perm.txt","content":"hi"}'
const CHUNKS = ['{"file_path"', ':"out-perm.t', 'xt","content', '":"hi"}']

/** A turn that speaks and calls a tool, up to the model's last word. */
const calling = (tool: string, chunks: string[]): Draft[] => [
  turn(),
  ...says(['Calling. ']),
  facts.call(RUN, 'c1', tool, 0, 1),
  ...chunks.map((c) => facts.args(RUN, 'c1', c, 0, 1)),
  facts.answered(RUN, 0, {
    stop: 'calls',
    usage: usage(100, 1, 0.00026000000000000003),
    sealed: [{ part: 1, input: JSON.parse(chunks.join('')) }],
  }),
]

const INPUT = { file_path: 'out-perm.txt', content: 'hi' }
const asked = (): Draft =>
  draft('ask.opened', RUN, {
    ask: 'a1',
    turn: 0,
    expiresAt: null,
    body: {
      kind: 'approval',
      calls: [{ call: 'c1', tool: 'write', input: INPUT, subject: 'out-perm.txt', reason: '' }],
    },
  })
const settled = (allow: boolean, data: Partial<Facts['ask.settled']> = {}): Draft =>
  draft('ask.settled', RUN, {
    ask: 'a1',
    how: 'answered',
    rulings: { c1: { allow, by: 'person' } },
    open: [],
    origin: { dialect: 'ownware', principal: 'local' },
    ...data,
  })
const result = (output: string, data: Partial<Facts['tool.ended']> = {}): Draft =>
  facts.toolEnded(RUN, 'c1', { output, rawBytes: Buffer.byteLength(output), ...data })

/** The second turn of the captures: it repeats what the tool said. */
const repeats = (words: string): Draft[] => [
  facts.turnEnded(RUN),
  turn(1),
  ...says(['tool said: ', words], 1),
  answered(usage(100, 2, 0.00027), 1),
  facts.turnEnded(RUN, 1),
  ended(usage(200, 3, 0.0005300000000000001), { turns: 2 }),
]

const permission = (allow: boolean, output: string, end: Partial<Facts['tool.ended']>): Draft[] => [
  ...begun(WRITE),
  ...calling('write', CHUNKS),
  asked(),
  settled(allow),
  ...(allow ? [facts.toolStarted(RUN, 'c1')] : []),
  result(output, end),
  ...repeats(output.slice(0, 80)),
]

const CREATED = 'File created: out-perm.txt (1 line, 2 characters)'
const APPROVED = permission(true, CREATED, { meta: { lineCount: 1, charCount: 2 } })

/** Their request hides what is asked; ours shows it. */
const showsInput = (f: Record<string, unknown>): Record<string, unknown> =>
  f.type === 'permission.request' ? { ...f, input: INPUT } : f

const textLog = (): Draft[] => [
  ...begun('hello'),
  turn(),
  ...says(['Hello ', 'from ', 'fake ', 'model.']),
  answered(usage(100, 4, 0.00029)),
  facts.turnEnded(RUN),
  ended(usage(100, 4, 0.00029)),
]

describe('against captures of the real system', () => {
  it('text', () => {
    expect(written(told(textLog()))).toEqual(golden('run-text.sse.txt'))
  })

  it('thinking', () => {
    const log = [
      ...begun('think'),
      turn(),
      thinks('Let me '),
      thinks('think.'),
      ...['Thought ', 'done.'].map((t) => facts.text(RUN, t, 0, 1)),
      answered(usage(100, 2, 0.00027)),
      facts.turnEnded(RUN),
      ended(usage(100, 2, 0.00027)),
    ]
    expect(written(told(log))).toEqual(golden('think-openai.txt'))
  })

  it.each(['perm-approve.txt', 'perm-always.txt'])('%s', (file) => {
    expect(written(told(APPROVED))).toEqual(golden(file, showsInput))
  })

  it('perm-deny.txt', () => {
    const output = captured('perm-deny.txt').find((f) => f.type === 'tool.call.end')?.result
    const log = permission(false, output as string, { outcome: 'denied', durationMs: 0 })
    expect(written(told(log))).toEqual(golden('perm-deny.txt', showsInput))
  })

  it('an approval that nobody answered in time', () => {
    const file = 'hitl-timeout.txt'
    const output = captured(file).find((f) => f.type === 'tool.call.end')?.result as string
    const call = { call: 'c1', tool: 'shell', input: { command: 'npm install x' } }
    const log = [
      ...begun('tool shell_execute {"command":"npm install x"}'),
      ...calling('shell', ['{"command":"', 'npm install ', 'x"}']),
      draft('ask.opened', RUN, {
        ask: 'a1',
        turn: 0,
        expiresAt: 5000,
        body: { kind: 'approval', calls: [{ ...call, subject: '', reason: '' }] },
      }),
      settled(false, { how: 'expired', rulings: { c1: { allow: false, by: 'expiry' } } }),
      result(output, { tool: 'shell', outcome: 'denied' }),
      facts.turnEnded(RUN),
    ]
    const untilCheckpoint = golden(file, (f) => ({
      ...f,
      ...(f.type === 'permission.request' ? { input: call.input } : {}),
      ...(f.toolName ? { toolName: 'shell' } : {}),
    })).slice(0, -1)
    expect(written(told(log))).toEqual(untilCheckpoint)
  })

  it.each([
    ['err-401.txt', 'err 401', '401 fake error 401', [] as string[]],
    ['err-500.txt', 'err 500', '500 fake error 500', [] as string[]],
    ['err-cut.txt', 'cut', 'Premature close', ['partial ', 'answer ']],
  ])('%s', (file, prompt, message, words) => {
    const none = usage(0, 0, 0)
    const trouble = { code: 'provider_error', message }
    const log = [
      ...begun(prompt),
      turn(),
      ...says(words),
      facts.broken(RUN, { cause: 'provider', trouble, usage: none }),
      ended(none, { ...failed('provider_error', message), turns: 0 }),
    ]
    expect(written(told(log))).toEqual(golden(file))
  })

  it('an abort, told as what it is', () => {
    const words = captured('abort.sse.txt').flatMap((f) =>
      f.type === 'text.delta' ? [f.text as string] : [],
    )
    const open = [...begun('slow 100 100'), turn(), ...says(words)]
    const run = fold(emptyThread(THREAD), logOf(open, THREAD)).active
    const log = [...open, cancelling(), ...unwind(run as NonNullable<typeof run>)]
    const honest = golden('abort.sse.txt', (f) => ({
      ...f,
      ...(f.stopReason ? { stopReason: 'aborted' } : {}),
      ...(f.reason ? { reason: 'aborted' } : {}),
    }))
    expect(written(told(log))).toEqual(honest)
  })

  it('a time limit, told as what it is', () => {
    const file = 'timeout-streaming.txt'
    const words = captured(file).flatMap((f) => (f.type === 'text.delta' ? [f.text as string] : []))
    const log = [
      ...begun('slow 100 100'),
      turn(),
      ...says(words),
      facts.broken(RUN, { cause: 'limit', usage: usage(0, 0, 0) }),
      ended(usage(0, 0, 0), {
        outcome: 'failed',
        stop: 'time',
        trouble: { code: 'timed_out', message: 'The run reached its time limit.' },
        turns: 0,
      }),
    ]
    const frames = told(log)
    expect(only(frames, 'error')).toMatchObject([{ code: 'TIMED_OUT', recoverable: false }])
    const quiet = frames.filter((f) => f.body.type !== 'error')
    const honest = golden(file, (f) => ({
      ...f,
      ...(f.stopReason ? { stopReason: 'aborted' } : {}),
      ...(f.reason ? { reason: 'aborted' } : {}),
    })) as Record<string, unknown>[]
    expect((written(quiet) as Record<string, unknown>[]).map(unnumbered)).toEqual(
      honest.map(unnumbered),
    )
  })

  it('a sub-agent, on the stream of its parent', () => {
    const spent = usage(100, 4, 0.00029)
    const child = { turn: 0, call: 'c1', thread: CHILD, run: 'r2' }
    const input = captured('subagent.txt')
      .filter((f) => f.type === 'tool.call.args_delta')
      .map((f) => f.delta as string)
    const prompt = captured('subagent.txt')[0]?.text as string
    const output = 'Hello from fake model.'
    const log = [
      ...begun(prompt),
      ...calling('task', input),
      draft('child.started', RUN, {
        ...child,
        agent: 'researcher',
        name: 'researcher',
        task: 'hello there',
      }),
      draft('child.ended', RUN, {
        ...child,
        outcome: 'completed',
        output,
        turns: 1,
        usage: spent,
        durationMs: 87,
      }),
      result(output, { tool: 'task' }),
      ...repeats(output),
    ]
    expect(written(told(log))).toEqual(golden('subagent.txt', mendAgents))
  })

  it('a sub-agent, on its own stream', () => {
    const log = textLog()
    log[0] = facts.opened({ parent: { thread: THREAD, run: RUN, call: 'c1' } })
    const frames = told(log, CHILD)
    expect(written(frames)).toEqual(golden('subagent.child.sse.txt'))
    expect(only(frames, 'session.start')[0]?.sessionId).toBe(
      `${THREAD}:agent_${CHILD.replaceAll('-', '')}`,
    )
  })

  it('a reader that comes back has what it lacked, with the same numbers', () => {
    const words = Array.from({ length: 12 }, (_, i) => `w${i} `)
    const log = [
      ...begun('slow 12 100'),
      turn(),
      ...says(words),
      answered(usage(100, 12, 0.00037)),
      facts.turnEnded(RUN),
      ended(usage(100, 12, 0.00037)),
    ]
    const file = captured('reconnect-since.txt')
    const second = file.slice(8, 8 + 12).map((f) => plain(f))
    expect(written(told(log).filter((f) => f.seq > 6))).toEqual(second)
    expect(written(told(log)).slice(0, 8)).toEqual(file.slice(0, 8).map((f) => plain(f)))
  })
})

const unnumbered = ({ seq: _, ...frame }: Record<string, unknown>): Record<string, unknown> => frame

/** Real faults: an agent that is its own parent, a turn that is none. Models are said elsewhere. */
function mendAgents(f: Record<string, unknown>): Record<string, unknown> {
  const { model: _, usage: used, metadata, ...rest } = f
  const withoutModel = (u: unknown): unknown => {
    const { model: __, ...tokens } = u as Record<string, unknown>
    return tokens
  }
  if (f.type === 'agent.spawn') return { ...rest, parentAgentId: 'root' }
  if (f.type === 'agent.complete') return { ...rest, usage: withoutModel(used), turnIndex: 0 }
  if (f.type !== 'tool.call.end') return f
  const facts = metadata as Record<string, unknown>
  return { ...rest, metadata: { ...facts, usage: withoutModel(facts.usage) } }
}

function cancelling(): Draft {
  const origin = { dialect: 'ownware', principal: 'local' }
  return draft('run.cancelling', RUN, { reason: null, when: 'now', origin })
}

// ---- what no capture shows ------------------------------------------------------------------

describe('an answer that breaks off and goes on', () => {
  const log = [
    ...begun('hello'),
    turn(),
    ...says(['Hello ']),
    facts.call(RUN, 'c9', 'write', 0, 1),
    facts.broken(RUN),
    turn(0, 2),
    ...says(['world.']),
    answered(usage(10, 2, 0)),
    facts.turnEnded(RUN),
    ended(usage(10, 2, 0)),
  ]

  it('is one turn with one whole text, and the void call is told to be over', () => {
    const frames = told(log)
    expect(types(frames)).toEqual([
      'user.message',
      'session.start',
      'turn.start',
      'text.delta',
      'tool.call.start',
      'tool.call.end',
      'text.delta',
      'text.complete',
      'turn.end',
      'session.end',
    ])
    expect(only(frames, 'text.complete')).toMatchObject([{ text: 'Hello world.' }])
    expect(only(frames, 'tool.call.end')).toMatchObject([{ toolCallId: 'c9', isError: true }])
    expect(only(frames, 'turn.end')).toMatchObject([{ stopReason: 'end_turn' }])
  })

  it('says what it waits for when the provider is busy, and that is no error', () => {
    const trouble = { code: 'rate_limited', message: '429 slow down' }
    const busy = facts.broken(RUN, { cause: 'provider', trouble, retryAt: 9000 })
    const frames = told([...begun('x'), turn(), busy, turn(0, 2), ...says(['ok'])])
    expect(types(frames)).toEqual([
      'user.message',
      'session.start',
      'turn.start',
      'recovery',
      'text.delta',
    ])
    expect(only(frames, 'recovery')).toMatchObject([{ reason: 'rate_limit', attempt: 1 }])
  })
})

describe('a run always closes', () => {
  const stops = ['turn.end', 'error', 'turn.interrupted']
  const cancelled = (drafts: Draft[]): Draft[] => {
    const run = fold(emptyThread(THREAD), logOf(drafts, THREAD)).active
    return [...drafts, cancelling(), ...unwind(run as NonNullable<typeof run>)]
  }

  it('wherever it is cancelled, with everything that was open told to be over', () => {
    const open = APPROVED.slice(0, -1)
    for (let n = 3; n <= open.length; n++) {
      const frames = told(cancelled(open.slice(0, n)))
      expect(frames.at(-1)?.body).toMatchObject({ type: 'session.end', reason: 'aborted' })
      const stop = frames.findLast((f) => stops.includes(f.body.type))?.body
      expect(['tool_use', 'pause_turn']).not.toContain(stop?.stopReason)
      expect(only(frames, 'tool.call.start').length).toBe(only(frames, 'tool.call.end').length)
      const requests = only(frames, 'permission.request').length
      expect(only(frames, 'permission.response').length).toBe(requests)
      expect(only(frames, 'turn.start').length).toBe(only(frames, 'turn.end').length)
    }
  })

  it('with a turn that reads on when a message was put in', () => {
    const origin = { dialect: 'oah', principal: 'local' }
    const steer = draft('run.steered', RUN, {
      id: 's1',
      input: [{ kind: 'text', text: 'shorter' }],
      origin,
    })
    const log = [
      ...begun('x'),
      turn(),
      ...says(['long']),
      steer,
      answered(usage(1, 1, 0)),
      facts.turnEnded(RUN),
      turn(1),
      ...says(['short'], 1),
      answered(usage(1, 1, 0), 1),
      facts.turnEnded(RUN, 1),
      ended(usage(2, 2, 0), { turns: 2 }),
    ]
    const frames = told(log)
    expect(only(frames, 'turn.end')).toMatchObject([
      { stopReason: 'pause_turn' },
      { stopReason: 'end_turn' },
    ])
    const order = types(frames)
    expect(order.indexOf('turn.end')).toBeLessThan(order.lastIndexOf('user.message'))
    expect(order.lastIndexOf('user.message')).toBeLessThan(order.lastIndexOf('turn.start'))
  })

  it('says why, also when no turn was open', () => {
    const limits: [string, string, string][] = [
      ['turns', 'turn_limit', 'MAX_TURNS'],
      ['cost', 'cost_limit', 'BUDGET_EXCEEDED'],
      ['tokens', 'token_limit', 'BUDGET_EXCEEDED'],
    ]
    for (const [stop, code, expected] of limits) {
      const end = ended(usage(1, 1, 0), {
        outcome: 'failed',
        stop,
        trouble: { code, message: 'm' },
      })
      const between = APPROVED.findIndex((d) => d.type === 'turn.ended') + 1
      const frames = told([...APPROVED.slice(0, between), end])
      expect(types(frames).slice(-2)).toEqual(['error', 'session.end'])
      expect(frames.at(-2)?.body).toMatchObject({ code: expected })
      expect(frames.at(-1)?.body.reason).toBe(stop === 'turns' ? 'max_turns' : 'budget_exceeded')
    }
  })
})

describe('a result', () => {
  it('is said to be cut when its tool says so, or when more was there and it says nothing', () => {
    const cut = (data: Partial<Facts['tool.ended']>): unknown => {
      const log = [
        ...begun('x'),
        turn(),
        facts.call(RUN, 'c1', 'shell'),
        answered(usage(1, 1, 0), 0, 'calls'),
        facts.toolEnded(RUN, 'c1', { output: 'hi', ...data }),
      ]
      return only(told(log), 'tool.call.end')[0]?.truncated
    }
    expect(cut({ rawBytes: 2 })).toBe(false)
    expect(cut({ rawBytes: 3 })).toBe(true)
    expect(cut({ rawBytes: 3, meta: { truncated: false } })).toBe(false)
    expect(cut({ rawBytes: 2, meta: { truncated: true } })).toBe(true)
  })
})

describe('what is asked', () => {
  const open = (
    body: Facts['ask.opened']['body'],
    answer: Partial<Facts['ask.settled']>,
  ): Frame[] =>
    told([
      ...begun('x'),
      ...calling('ask_user', ['{}']),
      draft('ask.opened', RUN, { ask: 'a1', turn: 0, body, expiresAt: null }),
      settled(true, { rulings: {}, ...answer }),
    ]).slice(-2)

  it('may be a question: answered is granted, declined is not', () => {
    const options = [{ label: 'red' }, { label: 'blue', about: 'like the sea' }]
    const body = { kind: 'question', call: 'c1', question: { text: 'Which?', options } } as const
    const [request, response] = open(body, { answer: 'red' })
    expect(request?.body).toMatchObject({
      requestId: 'c1',
      toolName: 'ask_user',
      input: { question: 'Which?', options },
      inputSummary: '2 input fields',
    })
    expect(response?.body).toMatchObject({ requestId: 'c1', granted: true })
    expect(open(body, { answer: null })[1]?.body).toMatchObject({ granted: false })
  })

  it('may be money', () => {
    const body = { kind: 'limit', limitUsd: 1, spentUsd: 1.25 } as const
    const [request, response] = open(body, { rulings: { '': { allow: true, by: 'person' } } })
    expect(request?.body).toMatchObject({
      requestId: 'a1',
      toolName: 'budget',
      reason: 'The run has spent $1.25 of its $1.00. Raise the limit and go on?',
    })
    expect(response?.body).toMatchObject({ requestId: 'a1', granted: true })
  })

  it('may be whether to run a tool again, under an id of its own', () => {
    const call = {
      call: 'c1',
      tool: 'shell',
      input: { command: 'x' },
      subject: 'x',
      reason: 'Again?',
    }
    const [request] = open({ kind: 'recovery', calls: [call] }, {})
    expect(request?.body).toMatchObject({ requestId: 'recovery_c1', reason: 'Again?' })
  })

  it('has the same hash whenever the same is asked', () => {
    const one = only(told(APPROVED), 'permission.request')[0]?.operationHash
    const log = APPROVED.map((d) =>
      d.type === 'ask.opened' ? ({ ...d, data: { ...d.data, ask: 'other' } } as Draft) : d,
    )
    expect(only(told(log), 'permission.request')[0]?.operationHash).toBe(one)
  })

  describe('about several calls at once', () => {
    const call = (name: string) => ({
      call: name,
      tool: 'write',
      input: {},
      subject: '',
      reason: '',
    })
    const asked = [
      ...begun('x'),
      turn(),
      facts.call(RUN, 'c1', 'write', 0, 0),
      facts.call(RUN, 'c2', 'write', 0, 1),
      answered(usage(1, 1, 0), 0, 'calls'),
      draft('ask.opened', RUN, {
        ask: 'a1',
        turn: 0,
        expiresAt: null,
        body: { kind: 'approval', calls: [call('c1'), call('c2')] },
      }),
    ]
    const ruled = (name: string, allow: boolean, left: string[]): Draft =>
      settled(allow, { rulings: { [name]: { allow, by: 'person' } }, open: left })
    const permissions = (drafts: Draft[]): Body[] =>
      told(drafts)
        .map((f) => f.body)
        .filter(({ type }) => type.startsWith('permission.'))

    it('is asked one by one', () => {
      const [first, ...rest] = permissions([
        ...asked,
        ruled('c1', true, ['c2']),
        ruled('c2', false, []),
      ])
      expect(first).toMatchObject({ type: 'permission.request', requestId: 'c1' })
      expect(rest).toMatchObject([
        { type: 'permission.response', requestId: 'c1', granted: true },
        { type: 'permission.request', requestId: 'c2' },
        { type: 'permission.response', requestId: 'c2', granted: false },
      ])
    })

    it('says nothing of what was answered elsewhere before it was asked here', () => {
      const [first, ...rest] = permissions([
        ...asked,
        ruled('c2', false, ['c1']),
        ruled('c1', true, []),
      ])
      expect(first).toMatchObject({ type: 'permission.request', requestId: 'c1' })
      expect(rest).toMatchObject([{ type: 'permission.response', requestId: 'c1', granted: true }])
    })
  })
})

describe('money', () => {
  it('that nobody knows counts as nothing and is said to be unknown', () => {
    const log = [
      ...begun('x'),
      turn(),
      ...says(['ok']),
      answered(usage(1, 1, null)),
      facts.turnEnded(RUN),
      ended(usage(1, 1, null)),
    ]
    const frames = told(log)
    expect(only(frames, 'turn.end')[0]?.usage).toMatchObject({ costUsd: 0, priceUnknown: true })
    expect(only(frames, 'session.end')[0]?.totalUsage).toMatchObject({
      costUsd: 0,
      priceUnknown: true,
    })
  })
})

describe('other dialects on the same thread', () => {
  it('may queue a run; it is announced when it begins', () => {
    const log = [
      ...begun('one'),
      facts.created('r2', 'two', { place: 0 }),
      turn(),
      ...says(['1']),
      answered(usage(1, 1, 0)),
      facts.turnEnded(RUN),
      ended(usage(1, 1, 0)),
    ]
    expect(only(told(log), 'user.message')).toMatchObject([{ text: 'one' }])
    const edited = draft('run.edited', 'r2', {
      input: [{ kind: 'text', text: 'three' }],
      origin: { dialect: 'clotho', principal: 'local' },
    })
    const frames = told([...log, edited, facts.started('r2')])
    expect(only(frames, 'user.message')).toMatchObject([{ text: 'one' }, { text: 'three' }])
  })

  it('may compact; that run is framed like any other', () => {
    const log = [
      ...textLog(),
      draft('run.created', 'r2', {
        kind: 'compact',
        input: [],
        place: 0,
        origin: { dialect: 'clotho', principal: 'local' },
      }),
      facts.started('r2'),
      draft('context.compacting', 'r2', { by: 'command', tokens: 1000, window: null }),
      draft('context.compacted', 'r2', {
        summary: 's',
        keepFrom: null,
        messagesBefore: 2,
        messagesAfter: 1,
        tokensBefore: 1000,
        tokensAfter: 250,
        usage: usage(1000, 50, 0.01),
      }),
      facts.ended('r2', { turns: 0, usage: usage(1000, 50, 0.01) }),
    ]
    const frames = told(log).slice(10)
    expect(types(frames)).toEqual([
      'session.start',
      'compaction.start',
      'compaction.end',
      'session.end',
    ])
    expect(frames[2]?.body).toMatchObject({ preTokenCount: 1000, savedPercent: 75 })
    expect(frames[3]?.body).toMatchObject({ turnCount: 0, totalUsage: { costUsd: 0.01 } })
  })

  it('may drop a queued run, which then is over without a word', () => {
    const log = logOf([...begun('one'), facts.created('r2', 'two')], THREAD)
    let state = projection.open(THREAD)
    for (const event of log) [state] = projection.tell(state, event)
    expect(isOver(state, 'r2')).toBe(false)
    const drop = { ...logOf([facts.ended('r2', { outcome: 'cancelled' })], THREAD, log.length)[0] }
    const [after, frames] = projection.tell(state, drop as Event)
    expect(frames).toEqual([])
    expect(isOver(after, 'r2')).toBe(true)
    expect(isLive(after)).toBe(true)
  })
})

describe('the numbering', () => {
  it('is dense from 1, and the same from wherever the fold goes on', () => {
    for (const drafts of [textLog(), APPROVED]) {
      const log = logOf(drafts, THREAD)
      const whole = tellAll(log)
      expect(whole.map((f) => f.seq)).toEqual(whole.map((_, i) => i + 1))
      for (let cut = 0; cut <= log.length; cut++) {
        let state = projection.open(THREAD)
        for (const event of log.slice(0, cut)) [state] = projection.tell(state, event)
        state = JSON.parse(JSON.stringify(state)) as typeof state
        const rest = log.slice(cut).flatMap((event) => {
          const [next, frames] = projection.tell(state, event)
          state = next
          return frames
        })
        const before = tellAll(log.slice(0, cut))
        expect([...before, ...rest].map(writeFrame)).toEqual(whole.map(writeFrame))
      }
    }
  })

  it('puts the number last, on one line', () => {
    const text = writeFrame(told(begun('a\nb'))[0] as Frame)
    expect(text).toBe(
      'event: user.message\ndata: {"type":"user.message","text":"a\\nb","attachments":null,"timestamp":1002,"seq":1}\n\n',
    )
  })
})
