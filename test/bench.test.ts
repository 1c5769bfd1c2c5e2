/**
 * The benchmark in its short form: every row runs to its end, loses and doubles nothing and gives
 * a number for each of its figures. How fast it was says nothing here.
 */

import { describe, expect, it } from 'vitest'
import { bench, chosen } from '../bench/bench.ts'
import type { Machine } from '../bench/machine.ts'
import { ROWS } from '../bench/rows/index.ts'
import { HEALTH } from '../bench/stage.ts'
import { document, printed } from '../bench/table.ts'
import { command } from './support/process.ts'

const { file, args } = command()
const PROGRAM = { file, args: [...args, 'serve'], health: HEALTH }

const MACHINE: Machine = {
  cores: 2,
  cpu: 'a processor',
  memoryGiB: 8,
  node: 'v20.19.0',
  platform: 'linux x64',
  syncP50Ms: 0.3,
  syncP99Ms: 1,
  loadAverage: 0.1,
}

describe('the benchmark', () => {
  it.each(ROWS.map((row) => row.name))(
    '%s, in its short form',
    async (name) => {
      const lines: string[] = []
      const [result, ...others] = await bench({
        isShort: true,
        only: [name],
        program: PROGRAM,
        profileDir: null,
        report: (line) => lines.push(line),
      })
      expect(others).toEqual([])
      if (!result) throw new Error('no result')
      expect(result.faults).toEqual([])
      expect(result.figures.length).toBeGreaterThan(0)
      for (const { name: figure, value, raw } of result.figures) {
        expect([figure, Number.isFinite(value)]).toEqual([figure, true])
        expect([figure, raw === undefined || Number.isFinite(raw)]).toEqual([figure, true])
      }
      expect(lines[0]).toContain(name)
      for (const { name: figure } of result.figures) {
        expect(printed([result])).toContain(figure)
        expect(document([result], MACHINE, new Date(0))).toContain(`| ${figure} |`)
      }
    },
    120_000,
  )

  it('runs the rows that are asked for, and refuses others by name', () => {
    expect(chosen(null)).toBe(ROWS)
    expect(chosen(['replay', 'start']).map((row) => row.name)).toEqual(['start', 'replay'])
    expect(() => chosen(['start', 'fast'])).toThrow('There is no row fast')
  })

  it('says which bars are missed and what went wrong', () => {
    const figure = { name: 'a', value: 3, unit: 'ms', bar: { is: 'most', value: 2 } } as const
    const met = { ...figure, name: 'b', bar: { is: 'least', value: 2 } } as const
    const result = { row: 'r', tookMs: 1, figures: [figure, met], faults: ['7 came after 5'] }
    const text = document([result], MACHINE, new Date(0))
    expect(text).toContain('1 of 2 bars are met; missed: a.')
    expect(text).toContain('- r: 7 came after 5')
    expect(printed([result]).split('\n')[1]).toContain('NO')
  })
})
