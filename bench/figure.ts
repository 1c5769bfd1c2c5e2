/** Numbers: percentiles, and how a figure is written. */

export type Unit = 'us' | 'ms' | 's' | 'MiB' | 'KiB' | 'per s' | 'ratio' | '%'

export interface Figure {
  /** What was measured. */
  name: string
  value: number
  unit: Unit
  /** What it must reach; absent: told for information. */
  bar?: Bar
  /** Raw Node's figure of the same shape, in the same unit. */
  raw?: number
  /** In a few words: how it was measured, and what else was seen. */
  more?: string
}

export interface Bar {
  is: 'most' | 'least'
  value: number
}

export const most = (value: number): Bar => ({ is: 'most', value })
export const least = (value: number): Bar => ({ is: 'least', value })

export const isMet = ({ value, bar }: Figure): boolean | null =>
  bar ? (bar.is === 'most' ? value <= bar.value : value >= bar.value) : null

/** The value that the share `q` of all does not exceed (nearest rank); NaN of nothing. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort()
  const rank = Math.ceil(q * sorted.length)
  return sorted[Math.min(sorted.length - 1, Math.max(0, rank - 1))] ?? Number.NaN
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** Work of the server for one thing done. It says more than a rate where others use the machine too. */
export function workFigure(
  name: string,
  own: { serverMs: number | null; done: number },
  raw: { serverMs: number | null; done: number },
): Figure[] {
  if (own.serverMs === null || raw.serverMs === null) return []
  const each = (of: { serverMs: number | null; done: number }): number =>
    ((of.serverMs ?? 0) * 1000) / of.done
  return [
    { name, value: each(own), unit: 'us', raw: each(raw), more: 'CPU time of all its threads' },
  ]
}

const DIGITS = [100, 10, 1]

/** Three digits that count, with thousands apart. */
export function plain(value: number): string {
  if (!Number.isFinite(value)) return '-'
  const digits = DIGITS.findIndex((limit) => Math.abs(value) >= limit)
  const rounded = value.toFixed(digits < 0 ? 3 : digits)
  const [whole = '', rest] = rounded.split('.')
  const apart = whole.replace(/\B(?=(\d{3})+$)/g, ',')
  return rest === undefined ? apart : `${apart}.${rest}`
}

export const written = (value: number, unit: Unit): string =>
  unit === 'ratio' ? plain(value) : `${plain(value)} ${unit}`

export const writtenBar = ({ bar, unit }: Figure): string =>
  bar ? `${bar.is === 'most' ? '<=' : '>='} ${written(bar.value, unit)}` : ''
