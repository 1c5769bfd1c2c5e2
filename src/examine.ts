/**
 * `manifold doctor`: looks at everything a server needs, beside a running server too, and computes
 * the index again when told to.
 */

import { accessSync, constants, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer as createProbe } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Config } from './cli/config.ts'
import { type Check, type Finding, runChecks } from './cli/doctor.ts'
import { createLog } from './cli/log.ts'
import type { Event } from './kernel/event.ts'
import { isFault } from './kernel/fault.ts'
import type { Store } from './kernel/ports.ts'
import { type Rows, rebuild } from './kernel/rows.ts'
import { openStore, openWorkshop, type Workshop } from './parts.ts'

export async function doctor(
  config: Config,
  { rebuild: isRebuild }: { rebuild: boolean },
): Promise<number> {
  if (existsSync(config.dataDir)) return examine(config, isRebuild)
  // Who looks makes nothing: a first start is tried aside.
  const aside = mkdtempSync(join(tmpdir(), 'manifold-doctor-'))
  const workspace = existsSync(config.workspace) ? config.workspace : join(aside, 'workspace')
  try {
    const first = folderCheck(config.dataDir)
    return await examine({ ...config, dataDir: aside, workspace }, isRebuild, first)
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
}

async function examine(config: Config, isRebuild: boolean, ...first: Check[]): Promise<number> {
  const log = await createLog({ ...config.log, level: 'warn' })
  const workshop = await openWorkshop(config)
  const onFatal = (error: Error): void => log.error({ err: error }, 'store')
  const store = await openStore(config, log, onFatal).catch((error: unknown) => error)
  try {
    const checks = [...first, storeCheck(store), ...checksOf(workshop), ...portChecks(config)]
    const code = await runChecks(checks, { write, colour: config.log.colour })
    if (!isRebuild) return code
    if (!isStore(store)) {
      write('The index was not computed again, for the store could not be opened.\n')
      return 1
    }
    write(await rebuildIndex(store))
    return code
  } finally {
    await workshop.close()
    if (isStore(store)) await store.close()
  }
}

const write = (text: string): void => {
  process.stdout.write(text)
}

const isStore = (opened: unknown): opened is Store => !(opened instanceof Error)

/** Of a data folder that is not there. */
const folderCheck = (folder: string): Check => ({
  name: 'data folder',
  run: async () => {
    let above = dirname(folder)
    while (!existsSync(above)) above = dirname(above)
    const isPossible = statSync(above).isDirectory() && isWritable(above)
    if (isPossible) return { ok: 'yes', text: `not there yet; the first start makes ${folder}` }
    return {
      ok: 'no',
      text: `${folder} is not there and cannot be made in ${above}`,
      fix: 'Choose another with --data-dir or MANIFOLD_HOME.',
    }
  },
})

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

const storeCheck = (opened: unknown): Check => ({
  name: 'store',
  run: async () => {
    if (isFault(opened) && opened.code === 'conflict')
      return {
        ok: 'warn',
        text: `not looked at, for another process has it. ${opened.message}`,
      }
    if (!isStore(opened)) throw opened
    const { kind, version, threads } = await opened.health()
    return { ok: 'yes', text: `${kind} ${version}, ${threads} threads` }
  },
})

const checksOf = ({ runner, models, catalog }: Workshop): Check[] => [
  {
    name: 'sandbox',
    run: async () => {
      const { mode, notice } = await runner.describe()
      if (notice === null) return { ok: 'yes', text: mode }
      return { ok: 'warn', text: notice, fix: 'Install bubblewrap to keep commands apart.' }
    },
  },
  {
    name: 'models',
    run: async () => {
      const preferred = await models.preferred()
      const usable = (await models.list()).filter((m) => m.isUsable)
      const text = `${preferred} answers by default; ${usable.length} can be used`
      if (!preferred.startsWith('demo:')) return { ok: 'yes', text }
      return {
        ok: 'warn',
        text,
        fix: 'Set a provider key such as ANTHROPIC_API_KEY, or run Ollama.',
      }
    },
  },
  {
    name: 'agents',
    run: async () => {
      const [problem] = catalog.problems()
      const names = catalog.agents().map((a) => a.name)
      if (!problem) return { ok: 'yes', text: names.join(', ') }
      return { ok: 'warn', text: `${problem.file}: ${problem.problem}`, fix: 'Mend the file.' }
    },
  },
]

const portChecks = ({ host, port, listens }: Config): Check[] =>
  [port, ...listens.map((l) => l.port)].map((port) => ({
    name: `port ${port}`,
    run: async (): Promise<Finding> => {
      if (await isFree(port, host)) return { ok: 'yes', text: 'free' }
      if (await isManifold(port, host))
        return { ok: 'yes', text: 'a Manifold server answers there' }
      return {
        ok: 'warn',
        text: 'taken',
        fix: 'Stop what listens there, or choose another with --port.',
      }
    },
  }))

const isFree = (port: number, host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createProbe()
    probe.once('error', () => resolve(false))
    probe.listen(port, host, () => probe.close(() => resolve(true)))
  })

async function isManifold(port: number, host: string): Promise<boolean> {
  const name = host.includes(':') ? `[${host}]` : host
  try {
    const url = `http://${name}:${port}/manifold/v1/health`
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) })
    return ((await response.json()) as { name?: string }).name === 'manifold'
  } catch {
    return false
  }
}

/**
 * Index rows again from the log. On a healthy store this changes nothing. A thread that is written
 * to meanwhile, by a server that shares the store, has its rows from that.
 */
export async function rebuildIndex(store: Store): Promise<string> {
  const ids = await store.threadIds()
  let wrong = 0
  for (const id of ids) {
    const rows = rebuild(id, await wholeLog(store, id))
    if (await isIndexed(store, rows)) continue
    const isMended = await store.reindex(id, rows).then(() => true, isStale)
    if (isMended) wrong++
  }
  const verdict = wrong === 0 ? 'all of it was right' : `${wrong} were wrong and are mended`
  return `The index of ${ids.length} threads was computed again; ${verdict}.\n`
}

function isStale(error: unknown): false {
  if (isFault(error) && error.code === 'stale') return false
  throw error
}

async function wholeLog(store: Store, id: string): Promise<Event[]> {
  const events: Event[] = []
  for (;;) {
    const page = await store.read(id, events.at(-1)?.seq ?? 0, 5_000)
    if (page.length === 0) return events
    events.push(...page)
  }
}

async function isIndexed(store: Store, rows: Rows): Promise<boolean> {
  const { id } = rows.thread
  const [thread, runs, asks] = await Promise.all([
    store.thread(id),
    store.runs({ thread: id, limit: 1, offset: 0 }),
    store.asks({ thread: id, limit: 500, offset: 0 }),
  ])
  if (!isDeepStrictEqual(thread, rows.thread)) return false
  if (runs.total !== rows.runs.length || asks.total !== rows.asks.length) return false
  if (!isDeepStrictEqual(asks.items, rows.asks)) return false
  for (const run of rows.runs) {
    const used = rows.usage.filter((row) => row.run === run.id)
    if (!isDeepStrictEqual(await store.run(run.id), run)) return false
    if (!isDeepStrictEqual(await store.usageOf(run.id), used)) return false
  }
  return true
}
