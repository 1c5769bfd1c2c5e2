import { describe, expect, it } from 'vitest'
import { facts, logOf } from '../../../test/given.ts'
import { type Draft, draft, type Event } from '../../kernel/event.ts'
import { writeFrame } from './frame.ts'
import { createJournal } from './journal.ts'
import { projection, skim, type Word } from './project.ts'

const THREAD = 't1'

/** A log in memory that counts what is read of it. */
function storeOf(log: Event[], page = 7) {
  const reads: number[] = []
  return {
    reads,
    read: async (_thread: string, after: number, limit: number) => {
      const events = log.filter((e) => e.seq > after).slice(0, Math.min(limit, page))
      reads.push(events.length)
      return events
    },
  }
}

const run = (id: string, words = 3): Draft[] => [
  facts.created(id, id),
  facts.started(id),
  facts.turn(id),
  ...Array.from({ length: words }, (_, i) => facts.text(id, `w${i} `)),
  facts.answered(id),
  facts.turnEnded(id),
  facts.ended(id),
]

const all = (log: Event[]) => {
  let state = projection.open(THREAD)
  return log.flatMap((event) => {
    const [next, frames] = projection.tell(state, event)
    state = next
    return frames
  })
}

describe('skimming', () => {
  it('leaves the same state as telling, also for words that nobody hears', () => {
    const opening = [facts.opened(), facts.created('r'), facts.started('r'), facts.turn('r')]
    const before = logOf(opening)
    const words = [
      facts.text('r', 'a'),
      draft('thinking.delta', 'r', { turn: 0, part: 0, text: 'b' }),
      facts.args('r', 'c', '{}'),
    ]
    const whole = logOf([...opening, ...words, facts.text('other', 'x'), facts.text('r', 'd')])
    const rest = whole.slice(before.length) as Word[]
    const fold = (events: Event[]) =>
      events.reduce((state, e) => projection.tell(state, e)[0], projection.open(THREAD))
    expect(skim(fold(before), rest)).toEqual(fold(whole))
  })
})

describe('the journal', () => {
  const log = logOf([facts.opened(), ...run('r1'), ...run('r2'), ...run('r3', 5)], THREAD)

  it('knows the last number and where runs lie, and reads no event twice', async () => {
    const store = storeOf(log)
    const journal = createJournal(store)
    const half = await journal.reckon(THREAD, 10)
    expect(half.seq).toBeGreaterThanOrEqual(10)
    const [one, two] = await Promise.all([
      journal.reckon(THREAD, log.length),
      journal.reckon(THREAD, log.length),
    ])
    expect(one.state.seq).toBe(all(log).length)
    expect(two.state).toBe(one.state)
    expect(store.reads.reduce((sum, n) => sum + n, 0)).toBe(log.length)
    expect([...one.runs].map(([id, s]) => [id, s.startSeq, s.endSeq])).toEqual([
      ['r1', 0, 9],
      ['r2', 9, 18],
      ['r3', 18, 29],
    ])
    expect(one.lastTurnEnd).toBe(28)
  })

  it('begins a stream as late as it may, and loses nothing', async () => {
    const journal = createJournal(storeOf(log))
    const at = await journal.reckon(THREAD, log.length)
    const whole = all(log)
    for (let since = 0; since <= whole.length; since++) {
      const seed = at.seed(since)
      expect(seed.state.seq).toBeLessThanOrEqual(since)
      let state = seed.state
      const rest = log.slice(seed.seq).flatMap((event) => {
        const [next, frames] = projection.tell(state, event)
        state = next
        return frames.filter((f) => f.seq > since)
      })
      expect(rest.map(writeFrame)).toEqual(whole.slice(since).map(writeFrame))
    }
    expect(at.seed(20).seq).toBeGreaterThan(18)
    expect(at.seed(whole.length).seq).toBe(log.length)
  })

  it('gives pages of frames', async () => {
    const journal = createJournal(storeOf(log))
    const page = await journal.frames(THREAD, log.length, 8, 4)
    expect(page.map((f) => f.seq)).toEqual([9, 10, 11, 12])
  })

  it('keeps what was asked and whether it was decided', async () => {
    const asking = logOf(
      [
        facts.opened(),
        facts.created('r1'),
        facts.started('r1'),
        facts.turn('r1'),
        facts.call('r1', 'c1', 'write'),
        facts.answered('r1', 0, { stop: 'calls' }),
        facts.asked('r1', ['c1']),
        draft('ask.settled', 'r1', {
          ask: 'ask1',
          how: 'answered',
          rulings: { c1: { allow: true, by: 'person' } },
          open: [],
          origin: { dialect: 'ownware', principal: 'local' },
        }),
      ],
      THREAD,
    )
    const journal = createJournal(storeOf(asking, 1))
    const before = await journal.reckon(THREAD, 7)
    expect(before.runs.get('r1')?.requests.get('c1')?.isDecided).toBe(false)
    const after = await journal.reckon(THREAD, 8)
    expect(after.runs.get('r1')?.requests.get('c1')?.isDecided).toBe(true)
  })

  it('stays small: few marks of a long run, few threads', async () => {
    const long = logOf([facts.opened(), ...run('r1', 90_000)], THREAD)
    const store = storeOf(long, 2000)
    const journal = createJournal(store, 2)
    const at = await journal.reckon(THREAD, long.length)
    const marks = new Set(Array.from({ length: 900 }, (_, i) => at.seed(i * 100).seq))
    expect(marks.size).toBeLessThanOrEqual(66)
    expect(marks.size).toBeGreaterThan(20)
    await journal.reckon('t2', 0)
    await journal.reckon('t3', 0)
    const reads = store.reads.length
    await journal.reckon(THREAD, 1)
    expect(store.reads.length).toBeGreaterThan(reads)
  })
})
