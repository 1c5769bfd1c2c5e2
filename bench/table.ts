/** The table, for a terminal and for a file. */

import { type Figure, isMet, plain, written, writtenBar } from './figure.ts'
import { describeMachine, type Machine } from './machine.ts'
import type { Result } from './row.ts'

const HEADS = ['what', 'measured', 'bar', 'met', 'raw Node', 'to raw', 'how']

function cells(figure: Figure): string[] {
  const { name, value, unit, raw, more } = figure
  const met = isMet(figure)
  return [
    name,
    written(value, unit),
    writtenBar(figure),
    met === null ? '' : met ? 'yes' : 'NO',
    raw === undefined ? '' : written(raw, unit),
    raw === undefined ? '' : `${plain(value / raw)} x`,
    more ?? '',
  ]
}

export function printed(results: readonly Result[]): string {
  const rows = [HEADS, ...results.flatMap((r) => r.figures.map(cells))]
  const widths = HEADS.map((_, c) => Math.max(...rows.map((row) => (row[c] as string).length)))
  const line = (row: string[]): string =>
    row
      .map((cell, c) => {
        const width = widths[c] as number
        const isNumber = c > 0 && c < 6 && c !== 3
        return c === 6 ? cell : isNumber ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd()
  return rows.map(line).join('\n')
}

export const faultLines = (results: readonly Result[]): string[] =>
  results.flatMap((r) => r.faults.map((fault) => `${r.row}: ${fault}`))

const markdownRow = (row: string[]): string =>
  `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`

/** What `results.md` says. */
export function document(results: readonly Result[], machine: Machine, date: Date): string {
  const figures = results.flatMap((r) => r.figures)
  const barred = figures.filter((f) => f.bar)
  const missed = barred.filter((f) => !isMet(f))
  const faults = faultLines(results)
  return [
    '# Measured',
    '',
    'Written by `npm run bench`: the built server as a process of its own, real sockets on loopback, an instant',
    'local model, everything on disk before it is told. Raw Node is a bare `node:http` server of the same shape that',
    'keeps nothing; it is measured in the same run by the same client.',
    '',
    `${date.toISOString().slice(0, 10)}. ${describeMachine(machine).join('. ')}.`,
    '',
    `${barred.length - missed.length} of ${barred.length} bars are met${missed.length > 0 ? `; missed: ${missed.map((f) => f.name).join('; ')}` : ''}.`,
    ...(faults.length > 0 ? ['', 'What went wrong:', '', ...faults.map((f) => `- ${f}`)] : []),
    '',
    markdownRow(HEADS),
    markdownRow(HEADS.map(() => '---')),
    ...figures.map((f) => markdownRow(cells(f))),
    '',
  ].join('\n')
}
