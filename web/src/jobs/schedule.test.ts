import { expect, test } from 'vitest'
import { EXAMPLES, inWords } from './schedule.ts'

test.each([
  ['FREQ=HOURLY;BYMINUTE=0', 'every hour at minute 0'],
  ['FREQ=DAILY;BYHOUR=9;BYMINUTE=5', 'every day at 09:05 UTC'],
  ['RRULE:FREQ=DAILY;INTERVAL=2;BYHOUR=9,17', 'every 2 days at 09:00, 17:00 UTC'],
  ['FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9;BYMINUTE=0', 'every weekday at 09:00 UTC'],
  ['FREQ=WEEKLY;BYDAY=MO,SU', 'every week on Monday, Sunday'],
])('%s is told in words', (rule, words) => {
  expect(inWords(rule)).toBe(words)
})

test.each([
  'FREQ=OFTEN',
  'FREQ=MONTHLY;BYDAY=1MO',
  'FREQ=YEARLY;BYMONTH=2',
  'DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY',
])('what has no words stands as it is: %s', (rule) => {
  expect(inWords(rule)).toBe(rule)
})

test('examples are told in words', () => {
  for (const [, rule] of EXAMPLES) expect(inWords(rule)).toMatch(/^every /)
})
