/** The lines of the log's list: events one by one, or what was said in one breath as one. Pure. */

import { type Family, familyOf, isDelta } from './family.ts'
import type { Entry } from './log-book.ts'

export interface Row {
  /** Of the first event of the line. */
  seq: number
  /** How many it stands for. */
  count: number
  type: string
  run: string | null
  at: number
}

export interface Filter {
  /** Only these; empty: all. */
  families: readonly Family[]
  run: string | null
  /** Only of this type. */
  type: string | null
  /** Deltas that follow each other are one line. */
  isFolded: boolean
}

export function rowsOf(
  entries: readonly Entry[],
  { families, run, type, isFolded }: Filter,
): Row[] {
  const wanted = new Set(families)
  const rows: Row[] = []
  let last: Row | null = null
  for (const [i, entry] of entries.entries()) {
    if (wanted.size > 0 && !wanted.has(familyOf(entry.type))) continue
    if (run !== null && entry.run !== run) continue
    if (type !== null && entry.type !== type) continue
    const isSame = last !== null && last.type === entry.type && last.run === entry.run
    if (isFolded && last && isSame && isDelta(entry.type) && last.seq + last.count === i + 1) {
      last.count++
      continue
    }
    last = { seq: i + 1, count: 1, ...entry }
    rows.push(last)
  }
  return rows
}

/** The line that the event is in, else the last one before it; -1 when there is none. */
export function rowAt(rows: readonly Row[], seq: number): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((rows[middle] as Row).seq <= seq) low = middle + 1
    else high = middle
  }
  return low - 1
}
