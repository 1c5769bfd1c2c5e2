import { describe, expect, test } from 'vitest'
import { type AskBody, draft, type Event, type EventType, type Facts } from '../kernel/event.ts'
import { NO_USAGE } from '../kernel/usage.ts'
import { openPrintout, type Printout, tell } from './project.ts'
import { createPaint } from './terminal.ts'

const style = { paint: createPaint(false), columns: 60 }
const origin = { dialect: 'native', principal: 'local' }

/** Numbers drafts as a thread's log would. */
function log(...facts: ReturnType<typeof fact>[]): Event[] {
  return facts.map((each, i) => ({ ...each, thread: 't', seq: i + 1, at: 0 }) as Event)
}

const fact = <T extends EventType>(type: T, data: Facts[T], run = 'r1') => draft(type, run, data)

function print(events: Event[], begin: Partial<Printout> = {}): { state: Printout; text: string } {
  let state: Printout = { ...openPrintout(), ...begin }
  let text = ''
  for (const event of events) {
    const [next, added] = tell(state, event, style)
    state = next
    text += added
  }
  return { state, text }
}

const created = (text: string, run = 'r1', place = 0) =>
  fact('run.created', { kind: 'message', input: [{ kind: 'text', text }], place, origin }, run)
const started = (run = 'r1') =>
  fact('run.started', { agent: 'assistant', model: 'demo:small', revision: '1' }, run)
const ended = (outcome: 'completed' | 'cancelled' = 'completed', run = 'r1') =>
  fact('run.ended', { outcome, stop: 'end', turns: 1, usage: NO_USAGE }, run)
const says = (text: string) => fact('text.delta', { turn: 0, part: 0, text })
const thinks = (text: string) => fact('thinking.delta', { turn: 0, part: 0, text })
const asks = (body: AskBody) => fact('ask.opened', { ask: 'a1', turn: 0, body, expiresAt: null })

const call = { call: 'c1', tool: 'write', input: { path: 'a.txt' }, subject: 'a.txt', reason: '' }

