import { describe, expect, it } from 'vitest'
import { type Draft, draft, type Event } from '../../kernel/event.ts'
import { NO_USAGE } from '../../kernel/usage.ts'
import { chatProjection } from './chat-stream.ts'
import { runId, threadId } from './id.ts'
import { projection } from './project.ts'
import type { Telling, Told } from './telling.ts'

const THREAD = '01890a5d-ac96-774b-bcce-b302099a8057'
const RUN = '01890a5d-ac96-774b-bcce-b302099a8058'
const NEXT = '01890a5d-ac96-774b-bcce-b302099a8059'
const ORIGIN = { dialect: 'toolang', principal: 'local', hints: { client: 'web' } }

const opened = draft('thread.opened', null, {
  ...{ agent: 'a', model: null, title: null, workspace: '/w', account: 'local', policy: null },
  ...{ parent: null, forkedFrom: null, history: [], origin: ORIGIN },
})
const created = (run: string, text: string, retryOf?: string): Draft =>
  draft('run.created', run, {
    ...{ kind: 'message', input: [{ kind: 'text', text }], place: 0 },
    ...(retryOf ? { retryOf } : {}),
    origin: { dialect: 'toolang', principal: 'local' },
  })
const started = (run: string): Draft =>
  draft('run.started', run, { agent: 'a', model: 'p:m', revision: 'r' })
const turn = (index: number, attempt = 1): Draft =>
  draft('turn.started', RUN, { turn: index, attempt, model: 'p:m', instructions: 'h'.repeat(64) })
const text = (t: number, part: number, words: string): Draft =>
  draft('text.delta', RUN, { turn: t, part, text: words })
const ended = (run: string, outcome: 'completed' | 'failed' | 'cancelled'): Draft =>
  draft('run.ended', run, {
    ...{ outcome, stop: 'end', turns: 1, usage: NO_USAGE },
    ...(outcome === 'failed' ? { trouble: { code: 'x', message: 'It broke.' } } : {}),
  })

const events = (drafts: Draft[]): Event[] =>
  drafts.map((d, i) => ({ thread: THREAD, seq: i + 1, at: 1_000 * (i + 1), ...d }) as Event)

function tell(drafts: Draft[]): Told[] {
  let state: Telling = projection.open(THREAD)
  const all: Told[] = []
  for (const event of events(drafts)) {
    const [next, told] = projection.tell(state, event)
    state = next
    all.push(...told)
  }
  return all
}

const TOOL_ROUND: Draft[] = [
  ...[opened, created(RUN, 'go'), started(RUN), turn(0), text(0, 0, 'Let me. ')],
  draft('call.begun', RUN, { turn: 0, part: 1, call: 'c1', tool: 'list' }),
  draft('call.delta', RUN, { turn: 0, part: 1, call: 'c1', text: '{"path":"."}' }),
  draft('turn.answered', RUN, {
    ...{ turn: 0, stop: 'calls', usage: NO_USAGE, model: 'm' },
    sealed: [{ part: 1, input: { path: '.' } }],
  }),
  draft('tool.started', RUN, { turn: 0, call: 'c1', tool: 'list', key: 'k', attempt: 1 }),
  draft('tool.ended', RUN, {
    ...{ turn: 0, call: 'c1', tool: 'list', outcome: 'ok', output: 'a.txt' },
    ...{ rawBytes: 5, durationMs: 1 },
  }),
  draft('turn.ended', RUN, { turn: 0 }),
  ...[turn(1), text(1, 0, 'Done.')],
  draft('turn.answered', RUN, {
    ...{ turn: 1, stop: 'end', usage: NO_USAGE, model: 'm', sealed: [] },
  }),
  ...[draft('turn.ended', RUN, { turn: 1 }), ended(RUN, 'completed')],
]

