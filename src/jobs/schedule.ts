/**
 * Recurrence rules as RFC 5545 has them, in their own time zone. Days on which a time does not exist
 * (the clock is put forward) have no occurrence; a time that comes twice has one, the first.
 */

import { Fault } from '../kernel/fault.ts'

export interface Schedule {
  /** Epoch ms of the first occurrence after `after`; null when there is none any more. */
  next(after: number): number | null
  /** The occurrences after `after` and up to `until`; null when there is none. */
  between(after: number, until: number): Due | null
}

export interface Due {
  first: number
  last: number
  /** The one before the last. */
  previous: number | null
  /** How many, as far as they were counted. */
  count: number
}

export interface ScheduleText {
  /** `FREQ=DAILY;BYHOUR=9`, with or without lines `DTSTART`, `RRULE:`, `EXDATE`. */
  text: string
  /** Epoch ms from which a text without `DTSTART` counts. */
  anchor: number
  /** Of a text without `DTSTART`. */
  timeZone: string
}

/** More are passed over without being counted one by one. */
const MOST_COUNTED = 2_000

/** Throws the Fault `invalid`. The library is loaded when the first schedule is read. */
export async function readSchedule(given: ScheduleText): Promise<Schedule> {
  checkRule(given.text)
  const { RRuleTemporal } = await import('rrule-temporal')
  try {
    return scheduleOf(new RRuleTemporal({ rruleString: wholeText(given) }) as unknown as Rule)
  } catch (error) {
    throw new Fault('invalid', error instanceof Error ? error.message : 'the rule means nothing')
  }
}

interface Rule {
  next(after: Date, inclusive?: boolean): { epochMilliseconds: number } | null
  previous(before: Date, inclusive?: boolean): { epochMilliseconds: number } | null
}

function scheduleOf(rule: Rule): Schedule {
  /** Between two occurrences the answer stays the same, and it is asked for again and again. */
  let known: { after: number; at: number | null } | null = null
  const next = (after: number): number | null => {
    if (known && after >= known.after && (known.at === null || after < known.at)) return known.at
    known = { after, at: tried(() => rule.next(new Date(after))) }
    return known.at
  }
  const lastUpTo = (until: number): number | null =>
    tried(() => rule.previous(new Date(until), true))
  return {
    next,
    between(after, until) {
      const first = next(after)
      if (first === null || first > until) return null
      const last = lastUpTo(until) ?? first
      let count = 1
      let previous: number | null = null
      for (let at = first; at < last && count < MOST_COUNTED; count++) {
        previous = at
        at = next(at) ?? last
      }
      if (count >= MOST_COUNTED) previous = lastUpTo(last - 1)
      return { first, last, previous, count }
    },
  }
}

/** A rule that never comes true gives up after a while: it has no occurrence. */
function tried(find: () => { epochMilliseconds: number } | null): number | null {
  try {
    return find()?.epochMilliseconds ?? null
  } catch {
    return null
  }
}

/** With a beginning, in its zone. */
function wholeText({ text, anchor, timeZone }: ScheduleText): string {
  const lines = text.trim().split(/\r?\n/)
  const own = lines.map((l) => (/^[A-Z-]+[;:]/.test(l.trim()) ? l.trim() : `RRULE:${l.trim()}`))
  if (own.some((l) => l.startsWith('DTSTART'))) return own.join('\n')
  return [`DTSTART;TZID=${timeZone}:${localTime(anchor, timeZone)}`, ...own].join('\n')
}

/** `20261122T081300`, as the clocks of the zone show it. */
export function localTime(ms: number, timeZone: string): string {
  const format = new Intl.DateTimeFormat('en-GB', {
    ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit' },
    ...{ hour: '2-digit', minute: '2-digit', second: '2-digit' },
  })
  const parts = new Map(format.formatToParts(ms).map((p) => [p.type, p.value]))
  const of = (name: string): string => parts.get(name as Intl.DateTimeFormatPartTypes) ?? '00'
  return `${of('year')}${of('month')}${of('day')}T${of('hour')}${of('minute')}${of('second')}`
}

// ---- what a rule may say ------------------------------------------------------------------------

const RANGES: Record<string, [number, number] | null> = {
  FREQ: null,
  UNTIL: null,
  WKST: null,
  BYDAY: null,
  COUNT: [1, 1_000_000],
  INTERVAL: [1, 1_000_000],
  BYHOUR: [0, 23],
  BYMINUTE: [0, 59],
  BYSECOND: [0, 59],
  BYMONTH: [1, 12],
  BYMONTHDAY: [-31, 31],
  BYYEARDAY: [-366, 366],
  BYWEEKNO: [-53, 53],
  BYSETPOS: [-366, 366],
}

const FREQUENCIES = ['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY', 'HOURLY', 'MINUTELY', 'SECONDLY']

/** The words are those of the parser that the real system uses. */
function checkRule(text: string): void {
  const line = text.split(/\r?\n/).find((l) => !/^(DTSTART|EXDATE|RDATE)/i.test(l.trim()))
  const parts = (line ?? '')
    .trim()
    .replace(/^RRULE:/i, '')
    .split(';')
    .filter(Boolean)
  const names = new Set<string>()
  for (const part of parts) {
    const [name = '', value, ...more] = part.split('=')
    if (value === undefined || more.length > 0)
      throw new Fault('invalid', 'not enough values to unpack (expected 2, got 1)')
    const range = RANGES[name.toUpperCase()]
    if (range === undefined) throw new Fault('invalid', `unknown parameter '${name}'`)
    if (range && !value.split(',').every((v) => isWithin(v, range)))
      throw new Fault('invalid', `invalid '${name}': ${value}`)
    if (name.toUpperCase() === 'FREQ' && !FREQUENCIES.includes(value.toUpperCase()))
      throw new Fault('invalid', `invalid '${name}': ${value}`)
    names.add(name.toUpperCase())
  }
  if (!names.has('FREQ')) throw new Fault('invalid', "missing parameter 'FREQ'")
}

const isWithin = (value: string, [low, high]: [number, number]): boolean =>
  /^[+-]?\d+$/.test(value) && Number(value) >= low && Number(value) <= high
