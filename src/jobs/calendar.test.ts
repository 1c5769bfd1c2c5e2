import { expect, it } from 'vitest'
import { createCalendar } from './calendar.ts'

const job = (n: number, schedule = 'FREQ=DAILY') => ({ id: `job${n}`, schedule, anchor: 0 })

it('leaves others their turn while it reads many schedules', async () => {
  const calendar = createCalendar('UTC')
  await calendar.of(job(0))
  let turns = 0
  let isOver = false
  const count = (): void => {
    turns++
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  const read = await Promise.all(Array.from({ length: 20 }, (_, n) => calendar.of(job(n + 1))))
  isOver = true
  expect(read.every((schedule) => schedule?.next(0) === 86_400_000)).toBe(true)
  expect(turns).toBeGreaterThan(15)
})

it('reads a schedule once, and again when it was changed; a broken one is none', async () => {
  const calendar = createCalendar('UTC')
  const first = await calendar.of(job(1))
  expect(await calendar.of(job(1))).toBe(first)
  expect(await calendar.of(job(1, 'nonsense'))).toBeNull()
  const other = await calendar.of(job(1, 'FREQ=HOURLY'))
  expect(other?.next(0)).toBe(3_600_000)
  calendar.forget('job1')
  expect(await calendar.of(job(1))).not.toBe(first)
})
