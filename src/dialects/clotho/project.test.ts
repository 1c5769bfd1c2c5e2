import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Draft, draft, type Event, type Origin, type Stop } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import { NO_USAGE, type Usage } from '../../kernel/usage.ts'
import { writeFrame } from './frame.ts'
import type { Told } from './payload.ts'
import { projection } from './project.ts'
import { toKernel } from './tool-name.ts'

type Frame = { type: string; data: Record<string, Json> }

// ---- what was captured --------------------------------------------------------------------------

interface Section {
  title: string
  sent: Record<string, unknown>[]
  told: Frame[]
}

function sections(file: string): Section[] {
  const text = readFileSync(join(import.meta.dirname, 'golden', `${file}.txt`), 'utf8')
  return text
    .split(/^# /m)
    .slice(1)
    .map((block) => {
      const [title = '', ...lines] = block.split('\n')
      const of = (mark: string) =>
        lines.filter((l) => l.startsWith(mark)).map((l) => JSON.parse(l.slice(mark.length)))
      return { title, sent: of('-> '), told: of('<- ') }
    })
}

const isLast = ({ type, data }: Frame): boolean =>
  type === 'agent.turn_complete' ||
  type === 'agent.cancelled' ||
  (type === 'agent.error' && data.code === 'internal_error')

/** The frames of each run; what is said about a bad frame belongs to none. */
function runsOf(told: Frame[]): Frame[][] {
  const runs: Frame[][] = [[]]
  for (const frame of told.filter((f) => f.data.code !== 'invalid_event')) {
    runs.at(-1)?.push(frame)
    if (isLast(frame)) runs.push([])
  }
  return runs.filter((r) => r.length > 0)
}

/** The real gateway leaves its clients waiting after a cancel. */
const asWeTellIt = (frames: Frame[]): Frame[] =>
  frames.flatMap((f) =>
    f.type === 'agent.cancelled'
      ? [f, expect.objectContaining({ type: 'agent.turn_complete' })]
      : [f],
  )

// ---- the kernel's events of it, in the engine's order -------------------------------------------

interface Call {
  id: string
  name: string
  pieces: string[]
  input: Json
  /** Null: never ran, because the run was cancelled. */
  result: { content: string; isError: boolean } | null
}

interface Reply {
  said: ({ text: string } | { call: string } | { args: string; call: string })[]
  calls: Call[]
  denied: string[]
  asked: string[]
  isLate: boolean
  compaction: { started: Frame; done: Frame | null } | null
}

const newReply = (): Reply => ({
  said: [],
  calls: [],
  denied: [],
  asked: [],
  isLate: false,
  compaction: null,
})

type Shown = { id: string; name: string; arguments: Json }

function repliesOf(frames: Frame[]): Reply[] {
  const replies = [newReply()]
  const now = () => replies.at(-1) as Reply
  const callOf = (id: string, name: string): Call => {
    const known = now().calls.find((c) => c.id === id)
    if (known) return known
    const call = { id, name, pieces: [], input: {}, result: null }
    now().calls.push(call)
    return call
  }
  for (const { type, data } of frames) {
    const isOver = now().calls.length > 0 && now().calls.every((c) => c.result)
    if (isOver && /text|tool_use_start/.test(type)) replies.push(newReply())
    const shown = (data.tool_calls ?? []) as unknown as Shown[]
    for (const s of shown) callOf(s.id, s.name).input = s.arguments
    if (type === 'agent.text' || type === 'agent.text_delta')
      now().said.push({ text: data.text as string })
    if (type === 'agent.tool_use_start') {
      const call = callOf(data.tool_call_id as string, data.tool_call_name as string)
      now().said.push({ call: call.id })
    }
    if (type === 'agent.tool_use_delta')
      now().said.push({ args: data.text as string, call: data.tool_call_id as string })
    if (type === 'agent.tool_denied') now().denied.push(...shown.map((s) => s.id))
    if (type === 'agent.tool_request') now().asked.push(...shown.map((s) => s.id))
    if (data.code === 'approval_timeout') now().isLate = true
    if (type === 'agent.tool_result')
      callOf(data.tool_use_id as string, data.tool_name as string).result = {
        content: data.content as string,
        isError: data.is_error as boolean,
      }
    if (type === 'agent.compaction_started')
      now().compaction = { started: { type, data }, done: null }
    const { compaction } = now()
    if (type === 'agent.context_compacted' && compaction) compaction.done = { type, data }
  }
  return replies
}

const origin = (isStreamed: boolean): Origin => ({
  dialect: 'clotho',
  principal: 'local',
  hints: isStreamed ? {} : { stream: false },
})

/** A log of whole runs. */
function logOf(drafts: Draft[]): Event[] {
  const opened = draft('thread.opened', null, {
    agent: 'a',
    model: null,
    title: null,
    workspace: '/w',
    account: 'local',
    policy: 'clotho',
    parent: null,
    forkedFrom: null,
    history: [],
    origin: origin(true),
  })
  return [opened, ...drafts].map(
    (d, i) => ({ thread: 't', seq: i + 1, at: 1000 + i, ...d }) as Event,
  )
}

const created = (run: string, isStreamed: boolean, kind: 'message' | 'compact' = 'message') =>
  draft('run.created', run, {
    kind,
    input: [{ kind: 'text', text: 'hi' }],
    place: 0,
    origin: origin(isStreamed),
  })

const started = (run: string) =>
  draft('run.started', run, { agent: 'a', model: 'p:m', revision: '1' })

const usage = (inputTokens: number, outputTokens: number): Usage => ({
  ...NO_USAGE,
  inputTokens,
  outputTokens,
})

function runDrafts(run: string, isStreamed: boolean, frames: Frame[]): Draft[] {
  const last = frames.at(-1) as Frame
  const isCancelled = last.type === 'agent.cancelled'
  const replies = repliesOf(frames)
  const figures = last.data.usage as { input_tokens: number; output_tokens: number } | undefined
  const model = (last.data.model as string | undefined) ?? 'fake'
  const drafts: Draft[] = [created(run, isStreamed), started(run)]
  replies.forEach((reply, turn) => {
    const isEnd = turn === replies.length - 1
    const tokens =
      isEnd && figures ? usage(figures.input_tokens, figures.output_tokens) : usage(1, 1)
    drafts.push(...compactionDrafts(run, reply))
    if (reply.said.length === 0 && reply.calls.length === 0) return
    drafts.push(draft('turn.started', run, { turn, attempt: 1, model, instructions: 'x' }))
    drafts.push(...speech(run, turn, reply))
    if (isCancelled && isEnd && reply.calls.length === 0) {
      drafts.push(broken(run, turn))
      return
    }
    const stop: Stop = reply.calls.length > 0 ? 'calls' : 'end'
    const sealed = reply.calls.map((c) => ({ part: partOf(reply, c.id), input: c.input }))
    drafts.push(draft('turn.answered', run, { turn, sealed, stop, usage: tokens, model }))
    drafts.push(...work(run, turn, reply))
    drafts.push(draft('turn.ended', run, { turn }))
  })
  const stop = last.data.stop_reason === 'tool_use' ? 'denied' : 'end'
  const outcome = isCancelled ? 'cancelled' : last.type === 'agent.error' ? 'failed' : 'completed'
  const trouble =
    outcome === 'failed' ? { trouble: { code: 'x', message: last.data.message as string } } : {}
  const turns = replies.length
  drafts.push(draft('run.ended', run, { outcome, stop, turns, usage: NO_USAGE, ...trouble }))
  return drafts
}

/** Text is part 0; the calls follow it. */
const partOf = (reply: Reply, call: string) => 1 + reply.calls.findIndex((c) => c.id === call)

function speech(run: string, turn: number, reply: Reply): Draft[] {
  const begun = new Set<string>()
  const drafts = reply.said.map((s): Draft => {
    if ('text' in s) return draft('text.delta', run, { turn, part: 0, text: s.text })
    const part = partOf(reply, s.call)
    if ('args' in s) return draft('call.delta', run, { turn, part, call: s.call, text: s.args })
    begun.add(s.call)
    const tool = toKernel(reply.calls[part - 1]?.name ?? '')
    return draft('call.begun', run, { turn, part, call: s.call, tool })
  })
  const silent = reply.calls.filter((c) => !begun.has(c.id))
  return [
    ...drafts,
    ...silent.map((c) =>
      draft('call.begun', run, {
        turn,
        part: partOf(reply, c.id),
        call: c.id,
        tool: toKernel(c.name),
      }),
    ),
  ]
}

const broken = (run: string, turn: number) =>
  draft('turn.interrupted', run, {
    turn,
    attempt: 1,
    cause: 'cancel',
    retryAt: null,
    usage: NO_USAGE,
  })

/** The policy's refusals, the question, its answer, the refusals that follow, then the tools. */
function work(run: string, turn: number, reply: Reply): Draft[] {
  const { calls, denied, asked } = reply
  const isRefused = (c: Call) => /denied by user/.test(c.result?.content ?? '')
  const of = (ids: string[]) => calls.filter((c) => ids.includes(c.id))
  const refused = of(asked).filter(isRefused)
  const rest = calls.filter((c) => !denied.includes(c.id) && !refused.includes(c))
  const drafts = of(denied).map((c) => ended(run, turn, c, 'denied'))
  if (asked.length > 0) drafts.push(...question(run, turn, of(asked), reply.isLate))
  drafts.push(...refused.map((c) => ended(run, turn, c, 'denied')))
  for (const call of rest) {
    const { id, name } = call
    if (call.result) {
      const about = { turn, call: id, tool: toKernel(name), key: 'k', attempt: 1 }
      drafts.push(draft('tool.started', run, about))
    }
    drafts.push(ended(run, turn, call, call.result?.isError ? 'failed' : 'ok'))
  }
  return drafts
}

function question(run: string, turn: number, calls: Call[], isLate: boolean): Draft[] {
  const isCancelled = calls.every((c) => c.result === null)
  const asked = calls.map((c) => ({
    call: c.id,
    tool: toKernel(c.name),
    input: c.input,
    subject: '',
    reason: '',
  }))
  return [
    draft('ask.opened', run, {
      ask: `ask-${turn}`,
      turn,
      body: { kind: 'approval', calls: asked },
      expiresAt: null,
    }),
    draft('ask.settled', run, {
      ask: `ask-${turn}`,
      how: isCancelled ? 'cancelled' : isLate ? 'expired' : 'answered',
      rulings: {},
      open: [],
      origin: origin(true),
    }),
  ]
}

function ended(run: string, turn: number, call: Call, outcome: 'ok' | 'failed' | 'denied'): Draft {
  const tool = toKernel(call.name)
  return draft('tool.ended', run, {
    turn,
    call: call.id,
    tool,
    outcome: call.result ? outcome : 'cancelled',
    // The engine speaks of the tool by the kernel's name.
    output: (call.result?.content ?? '').replaceAll("'bash' ", "'shell' "),
    rawBytes: 0,
    durationMs: 0,
  })
}

function compactionDrafts(run: string, { compaction }: Reply): Draft[] {
  if (!compaction) return []
  const { started: begun, done } = compaction
  const tokens = begun.data.tokens_before as number
  const window = begun.data.context_window as number
  const after = done?.data as { tokens_after: number; turns_removed: number }
  return [
    draft('context.compacting', run, { by: 'limit', tokens, window }),
    draft('context.compacted', run, {
      summary: 's',
      keepFrom: null,
      messagesBefore: 20,
      messagesAfter: 20 - after.turns_removed,
      tokensBefore: tokens,
      tokensAfter: after.tokens_after,
      usage: NO_USAGE,
    }),
  ]
}

function tell(events: Event[]): Told[] {
  let state = projection.open('t')
  return events.flatMap((event) => {
    const [next, frames] = projection.tell(state, event)
    state = next
    return frames
  })
}

const plain = (told: Told[]): Frame[] => told.map(({ type, data }) => ({ type, data }))

// ---- the captures -------------------------------------------------------------------------------

const FILES = [
  'turn',
  'tools',
  'errors',
  'concurrency',
  'compaction',
  'timeout',
  'coercion',
  'cancel',
]

/** Captures that begin in the middle of a run, or whose run was cut off by what cuts nothing off here. */
const PARTIAL =
  /^\.\.\. the approval|DOCUMENTED verdicts|cut off by a gateway|client leaves|^disconnect/

describe.each(FILES)('golden %s', (file) => {
  const whole = sections(file).filter((s) => !PARTIAL.test(s.title) && runsOf(s.told).length > 0)
  test.each(whole.map((s) => [s.title, s] as const))('%s', (_, { sent, told }) => {
    const runs = runsOf(told).filter((frames) => isLast(frames.at(-1) as Frame))
    const requests = sent.filter((s) => s.type === 'run')
    const streams = requests.map((r) => (r.data as { stream?: unknown }).stream)
    const drafts = runs.flatMap((frames, i) => {
      const isStreamed = frames.some((f) => f.type === 'agent.text_delta') || streams[i] === true
      return runDrafts(`r${i}`, isStreamed, frames)
    })
    const expected = runs.flatMap(asWeTellIt)
    expect(expected.length).toBeGreaterThan(0)
    expect(plain(tell(logOf(drafts)))).toEqual(expected)
  })
})

// ---- what no capture shows ----------------------------------------------------------------------

const reply = (call: string, tool: string, part: number, run = 'r') =>
  draft('call.begun', run, { turn: 0, part, call, tool })

const answer = (parts: Record<number, Json>, run = 'r') =>
  draft('turn.answered', run, {
    turn: 0,
    sealed: Object.entries(parts).map(([part, input]) => ({ part: Number(part), input })),
    stop: 'calls',
    usage: usage(5, 2),
    model: 'm',
  })

const toolEnded = (call: string, tool: string, outcome: 'ok' | 'denied', output = call) =>
  draft('tool.ended', 'r', { turn: 0, call, tool, outcome, output, rawBytes: 0, durationMs: 0 })

const turnStarted = (attempt = 1) =>
  draft('turn.started', 'r', { turn: 0, attempt, model: 'p:m', instructions: 'x' })

const runEnded = (outcome: 'completed' | 'cancelled' = 'completed', run = 'r') =>
  draft('run.ended', run, { outcome, stop: 'end', turns: 1, usage: NO_USAGE })

const types = (drafts: Draft[]) => tell(logOf(drafts)).map((t) => t.type)

test('results are told in the order of the calls, whichever tool is quicker', () => {
  const told = tell(
    logOf([
      created('r', true),
      started('r'),
      turnStarted(),
      reply('c1', 'read', 0),
      reply('c2', 'read', 1),
      answer({ 0: {}, 1: {} }),
      toolEnded('c2', 'read', 'ok'),
      toolEnded('c1', 'read', 'ok'),
    ]),
  )
  const results = told.filter((t) => t.type === 'agent.tool_result')
  expect(results.map((t) => [t.data.tool_use_id, t.seq])).toEqual([
    ['c1', 9],
    ['c2', 9],
  ])
})

test('a refusal by policy is said before what is asked, its result after the answer', () => {
  const body = {
    kind: 'approval' as const,
    calls: [{ call: 'c2', tool: 'write', input: { a: 1 }, subject: '', reason: '' }],
  }
  const drafts = [
    created('r', false),
    started('r'),
    turnStarted(),
    reply('c1', 'shell', 0),
    reply('c2', 'write', 1),
    answer({ 0: { command: 'x' }, 1: { a: 1 } }),
    toolEnded('c1', 'shell', 'denied', "Tool 'shell' is not permitted by the current policy."),
    draft('ask.opened', 'r', { ask: 'q', turn: 0, body, expiresAt: null }),
    draft('ask.settled', 'r', {
      ask: 'q',
      how: 'answered',
      rulings: { c2: { allow: true, by: 'person' } },
      open: [],
      origin: origin(true),
    }),
    draft('tool.started', 'r', { turn: 0, call: 'c2', tool: 'write', key: 'k', attempt: 1 }),
    toolEnded('c2', 'write', 'ok'),
    draft('turn.ended', 'r', { turn: 0 }),
    runEnded(),
  ]
  expect(types(drafts)).toEqual([
    'agent.tool_denied',
    'agent.tool_request',
    'agent.tool_result',
    'agent.tool_result',
    'agent.turn_complete',
  ])
  expect(tell(logOf(drafts))[0]?.data).toEqual({
    tool_calls: [{ id: 'c1', name: 'bash', arguments: { command: 'x' } }],
    reason: "Tools denied by permission policy: ['bash']",
  })
})

test('two refusals by policy are said in one frame', () => {
  const told = tell(
    logOf([
      created('r', false),
      started('r'),
      turnStarted(),
      reply('c1', 'shell', 0),
      reply('c2', 'write', 1),
      answer({ 0: {}, 1: {} }),
      toolEnded('c1', 'shell', 'denied'),
      toolEnded('c2', 'write', 'denied'),
      draft('turn.ended', 'r', { turn: 0 }),
    ]),
  )
  expect(told.map((t) => t.type)).toEqual([
    'agent.tool_denied',
    'agent.tool_result',
    'agent.tool_result',
  ])
  expect(told[0]?.data.reason).toBe("Tools denied by permission policy: ['bash', 'write']")
})

test('questions, limits and lost calls are asked like calls', () => {
  const opened = (body: Parameters<typeof draft<'ask.opened'>>[2]['body']) =>
    tell(
      logOf([
        created('r', true),
        started('r'),
        turnStarted(),
        reply('c1', 'ask_user', 0),
        answer({ 0: { question: 'Which?' } }),
        draft('ask.opened', 'r', { ask: 'q', turn: 0, body, expiresAt: null }),
      ]),
    ).at(-1)?.data.tool_calls
  expect(opened({ kind: 'question', call: 'c1', question: { text: 'Which?' } })).toEqual([
    { id: 'c1', name: 'ask_user', arguments: { question: 'Which?' } },
  ])
  expect(opened({ kind: 'limit', limitUsd: 1, spentUsd: 1.5 })).toEqual([
    { id: 'q', name: 'raise_limit', arguments: { limit_usd: 1, spent_usd: 1.5 } },
  ])
  const lost = { call: 'c1', tool: 'shell', input: {}, subject: '', reason: '' }
  expect(opened({ kind: 'recovery', calls: [lost] })).toEqual([
    { id: 'c1', name: 'bash', arguments: {} },
  ])
})

test('a run of another dialect is streamed, whatever its hints say', () => {
  const foreign = draft('run.created', 'r', {
    kind: 'message',
    input: [],
    place: 0,
    origin: { dialect: 'oah', principal: 'p', hints: { stream: false } },
  })
  const text = draft('text.delta', 'r', { turn: 0, part: 0, text: 'x' })
  expect(types([foreign, started('r'), turnStarted(), text])).toEqual(['agent.text_delta'])
})

test('an answer that broke off goes on in the next attempt and is told once', () => {
  const drafts = [
    created('r', false),
    started('r'),
    turnStarted(),
    draft('text.delta', 'r', { turn: 0, part: 0, text: 'Hel' }),
    draft('turn.interrupted', 'r', {
      turn: 0,
      attempt: 1,
      cause: 'restart',
      retryAt: null,
      usage: NO_USAGE,
    }),
    turnStarted(2),
    draft('text.delta', 'r', { turn: 0, part: 0, text: 'lo' }),
    draft('turn.answered', 'r', {
      turn: 0,
      sealed: [],
      stop: 'end',
      usage: usage(1, 1),
      model: 'm',
    }),
    runEnded(),
  ]
  const told = tell(logOf(drafts))
  expect(told.map((t) => t.type)).toEqual(['agent.text', 'agent.turn_complete'])
  expect(told[0]?.data).toEqual({ text: 'Hello' })
})

test('a run that was cancelled in mid-answer says what the answer cost until then', () => {
  const broken = draft('turn.interrupted', 'r', {
    turn: 0,
    attempt: 1,
    cause: 'cancel',
    retryAt: null,
    usage: usage(3, 1),
  })
  const told = tell(
    logOf([created('r', true), started('r'), turnStarted(), broken, runEnded('cancelled')]),
  )
  expect(told.at(-1)?.data).toEqual({
    stop_reason: 'cancelled',
    model: 'm',
    usage: { input_tokens: 3, output_tokens: 1 },
  })
})

test('a compaction on command is told nobody; one that found nothing is told as over', () => {
  const compacting = (run: string) =>
    draft('context.compacting', run, { by: 'limit', tokens: 9, window: 10 })
  const nothing = (run: string) =>
    draft('context.uncompacted', run, { reason: 'nothing', usage: NO_USAGE })
  expect(
    types([
      created('c', true, 'compact'),
      started('c'),
      compacting('c'),
      nothing('c'),
      runEnded('completed', 'c'),
    ]),
  ).toEqual([])
  const told = tell(logOf([created('r', true), started('r'), compacting('r'), nothing('r')]))
  expect(told.map((t) => t.type)).toEqual(['agent.compaction_started', 'agent.context_compacted'])
  expect(told[1]?.data).toEqual({ tokens_before: 9, tokens_after: 9, turns_removed: 0 })
})

test('a run that is dropped from the queue ends like every cancelled run', () => {
  expect(types([created('q', true), runEnded('cancelled', 'q')])).toEqual([
    'agent.cancelled',
    'agent.turn_complete',
  ])
})

test('a frame says its payload twice: in data, and beside the type', () => {
  const at = Date.UTC(2026, 0, 2, 3, 4, 5, 67)
  expect(JSON.parse(writeFrame({ type: 'agent.text', data: { text: 'é' }, at }))).toEqual({
    type: 'agent.text',
    data: { text: 'é' },
    timestamp: '2026-01-02T03:04:05.067000+00:00',
    text: 'é',
  })
})
