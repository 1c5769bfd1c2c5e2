import { describe, expect, it } from 'vitest'
import { type Event, isDelta } from '../kernel/event.ts'
import { decode, encode, hasMilestone, pack, sizeOf } from './codec.ts'

const at = 1_767_225_600_000

/** Deltas of one part, as they stream in. */
const told = (texts: string[], data: object = { turn: 0, part: 0 }): Event[] =>
  texts.map(
    (text, i) =>
      ({
        thread: 't',
        seq: i + 5,
        at: at + i * 11,
        type: 'text.delta',
        run: 'r',
        data: { ...data, text },
      }) as Event,
  )

const again = (events: Event[]): Event[] => decode('t', events[0]?.seq ?? 1, encode(events))

const same = (events: Event[]): void =>
  expect(JSON.stringify(again(events))).toBe(JSON.stringify(events))

describe('codec', () => {
  it('keeps every cut, seq and time of a series', () => same(told(['Hel', '', 'lo', ' wor', 'ld'])))

  it('keeps a pair of surrogates that is cut in two', () => {
    same(told(['a\ud83d', '\ude00b', '\ude00', '\ud83d']))
    expect(again(told(['\ud83d', '\ude00'])).map((e) => (e.data as { text: string }).text)).toEqual(
      ['\ud83d', '\ude00'],
    )
  })

  it('keeps runs, null runs and parts that alternate', () => {
    const events = told(['a', 'b', 'c', 'd', 'e', 'f'])
    const runs = ['r1', 'r1', null, null, 'r2', 'r1']
    same(events.map((e, i) => ({ ...e, run: runs[i] ?? null })))
    same(events.map((e, i) => ({ ...e, data: { turn: i % 2, part: i % 3, text: 'x' } }) as Event))
  })

  it('keeps a clock that goes back', () => {
    same(told(['a', 'b', 'c']).map((e, i) => ({ ...e, at: at - i * 1000 })))
  })

  it('keeps data of another form than usual', () => {
    same(told(['a', 'b'], { turn: 0, part: 0, more: { deep: [1] } }))
    same(told(['a', 'b'], { part: 0, turn: 0 }))
    same(told(['a'], { turn: 0 }))
    const note = { level: 'info', code: 'c', text: 'x' }
    same([{ thread: 't', seq: 1, at, type: 'note', run: null, data: note } as Event])
  })

  it('says the same packed', async () => {
    const events = told(Array.from({ length: 500 }, (_, i) => `w${i} `))
    const body = encode(events)
    const packed = await pack(body)
    expect(packed.length).toBeLessThan(body.length / 2)
    expect(decode('t', 5, packed)).toEqual(events)
  })

  it('writes a series once, not event by event', () => {
    const events = told(Array.from({ length: 1000 }, () => 'four'))
    expect(encode(events).length).toBeLessThan(1000 * (4 + 6))
    expect(sizeOf(events)).toBe(8000)
  })

  it('knows a milestone from deltas', () => {
    const deltas = told(['a'])
    const ended = { thread: 't', seq: 6, at, type: 'turn.ended', run: 'r', data: { turn: 0 } }
    expect(deltas.every((e) => isDelta(e.type))).toBe(true)
    expect(hasMilestone(deltas)).toBe(false)
    expect(hasMilestone([...deltas, ended as Event])).toBe(true)
  })
})
