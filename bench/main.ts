/**
 * `npm run bench`: measures the built server, prints the table and, when all of it was measured,
 * writes it down. Ends with 1 when something went wrong; a bar that is missed is only told.
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bench } from './bench.ts'
import { describeMachine, machine } from './machine.ts'
import { ROWS } from './rows/index.ts'
import { HEALTH } from './stage.ts'
import { document, faultLines, printed } from './table.ts'

const HELP = `npm run bench -- [options]
  --only name,name   only these rows: ${ROWS.map((row) => row.name).join(', ')}
  --short            small numbers, to see that everything works; says nothing about speed
  --out file         write the table there (a whole run writes bench/results.md)
  --folder folder    make the data folders there; that disk is measured (the system's folder for temporary files)
  --server main.js   measure that build instead of dist/main.js
  --profile folder   leave CPU profiles of the server there
`

const OPTIONS = {
  only: { type: 'string' },
  short: { type: 'boolean', default: false },
  out: { type: 'string' },
  folder: { type: 'string' },
  server: { type: 'string' },
  profile: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

/** Answers the exit code. */
export async function main(argv: string[]): Promise<number> {
  const { values } = parseArgs({ args: argv, options: OPTIONS })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const only = values.only?.split(',').filter(Boolean) ?? null
  const where = machine(values.folder)
  const say = (line: string): void => void process.stderr.write(`bench: ${line}\n`)
  for (const line of describeMachine(where)) say(line)
  const build = values.server ?? join(import.meta.dirname, '..', 'dist', 'main.js')
  const results = await bench({
    isShort: values.short,
    only,
    program: { file: process.execPath, args: [build, 'serve'], health: HEALTH },
    profileDir: values.profile ?? null,
    ...(values.folder === undefined ? {} : { folder: values.folder }),
    report: say,
  })
  process.stdout.write(`${printed(results)}\n`)
  const faults = faultLines(results)
  for (const fault of faults) say(`WRONG: ${fault}`)
  const isWhole = only === null && !values.short && !values.server
  const out = values.out ?? (isWhole ? join(import.meta.dirname, 'results.md') : null)
  if (out !== null) writeFileSync(out, document(results, where, new Date()))
  return faults.length > 0 ? 1 : 0
}
