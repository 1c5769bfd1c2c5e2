import { expect, test } from 'vitest'
import { type Draft, draft, type Event } from '../../kernel/event.ts'
import { NO_USAGE } from '../../kernel/usage.ts'
import type { Feed } from '../../wire/projection.ts'
import type { Frame } from './frame.ts'
import { writeFrame } from './frame.ts'
import { inputMessageId, sessionUuid, stepId, turnMessageId } from './id.ts'
import { projection } from './project.ts'
import { feedOf } from './stream.ts'
import type { Telling } from './telling.ts'

const THREAD = '01890a5d-ac96-774b-bcce-b302099a8057'
const RUN = '01890a5d-ac97-7000-8000-000000000001'
const OTHER = '01890a5d-ac97-7000-8000-100000000002'
const ORIGIN = { dialect: 'oah', principal: 'local' }

const events = (drafts: Draft[]): Event[] =>
  drafts.map((d, i) => ({ ...d, thread: THREAD, seq: i + 1, at: 1_000 + i }) as Event)

function tellAll(drafts: Draft[]): Frame[] {
  let state = projection.open(THREAD)
  return events(drafts).flatMap((event) => {
    const [next, frames] = projection.tell(state, event)
    state = next
    return frames
  })
}

const opened = draft('thread.opened', null, {
  agent: 'ws_0123456789abcdef0123456789abcdef.build',
  model: null,
  title: null,
  workspace: '/w',
  account: 'local',
  policy: 'oah',
  parent: null,
  forkedFrom: null,
  history: [],
  origin: ORIGIN,
})

const created = (run: string, place: number, text = 'hi') =>
  draft('run.created', run, {
    kind: 'message',
    input: [{ kind: 'text', text }],
    place,
    origin: ORIGIN,
  })

const started = (run: string) =>
  draft('run.started', run, {
    agent: 'ws_0123456789abcdef0123456789abcdef.build',
    model: 'm:x',
    revision: 'r',
  })

const turn = (attempt: number) =>
  draft('turn.started', RUN, { turn: 0, attempt, model: 'm:x', instructions: 'h' })

const say = (text: string) => draft('text.delta', RUN, { turn: 0, part: 0, text })
const think = (text: string) => draft('thinking.delta', RUN, { turn: 0, part: 0, text })

const answered = draft('turn.answered', RUN, {
  turn: 0,
  sealed: [],
  stop: 'end',
  usage: NO_USAGE,
  model: 'x',
})

const ended = (run: string, outcome: 'completed' | 'cancelled' = 'completed') =>
  draft('run.ended', run, { outcome, stop: 'end', turns: 1, usage: NO_USAGE })

const names = (frames: Frame[]): string[] => frames.map((f) => f.event)

test('frames are dense from 0, dated, and name the agent as the workspace does', () => {
  const frames = tellAll([
    opened,
    created(RUN, 0),
    started(RUN),
    turn(1),
    say('Hello'),
    answered,
    ended(RUN),
  ])
  expect(frames.map((f) => f.id)).toEqual([0, 1, 2, 3, 4, 5])
  expect(names(frames)).toEqual([
    'run.queued',
    'run.started',
    'message.delta',
    'message.delta',
    'message.completed',
    'run.completed',
  ])
  const [queued, , first, whole, completed] = frames as [Frame, Frame, Frame, Frame, Frame]
  expect(writeFrame(queued)).toBe(
    'id: 0\nevent: run.queued\ncreatedAt: 1970-01-01T00:00:01.001Z\ndata: {"runId":"run_01890a5dac9770008000000000000001","sessionId":"ses_01890a5dac96774bbcceb302099a8057","status":"queued"}\n\n',
  )
  const metadata = {
    agentName: 'build',
    effectiveAgentName: 'build',
    agentMode: 'primary',
    modelCallStepId: stepId(RUN, 2),
    modelCallStepSeq: 2,
  }
  expect(first.data).toMatchObject({ delta: 'Hello', metadata })
  expect(whole.data.content).toEqual([{ type: 'text', text: 'Hello' }])
  expect(completed.data).toMatchObject({ finishReason: 'stop', metadata })
})

test('an answer that broke off goes on in the same message', () => {
  const broken = draft('turn.interrupted', RUN, {
    turn: 0,
    attempt: 1,
    cause: 'restart',
    retryAt: null,
    usage: NO_USAGE,
  })
  const frames = tellAll([
    opened,
    created(RUN, 0),
    started(RUN),
    turn(1),
    say('Hel'),
    broken,
    turn(2),
    say('lo'),
    answered,
  ])
  const deltas = frames.filter((f) => f.data.delta !== undefined)
  expect(deltas.map((f) => [f.data.delta, f.data.messageId])).toEqual([
    ['Hel', turnMessageId(RUN, 0, 0)],
    ['lo', turnMessageId(RUN, 0, 0)],
  ])
  expect(frames.at(-1)?.data.content).toEqual([{ type: 'text', text: 'Hello' }])
})

