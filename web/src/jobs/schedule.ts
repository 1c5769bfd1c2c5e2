/** A recurrence rule in words, where it is one of the usual ones; else as it stands. Pure. */

const UNITS: Record<string, string> = {
  MINUTELY: 'minute',
  HOURLY: 'hour',
  DAILY: 'day',
  WEEKLY: 'week',
  MONTHLY: 'month',
  YEARLY: 'year',
}

const DAYS: Record<string, string> = {
  MO: 'Monday',
  TU: 'Tuesday',
  WE: 'Wednesday',
  TH: 'Thursday',
  FR: 'Friday',
  SA: 'Saturday',
  SU: 'Sunday',
}

const WEEKDAYS = 'MO,TU,WE,TH,FR'

const KNOWN = ['FREQ', 'INTERVAL', 'BYHOUR', 'BYMINUTE', 'BYSECOND', 'BYDAY']

export function inWords(schedule: string): string {
  const rule = schedule.replace(/^RRULE:/, '')
  if (rule.includes('\n')) return rule
  const fields = new Map(rule.split(';').map((f) => f.split('=', 2) as [string, string]))
  const unit = UNITS[fields.get('FREQ') ?? '']
  const days = (fields.get('BYDAY') ?? '').split(',').filter(Boolean)
  const isKnown = [...fields.keys()].every((k) => KNOWN.includes(k)) && days.every((d) => DAYS[d])
  if (!unit || !isKnown) return rule
  const every = Number(fields.get('INTERVAL') ?? 1)
  const words = [every === 1 ? `every ${unit}` : `every ${every} ${unit}s`]
  if (days.join() === WEEKDAYS) words.splice(0, 1, 'every weekday')
  else if (days.length > 0) words.push(`on ${days.map((d) => DAYS[d]).join(', ')}`)
  const hours = (fields.get('BYHOUR') ?? '').split(',').filter(Boolean)
  const minute = fields.get('BYMINUTE')
  const at = (hour: string) => `${hour.padStart(2, '0')}:${(minute ?? '0').padStart(2, '0')}`
  if (hours.length > 0) words.push(`at ${hours.map(at).join(', ')} UTC`)
  else if (minute !== undefined) words.push(`at minute ${minute}`)
  return words.join(' ')
}

export const EXAMPLES: [name: string, rule: string][] = [
  ['Every hour', 'FREQ=HOURLY;BYMINUTE=0'],
  ['Every day at 09:00', 'FREQ=DAILY;BYHOUR=9;BYMINUTE=0'],
  ['Weekdays at 09:00', 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9;BYMINUTE=0'],
  ['Every Monday at 08:00', 'FREQ=WEEKLY;BYDAY=MO;BYHOUR=8;BYMINUTE=0'],
]
