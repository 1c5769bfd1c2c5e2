/** The campaign on the command line: as many kills as one likes, on either store. */

import { parseArgs } from 'node:util'
import { startPostgres } from '../support/postgres.ts'
import { type CampaignOptions, campaign } from './campaign.ts'

const HELP = `npm run crash -- [flags]

  --kills N     how often the server is killed (200)
  --seed S      the same seed gives the same kills (by the clock; printed)
  --threads N   conversations at a time (8)
  --postgres    on a private PostgreSQL instead of SQLite
  --servers N   servers on that PostgreSQL (1)
`

/** Resolves with the exit code: 0 when no client missed a word. */
export async function main(argv: string[]): Promise<number> {
  const flags = readFlags(argv)
  if (typeof flags === 'string') {
    process.stdout.write(flags)
    return flags === HELP ? 0 : 2
  }
  const { isPostgres, ...options } = flags
  const postgres = isPostgres ? await startPostgres() : null
  if (postgres && 'skipped' in postgres) {
    process.stderr.write(`There is no PostgreSQL to start: ${postgres.skipped}\n`)
    return 2
  }
  process.stdout.write(
    `${options.kills} kills, seed ${options.seed}, on ${postgres ? 'PostgreSQL' : 'SQLite'}\n`,
  )
  try {
    const env: Record<string, string> = postgres ? { DATABASE_URL: postgres.url } : {}
    return judge(await campaign({ ...options, env, report }))
  } finally {
    await postgres?.stop()
  }
}

type Flags = CampaignOptions & { isPostgres: boolean }

/** The flags, or what to say instead. */
function readFlags(args: string[]): Flags | string {
  try {
    const { values } = parseArgs({
      args,
      options: {
        kills: { type: 'string', default: '200' },
        seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
        threads: { type: 'string', default: '8' },
        servers: { type: 'string', default: '1' },
        postgres: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) return HELP
    const numbers = ['kills', 'seed', 'threads', 'servers'] as const
    const wrong = numbers.find((name) => !/^\d{1,9}$/.test(values[name]))
    if (wrong) return `--${wrong} must be a whole number.\n`
    if (values.servers !== '1' && !values.postgres)
      return 'Several servers need --postgres: a data folder belongs to one process.\n'
    return {
      kills: Number(values.kills),
      seed: Number(values.seed),
      threads: Number(values.threads),
      servers: Number(values.servers),
      isPostgres: values.postgres,
    }
  } catch (error) {
    return `${(error as Error).message}\n`
  }
}

/** On a terminal one line that changes, elsewhere every tenth. */
function report(line: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${line}`)
  else if (/0 of /.test(line)) process.stdout.write(`${line}\n`)
}

function judge({ findings, ...counts }: Awaited<ReturnType<typeof campaign>>): number {
  const facts = Object.entries(counts).map(([name, value]) => `${value} ${name}`)
  process.stdout.write(`\n${facts.join(', ')}\n`)
  if (findings.length === 0) {
    process.stdout.write('No client missed a word, and nothing was done twice.\n')
    return 0
  }
  process.stdout.write(`${findings.length} findings:\n${findings.map((f) => `  ${f}\n`).join('')}`)
  return 1
}