test('snapshots grow with the text and not with its square, and the last is whole', () => {
  const thoughts = Array.from({ length: 5_000 }, (_, i) => think(`${i % 10}`.repeat(8)))
  const frames = tellAll([opened, created(RUN, 0), started(RUN), turn(1), ...thoughts, answered])
  const bytes = frames.reduce((sum, f) => sum + writeFrame(f).length, 0)
  expect(bytes).toBeLessThan(40_000 * 60)
  const last = frames.filter((f) => f.event === 'message.delta').at(-1)
  const parts = (last as Frame).data.content as { text: string }[]
  expect(parts[0]?.text).toHaveLength(40_000)
})

test('who waits is told, and who is next is not', () => {
  const frames = tellAll([opened, created(RUN, 0), created(OTHER, 1, 'later'), started(RUN)])
  expect(names(frames)).toEqual(['run.queued', 'run.queued', 'queue.updated', 'run.started'])
  expect(frames[2]?.data).toEqual({
    runId: 'run_01890a5dac9770008000100000000002',
    action: 'enqueued',
    items: [
      {
        runId: 'run_01890a5dac9770008000100000000002',
        messageId: inputMessageId(OTHER),
        content: 'later',
        createdAt: '1970-01-01T00:00:01.002Z',
        position: 1,
      },
    ],
    queuedPosition: 1,
  })
})

test('a queued run that is dropped leaves the queue and ends', () => {
  const frames = tellAll([
    opened,
    created(RUN, 0),
    started(RUN),
    created(OTHER, 0),
    ended(OTHER, 'cancelled'),
  ])
  expect(frames.slice(-2).map((f) => [f.event, f.data.action ?? f.data.status])).toEqual([
    ['queue.updated', 'removed'],
    ['run.cancelled', 'cancelled'],
  ])
})

test('a fold that begins in the middle tells the same', () => {
  const all = [
    opened,
    created(RUN, 0),
    started(RUN),
    turn(1),
    think('a'),
    say('b'),
    answered,
    ended(RUN),
  ]
  const whole = tellAll(all)
  for (let cut = 0; cut <= all.length; cut++) {
    let state = projection.open(THREAD)
    const told: Frame[] = []
    events(all).forEach((event, i) => {
      const [next, frames] = projection.tell(state, event)
      state = structuredClone(next)
      if (i >= cut) told.push(...frames)
    })
    expect(told).toEqual(whole.slice(whole.length - told.length))
  }
})

test('ids can be told apart and undressed', () => {
  expect(sessionUuid('ses_01890a5dac96774bbcceb302099a8057')).toBe(THREAD)
  expect(sessionUuid('run_01890a5dac96774bbcceb302099a8057')).toBe(null)
  const places = [inputMessageId(RUN), turnMessageId(RUN, 0, 0), turnMessageId(RUN, 0, 1)]
  expect(new Set([...places, turnMessageId(RUN, 1, 0), inputMessageId(OTHER)]).size).toBe(5)
})

test('the stream says something from time to time, and begins with a comment', () => {
  const reply = feedOf({ thread: THREAD, seed: undefined, cursor: 4, run: RUN })
  const { headers } = reply
  const feed = 'feed' in reply ? (reply.feed as Feed<Telling, Frame>) : null
  expect(feed?.opening?.()).toBe(': connected\n\n')
  expect(feed?.heartbeat?.everyMs).toBeLessThanOrEqual(15_000)
  expect(feed?.heartbeat?.text).toMatch(/^: .*\n\n$/)
  expect(headers).toMatchObject({ 'Cache-Control': 'no-cache, no-transform' })
  const frame = { run: RUN, event: 'x', at: 0, data: {} }
  expect([3, 4, 5].filter((id) => feed?.wants?.({ ...frame, id } as never))).toEqual([5])
  expect(feed?.wants?.({ ...frame, id: 9, run: OTHER } as never)).toBe(false)
})

test('hooks that failed are told, those that stopped a call are told as its end', () => {
  const call = { turn: 0, part: 0, call: 'c1', tool: 'shell' }
  const hook = (outcome: 'passed' | 'blocked' | 'failed', name: string | null, more = {}) =>
    draft('hook.ended', RUN, {
      ...{ hook: 'h', moment: name ? 'tool.before' : 'run.completed', turn: 0, call: name },
      ...{ outcome, durationMs: 1, reason: 'because', ...more },
    })
  const frames = tellAll([
    opened,
    created(RUN, 0),
    started(RUN),
    turn(1),
    draft('call.begun', RUN, call),
    draft('turn.answered', RUN, {
      ...{ turn: 0, sealed: [{ part: 0, input: { command: 'x' } }] },
      ...{ stop: 'calls', usage: NO_USAGE, model: 'x' },
    }),
    hook('passed', 'c1', { input: { command: 'y' } }),
    hook('failed', 'c1'),
    hook('blocked', 'c1'),
    draft('tool.ended', RUN, {
      ...{ turn: 0, call: 'c1', tool: 'shell', outcome: 'denied', output: 'stopped' },
      ...{ rawBytes: 7, durationMs: 0 },
    }),
    hook('failed', null),
  ])
  expect(names(frames)).toEqual([
    'run.queued',
    'run.started',
    'message.completed',
    'hook.notice',
    'tool.failed',
    'message.completed',
    'hook.notice',
  ])
  expect(frames[4]?.data).toMatchObject({ errorCode: 'hook_blocked', errorMessage: 'because' })
  expect(frames[6]?.data).toMatchObject({ hookName: 'h', eventName: 'run_completed' })
})