describe('a printout', () => {
  test('shows an exchange: who answers, what is said, where thinking ends', () => {
    const events = log(created('hi'), started(), thinks('hm'), says('Hel'), says('lo.'), ended())
    expect(print(events).text).toBe('> hi\nassistant · demo:small\nhm\nHello.\n')
  })

  test('says nothing of a thread that is opened, and who goes on when a run is handed over', () => {
    const opened = { agent: 'assistant', model: null, title: null, workspace: '/w', history: [] }
    const nobody = { account: 'local', policy: null, parent: null, forkedFrom: null }
    const to = { agent: 'cook', model: 'demo:small', revision: '1' }
    const events = log(
      fact('thread.opened', { ...opened, ...nobody, origin }),
      created('hi'),
      started(),
      fact('run.switched', { turn: 0, call: 'c1', from: 'assistant', ...to }),
      ended(),
    )
    expect(print(events).text).toBe('> hi\nassistant · demo:small\ncook goes on · demo:small\n')
  })

  test('does not repeat what was typed here, nor who answers', () => {
    const again = log(created('hi'), started(), says('Yes.'), ended())
    const { text } = print(again, { own: ['r1'], speaker: 'assistant · demo:small' })
    expect(text).toBe('Yes.\n')
  })

  test('shows a tool call by a short line for input and result', () => {
    const events = log(
      created('go'),
      started(),
      fact('turn.started', { turn: 0, attempt: 1, model: 'demo:small', instructions: '' }),
      says('I write.'),
      fact('call.begun', { turn: 0, part: 1, call: 'c1', tool: 'write' }),
      fact('turn.answered', {
        turn: 0,
        sealed: [{ part: 0 }, { part: 1, input: { path: 'a.txt', content: 'x'.repeat(100) } }],
        stop: 'calls',
        usage: NO_USAGE,
        model: 'small',
      }),
      fact('tool.ended', {
        turn: 0,
        call: 'c1',
        tool: 'write',
        outcome: 'ok',
        output: 'one\ntwo\nthree',
        rawBytes: 13,
        durationMs: 5,
      }),
    )
    const lines = print(events).text.split('\n').slice(2)
    expect(lines[0]).toBe('I write.')
    expect(lines[1]).toMatch(/^● write path=a\.txt content=x+…$/)
    expect(lines[1]?.length).toBeLessThanOrEqual(60)
    expect(lines[2]).toBe('  ✓ one (+2 lines)')
  })

  test('keeps what is asked until it is settled', () => {
    const opened = log(created('go'), started(), asks({ kind: 'approval', calls: [call] }))
    const { state, text } = print(opened)
    expect(text).toContain('? Allow write a.txt?')
    expect(state.asks).toMatchObject([{ ask: 'a1', open: ['c1'] }])
    const settled = fact('ask.settled', {
      ask: 'a1',
      how: 'answered',
      rulings: { c1: { allow: false, reason: 'wrong file', by: 'person' } },
      open: [],
      origin,
    })
    const after = print(log(settled), state)
    expect(after.state.asks).toEqual([])
    expect(after.text).toBe('  refused: wrong file\n')
  })

  test('asks also what a sub-agent waits for, and stops when it is settled', () => {
    const about = { turn: 0, call: 'c0', thread: 't2', ask: 'a2' }
    const body: AskBody = { kind: 'approval', calls: [call] }
    const { state, text } = print(log(fact('child.asked', { ...about, body, expiresAt: null })))
    expect(text).toContain('? Allow write a.txt?')
    expect(state.asks).toMatchObject([{ ask: 'a2', open: ['c1'] }])
    const rulings = { c1: { allow: true, by: 'person' as const } }
    const settled = fact('child.settled', { ...about, how: 'answered', rulings })
    expect(print(log(settled), state)).toMatchObject({ state: { asks: [] }, text: '  allowed\n' })
  })

  test('numbers the options of a question', () => {
    const question = {
      text: 'Which?',
      options: [{ label: 'red' }, { label: 'blue', about: 'calm' }],
    }
    const events = log(asks({ kind: 'question', call: 'c1', question }))
    expect(print(events).text).toBe('? Which?\n  1) red\n  2) blue calm\n')
  })

  test('follows the queue: waiting, moved, dropped, taken', () => {
    const { state, text } = print(
      log(
        created('first'),
        started(),
        created('second', 'r2', 0),
        created('third', 'r3', 1),
        fact('run.moved', { place: 0, origin }, 'r3'),
        ended('cancelled', 'r2'),
      ),
      { own: ['r1', 'r2', 'r3'] },
    )
    expect(state.queue.map((q) => q.text)).toEqual(['third'])
    expect(state.active).toBe('r1')
    expect(text).toContain('queued: second\nqueued: third\n')
    const taken = print(log(ended(), started('r3')), state)
    expect(taken.state).toMatchObject({ active: 'r3', queue: [] })
    expect(taken.text).toContain('> third\n')
  })

  test('says how a run ended when it was not simply done', () => {
    const failed = fact('run.ended', {
      outcome: 'failed',
      stop: 'error',
      trouble: { code: 'unauthorized', message: 'The key is not accepted.' },
      turns: 1,
      usage: NO_USAGE,
    })
    expect(print(log(says('Ha'), failed), { active: 'r1' }).text).toBe(
      'Ha\n! The key is not accepted.\n',
    )
    expect(print(log(ended('cancelled')), { active: 'r1' }).text).toBe('cancelled\n')
  })

  test('tells apart an answer that goes on after a restart', () => {
    const broken = fact('turn.interrupted', {
      turn: 0,
      attempt: 1,
      cause: 'restart',
      retryAt: 0,
      usage: NO_USAGE,
    })
    expect(print(log(says('Once upon'), broken, says(' a time'))).text).toBe(
      'Once upon\n(the server was restarted; the answer goes on)\n a time',
    )
  })

  test('lets no escape sequence through', () => {
    const sneaky = '\u001b[2J\u001b]0;x\u0007ok'
    const events = log(
      created(sneaky),
      started(),
      says(sneaky),
      asks({
        kind: 'approval',
        calls: [{ ...call, tool: sneaky, subject: sneaky, reason: sneaky }],
      }),
    )
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(print(events).text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/)
  })
})
