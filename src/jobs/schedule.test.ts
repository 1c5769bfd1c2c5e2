import { describe, expect, it } from 'vitest'
import { localTime, readSchedule, type Schedule } from './schedule.ts'

const at = (text: string): number => Date.parse(text)
const told = (ms: number | null): string | null =>
  ms === null ? null : new Date(ms).toISOString().slice(0, 16)

const read = (text: string, anchor = '2026-01-01T00:00:00Z', timeZone = 'UTC') =>
  readSchedule({ text, anchor: at(anchor), timeZone })

function following(schedule: Schedule, after: string, count: number): (string | null)[] {
  const found: (string | null)[] = []
  let from: number | null = at(after)
  for (let i = 0; i < count && from !== null; i++) {
    from = schedule.next(from)
    found.push(told(from))
  }
  return found
}

describe('a schedule', () => {
  it('keeps its time of day when the clocks change', async () => {
    const spring = await read('DTSTART;TZID=Europe/Berlin:20260327T090000\nRRULE:FREQ=DAILY')
    expect(following(spring, '2026-03-27T20:00:00Z', 3)).toEqual([
      ...['2026-03-28T08:00', '2026-03-29T07:00', '2026-03-30T07:00'],
    ])
    const autumn = await read('FREQ=DAILY;BYHOUR=9', '2026-10-23T07:00:00Z', 'Europe/Berlin')
    expect(following(autumn, '2026-10-23T20:00:00Z', 3)).toEqual([
      ...['2026-10-24T07:00', '2026-10-25T08:00', '2026-10-26T08:00'],
    ])
  })

  it('says the same whatever it was asked before', async () => {
    const rule = 'FREQ=DAILY;UNTIL=20260104T000000Z'
    const asked = await read(rule)
    const hours = Array.from({ length: 200 }, (_, i) => at('2025-12-30T00:00:00Z') + i * 3_600_000)
    // There and back again, in steps that jump over occurrences and between them.
    for (let i = 0; i < hours.length; i++) {
      const after = hours[(i * 77) % hours.length] as number
      expect([after, asked.next(after)]).toEqual([after, (await read(rule)).next(after)])
    }
    expect(asked.next(at('2030-01-01T00:00:00Z'))).toBeNull()
    expect(told(asked.next(at('2026-01-01T00:00:00Z')))).toBe('2026-01-02T00:00')
  })

  it('leaves out a time that does not exist, and takes one that comes twice once', async () => {
    const rule = 'DTSTART;TZID=Europe/Berlin:20260101T023000\nRRULE:FREQ=DAILY'
    const daily = await read(rule)
    expect(following(daily, '2026-03-27T12:00:00Z', 3)).toEqual([
      ...['2026-03-28T01:30', '2026-03-30T00:30', '2026-03-31T00:30'],
    ])
    expect(following(daily, '2026-10-24T12:00:00Z', 2)).toEqual([
      ...['2026-10-25T00:30', '2026-10-26T01:30'],
    ])
  })

  it('counts hours as they pass', async () => {
    const hourly = await read('FREQ=HOURLY', '2026-10-24T23:00:00Z', 'Europe/Berlin')
    const first = following(hourly, '2026-10-24T23:00:00Z', 4)
    expect(first.at(-1)).not.toBeNull()
    expect(new Set(first).size).toBe(4)
  })

  it('begins with the minute in which it was written, unless it says otherwise', async () => {
    const own = await read('FREQ=WEEKLY;BYDAY=MO', '2026-06-03T10:20:00Z')
    expect(following(own, '2026-06-03T10:19:00Z', 2)).toEqual([
      ...['2026-06-08T10:20', '2026-06-15T10:20'],
    ])
  })

  it('ends', async () => {
    const twice = await read('FREQ=DAILY;COUNT=2')
    expect(following(twice, '2025-12-31T23:59:00Z', 3)).toEqual([
      ...['2026-01-01T00:00', '2026-01-02T00:00', null],
    ])
    const never = await read('FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30')
    expect(never.next(at('2026-01-01T00:00:00Z'))).toBeNull()
  })

  it('says what was due in a time', async () => {
    const hourly = await read('FREQ=HOURLY')
    const due = hourly.between(at('2026-01-01T00:00:00Z'), at('2026-01-01T05:30:00Z'))
    expect(due).toMatchObject({ count: 5 })
    expect(told(due?.first ?? null)).toBe('2026-01-01T01:00')
    expect(told(due?.last ?? null)).toBe('2026-01-01T05:00')
    expect(told(due?.previous ?? null)).toBe('2026-01-01T04:00')
    expect(hourly.between(at('2026-01-01T00:00:00Z'), at('2026-01-01T00:59:00Z'))).toBeNull()
    const often = await read('FREQ=SECONDLY')
    const many = often.between(at('2026-01-01T00:00:00Z'), at('2026-01-03T00:00:00Z'))
    expect(many?.last).toBe(at('2026-01-03T00:00:00Z'))
    expect(many?.previous).toBe(at('2026-01-02T23:59:59Z'))
  })

  it.each([
    ['EVERY=DAY', "unknown parameter 'EVERY'"],
    ['nope', 'not enough values to unpack'],
    ['FREQ=FOO', "invalid 'FREQ': FOO"],
    ['FREQ=DAILY;BYHOUR=24', "invalid 'BYHOUR': 24"],
    ['INTERVAL=2', "missing parameter 'FREQ'"],
    ['', "missing parameter 'FREQ'"],
  ])('that means nothing is refused: %s', async (text, words) => {
    await expect(read(text)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(words),
    })
  })
})

it('a moment as the clocks of a zone show it', () => {
  expect(localTime(at('2026-07-01T22:30:05Z'), 'Europe/Berlin')).toBe('20260702T003005')
})
