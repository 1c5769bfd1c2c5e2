import { expect, test } from 'vitest'
import { ceiling, daysOf, OTHERS, plotted, totalOf, totalsBy, type UsageRow } from './figures.ts'

const row = (day: string, model: string, tokens: number, costUsd: number | null = 1): UsageRow => ({
  ...{ day, model, agent: 'a', calls: 1 },
  usage: { inputTokens: tokens, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, costUsd },
})

test('a sum with one unknown price is unknown', () => {
  expect(totalOf([row('d', 'm', 1), row('d', 'n', 2)]).usage.costUsd).toBe(2)
  const { calls, usage } = totalOf([row('d', 'm', 1), row('d', 'n', 2, null)])
  expect([calls, usage.inputTokens, usage.costUsd]).toEqual([2, 3, null])
})

test('the largest comes first', () => {
  const rows = [row('d1', 'm', 1), row('d2', 'n', 5), row('d1', 'm', 1)]
  expect(totalsBy(rows, 'model', 'tokens').map((t) => [t.name, t.calls])).toEqual([
    ['n', 1],
    ['m', 2],
  ])
})

test('every day of the span is there, and small models are one series', () => {
  const days = daysOf(3, Date.UTC(2026, 2, 1, 12))
  expect(days).toEqual(['2026-02-27', '2026-02-28', '2026-03-01'])
  const rows = ['a', 'b', 'c', 'd', 'e', 'f'].map((m, i) => row('2026-02-28', m, 10 - i))
  const { series, points } = plotted(rows, days, 'tokens')
  expect(series).toEqual(['a', 'b', 'c', 'd', OTHERS])
  expect(points.map((p) => p.values)).toEqual([
    [0, 0, 0, 0, 0],
    [10, 9, 8, 7, 11],
    [0, 0, 0, 0, 0],
  ])
})

test.each([
  [0, 1],
  [0.04, 0.04],
  [7, 8],
  [30_700, 40_000],
  [99, 100],
])('the axis above %d ends at %d', (value, top) => {
  expect(ceiling(value)).toBeCloseTo(top)
})
