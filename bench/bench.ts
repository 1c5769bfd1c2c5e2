/** Runs the rows one after the other, each on servers and folders of its own. */

import type { Result, Row } from './row.ts'
import { ROWS } from './rows/index.ts'
import { Stage, type StageOptions } from './stage.ts'

export interface BenchOptions extends StageOptions {
  /** Names of rows; null: all. */
  only: readonly string[] | null
  report(line: string): void
}

export async function bench(options: BenchOptions): Promise<Result[]> {
  const results: Result[] = []
  for (const row of chosen(options.only)) {
    options.report(`${row.name}: ${row.about}`)
    const result = await measure(row, options)
    results.push(result)
    options.report(`${row.name}: took ${Math.round(result.tookMs / 1000)} s`)
  }
  return results
}

export function chosen(only: readonly string[] | null): readonly Row[] {
  const names = ROWS.map((row) => row.name)
  const unknown = only?.find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw new Error(`There is no row ${unknown}. There are ${names.join(', ')}.`)
  return only ? ROWS.filter((row) => only.includes(row.name)) : ROWS
}

/** A row that breaks is told as broken; the others are measured all the same. */
async function measure(row: Row, options: StageOptions): Promise<Result> {
  const began = performance.now()
  const stage = new Stage(options)
  try {
    const measured = await row.measure(stage)
    return { row: row.name, tookMs: performance.now() - began, ...measured }
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error)
    return { row: row.name, tookMs: performance.now() - began, figures: [], faults: [fault] }
  } finally {
    await stage.close()
  }
}
