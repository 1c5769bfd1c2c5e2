/** What was used, added up in the ways in which it is shown. Pure. */

import type { Usage } from '../api/types.ts'
import { added, NO_USAGE } from '../api/usage.ts'
import { tokensOf } from '../components/figure.ts'

export interface UsageRow {
  day: string
  agent: string
  model: string
  calls: number
  usage: Usage
}

export type Measure = 'tokens' | 'cost'

/** A price that is not known counts as nothing here; the tables show it as unknown. */
export const measured = (usage: Usage, by: Measure): number =>
  by === 'tokens' ? tokensOf(usage) : (usage.costUsd ?? 0)

export interface Total {
  name: string
  calls: number
  usage: Usage
}

export const totalOf = (rows: readonly { calls: number; usage: Usage }[]): Omit<Total, 'name'> =>
  rows.reduce(
    (all, row) => ({ calls: all.calls + row.calls, usage: added(all.usage, row.usage) }),
    {
      calls: 0,
      usage: NO_USAGE,
    },
  )

/** The largest first. */
export function totalsBy(
  rows: readonly UsageRow[],
  key: 'day' | 'agent' | 'model',
  by: Measure,
): Total[] {
  const groups = new Map<string, UsageRow[]>()
  for (const row of rows) {
    const group = groups.get(row[key])
    if (group) group.push(row)
    else groups.set(row[key], [row])
  }
  return [...groups]
    .map(([name, group]) => ({ name, ...totalOf(group) }))
    .sort((a, b) => measured(b.usage, by) - measured(a.usage, by))
}

/** Every day of the span, also those on which nothing was used; the last is today. UTC. */
export function daysOf(count: number, now: number): string[] {
  const day = 86_400_000
  return Array.from({ length: count }, (_, i) =>
    new Date(now - (count - 1 - i) * day).toISOString().slice(0, 10),
  )
}

export const MOST_SERIES = 4
export const OTHERS = 'others'

export interface Plotted {
  day: string
  /** In the order of the series. */
  values: number[]
}

/** For each day one value a series: the largest models by name, and all others as one. */
export function plotted(
  rows: readonly UsageRow[],
  days: readonly string[],
  by: Measure,
): { series: string[]; points: Plotted[] } {
  const names = totalsBy(rows, 'model', by).map((t) => t.name)
  const series = names.length > MOST_SERIES + 1 ? [...names.slice(0, MOST_SERIES), OTHERS] : names
  const points = new Map(days.map((day) => [day, series.map(() => 0)]))
  for (const row of rows) {
    const at = series.includes(row.model) ? series.indexOf(row.model) : series.length - 1
    const values = points.get(row.day)
    if (values) values[at] = (values[at] ?? 0) + measured(row.usage, by)
  }
  return { series, points: [...points].map(([day, values]) => ({ day, values })) }
}

/** A round number that is not less, so that the axis can be read. */
export function ceiling(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((n) => n * power >= value) ?? 10) * power
}