describe('a tool round', () => {
  const told = tell(TOOL_ROUND)

  it('is told in the order of the real server', () => {
    expect(told.map((t) => t.type)).toEqual([
      ...['run_start', 'run_input', 'step_start', 'part_start', 'part_delta', 'part_start'],
      ...['part_delta', 'part_end', 'part_end', 'step_end', 'step_start', 'part_start'],
      ...['part_end', 'step_end', 'step_start', 'part_start', 'part_delta', 'part_end'],
      ...['step_end', 'run_end'],
    ])
  })

  it('is numbered without gap in the run and in the thread', () => {
    const numbers = told.map((_, i) => i + 1)
    expect(told.map((t) => t.cursor)).toEqual(numbers)
    expect(told.map((t) => t.runCursor)).toEqual(numbers)
  })

  it('says which step reads what', () => {
    const reads = told.filter((t) => t.type === 'step_start').map((t) => t.payload.input)
    expect(reads).toEqual([
      [{ kind: 'input', index: 0 }],
      [{ kind: 'step', index: 1, part: 1 }],
      [{ kind: 'step', index: 2 }],
    ])
  })

  it('is the same from any beginning', () => {
    const all = events(TOOL_ROUND)
    for (let cut = 2; cut < all.length; cut++) {
      let state: Telling = projection.open(THREAD)
      const before = all.slice(0, cut).flatMap((event) => {
        const [next, told] = projection.tell(state, event)
        state = structuredClone(next)
        return told
      })
      const after = all.slice(cut).flatMap((event) => {
        const [next, told] = projection.tell(state, event)
        state = next
        return told
      })
      expect([...before, ...after]).toEqual(told)
    }
  })
})

describe('an answer that breaks off', () => {
  const broken: Draft[] = [
    ...[opened, created(RUN, 'go'), started(RUN), turn(0), text(0, 0, 'one ')],
    draft('call.begun', RUN, { turn: 0, part: 1, call: 'c1', tool: 'list' }),
    draft('turn.interrupted', RUN, {
      ...{ turn: 0, attempt: 1, cause: 'restart', retryAt: null, usage: NO_USAGE },
    }),
    ...[turn(0, 2), text(0, 0, 'two')],
    draft('turn.answered', RUN, {
      ...{ turn: 0, stop: 'end', usage: NO_USAGE, model: 'm', sealed: [] },
    }),
    ...[draft('turn.ended', RUN, { turn: 0 }), ended(RUN, 'completed')],
  ]

  it('goes on in the same step, and the call never happened', () => {
    const told = tell(broken)
    expect(told.filter((t) => t.type === 'step_start')).toHaveLength(1)
    const end = told.find((t) => t.type === 'step_end')
    expect(end?.payload.output).toEqual([{ type: 'text', text: 'one two' }])
  })

  it('is closed in the chat stream before it goes on', () => {
    const chat = { thread: THREAD, run: RUN, threadId: threadId('web', THREAD), firstSeq: 2 }
    const fold = chatProjection(chat)
    let state = fold.open(THREAD)
    const frames = events(broken).flatMap((event) => {
      const [next, told] = fold.tell(state, event)
      state = next
      return told
    })
    expect(frames.map((f) => f.type)).toEqual([
      ...['start', 'message-metadata', 'start-step', 'text-start', 'text-delta', 'text-end'],
      ...['tool-input-start', 'tool-input-error', 'text-start', 'text-delta', 'text-end'],
      ...['finish-step', 'finish'],
    ])
  })
})

it('a run that fails closes its step, and says why', () => {
  const told = tell([
    ...[opened, created(RUN, 'go'), started(RUN), turn(0), text(0, 0, 'half')],
    ended(RUN, 'failed'),
  ])
  expect(told.slice(-2).map((t) => [t.type, t.payload.status, t.payload.error])).toEqual([
    ['step_end', 'failed', 'It broke.'],
    ['run_end', 'failed', 'It broke.'],
  ])
})

it('a run that never began is told as ended, so that nobody waits for it', () => {
  const told = tell([opened, created(RUN, 'go'), ended(RUN, 'cancelled')])
  expect(told.map((t) => [t.type, t.payload.status])).toEqual([['run_end', 'canceled']])
})

it('a run that replaces another is told in the thread', () => {
  const [restart] = tell([opened, created(NEXT, 'instead', RUN)])
  expect(restart).toMatchObject({ type: 'run_restart', cursor: 1, runCursor: 0 })
  expect(restart?.payload).toMatchObject({
    run_id: runId(RUN),
    replacement_run_id: runId(NEXT),
    superseded: { type: 'replaced', by: runId(NEXT) },
  })
})
