import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Draft, draft, type Event } from '../../kernel/event.ts'
import { NO_USAGE } from '../../kernel/usage.ts'
import { feedOf } from './project.ts'

const origin = { dialect: 'native', principal: 'local' }
const RUN = '01890a5d-ac96-774b-bcce-b302099a8057'
const THREAD = '01890a5d-ac96-774b-bcce-b302099a8000'

const drafts: Draft[] = [
  draft('run.created', RUN, {
    kind: 'message',
    input: [{ kind: 'text', text: 'Grüß Gott\n' }],
    place: 0,
    origin,
  }),
  draft('run.started', RUN, { agent: 'assistant', model: 'scripted:test', revision: 'r' }),
  draft('turn.started', RUN, { turn: 0, attempt: 1, model: 'scripted:test', instructions: 'h' }),
  draft('text.delta', RUN, { turn: 0, part: 0, text: 'Hi.' }),
  draft('turn.answered', RUN, {
    turn: 0,
    sealed: [],
    stop: 'end',
    usage: NO_USAGE,
    model: 'test',
  }),
  draft('turn.ended', RUN, { turn: 0 }),
  draft('run.ended', RUN, { outcome: 'completed', stop: 'end', turns: 1, usage: NO_USAGE }),
]
const events = drafts.map((d, i) => ({ thread: THREAD, seq: i + 1, at: 1000 + i, ...d }) as Event)

function told(after: number, run?: { id: string; isEnded: boolean }): string {
  const feed = feedOf({ thread: THREAD, after, follow: true, ...(run ? { run } : {}) })
  let state = feed.projection.open(THREAD)
  let text = feed.opening?.() ?? ''
  let sent: Event | null = null
  for (const event of events.filter((e) => e.seq > (feed.seed?.seq ?? 0))) {
    const [next, frames] = feed.projection.tell(state, event)
    state = next
    for (const frame of frames.filter(feed.wants)) {
      text += feed.write(frame)
      sent = frame
    }
  }
  return text + (feed.caughtUp?.(state, sent) ?? '') + (feed.goodbye?.('shutdown', sent) ?? '')
}

test('a stream, byte for byte', () => {
  const golden = readFileSync(join(import.meta.dirname, 'golden', 'stream.txt'), 'utf8')
  expect(told(0)).toBe(golden)
})

test('what is told after a cursor is the end of what is told from the beginning', () => {
  const rest = told(4).split('\n\n').slice(1)
  expect(told(0).split('\n\n').slice(-rest.length)).toEqual(rest)
})

test("a run's stream leaves others out and ends with the run", () => {
  expect(told(0, { id: 'another', isEnded: false })).not.toContain('id:')
  const feed = feedOf({ thread: THREAD, after: 0, follow: true, run: { id: RUN, isEnded: false } })
  expect(events.map((e) => feed.isLast?.(e, 'live'))).toEqual(events.map((_, i) => i === 6))
})
