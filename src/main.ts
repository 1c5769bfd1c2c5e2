#!/usr/bin/env node
/**
 * The only file that imports everything: configuration, then store, engine, dialects, server. It is
 * also the program, when it is run as one.
 */

import { mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { createServer as createProbe } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { uuidv7 } from 'uuidv7'
import {
  checkBind,
  createLimiter,
  needsCredential,
  openBox,
  openTokens,
  type Tokens,
} from './access/index.ts'
import { openCatalog } from './catalog/index.ts'
import { banner } from './cli/banner.ts'
import { type Config, processInput } from './cli/config.ts'
import { type Check, type Finding, runChecks } from './cli/doctor.ts'
import { createLog, type Log } from './cli/log.ts'
import { runCli, version } from './cli/program.ts'
import { listenForStop } from './cli/stop.ts'
import { clotho } from './dialects/clotho/index.ts'
import { native } from './dialects/native/index.ts'
import { ownware } from './dialects/ownware/index.ts'
import { createEngine, DEFAULT_SETTINGS, type RunningEngine } from './engine/index.ts'
import type { Event } from './kernel/event.ts'
import type { Catalog, Models, Store, Toolbox } from './kernel/ports.ts'
import { rebuild } from './kernel/rows.ts'
import { openEndpoints } from './models/endpoints.ts'
import { createModels } from './models/index.ts'
import { createRunner, openWorkspace, type Runner } from './sandbox/index.ts'
import { createServer, type Listening, type Server } from './server/server.ts'
import { openPostgresStore, openSqliteStore } from './store/index.ts'
import { createToolbox } from './tools/index.ts'
import type { Dialect } from './wire/dialect.ts'

/** A server that is put together; it does nothing before `listen`. */
export interface Manifold {
  engine: RunningEngine
  store: Store
  listen(): Promise<Listening>
  /** What a person should know at the start. */
  warnings(): Promise<string[]>
  /** Streams first, then steps, then everything that is held. Idempotent. */
  close(): Promise<void>
}

/** What the product is made of, without the way it is spoken to. */
interface Parts {
  config: Config
  store: Store
  models: Models
  catalog: Catalog
  toolbox: Toolbox
  runner: Runner
  engine: RunningEngine
}

async function openParts(config: Config, log: Log, onFatal: (e: Error) => void): Promise<Parts> {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 })
  mkdirSync(config.workspace, { recursive: true, mode: 0o700 })
  const store = await openStore(config, onFatal)
  const models = createModels(config)
  const runner = createRunner({ mode: config.sandbox, hidden: [config.dataDir] })
  const { allowPrivateFetch } = config
  const toolbox = createToolbox({ runner, openWorkspace, allowPrivateFetch })
  const catalog = await openCatalog({
    folders: [join(config.dataDir, 'agents'), ...config.agentDirs],
    writable: join(config.dataDir, 'agents'),
    secret: (name) => config.secret(name),
  })
  const endpoints = await openEndpoints({ store, models, box: openBox(config.dataDir) })
  const engine = createEngine({
    ...{ store, models, toolbox, catalog, endpoints, log },
    clock: Date.now,
    newId: uuidv7,
    settings: {
      ...DEFAULT_SETTINGS,
      worker: uuidv7(),
      workspace: config.workspace,
      leaseMs: config.leaseMs,
      drainMs: config.drainMs,
    },
  })
  return { config, store, models, catalog, toolbox, runner, engine }
}

const openStore = (config: Config, onFatal: (e: Error) => void): Promise<Store> =>
  config.databaseUrl
    ? openPostgresStore({ url: config.databaseUrl, onFatal })
    : openSqliteStore({ folder: config.dataDir, onFatal })

/** Puts a server together. Throws the Fault that forbids it, with everything closed again. */
export async function compose(
  config: Config,
  log: Log,
  onFatal: (e: Error) => void,
): Promise<Manifold> {
  const tokens = openTokens(config.dataDir)
  const { host, behindProxy } = config
  const hasToken = !needsCredential({ host, behindProxy }) || tokens.value() !== ''
  const refusal = checkBind({ host, behindProxy, hasTls: config.tls !== null, hasToken })
  if (refusal) throw refusal
  const parts = await openParts(config, log, onFatal)
  const { engine, store } = parts
  const server = openServer(parts, tokens, log)
  let closing: Promise<void> | null = null
  return {
    engine,
    store,
    async listen() {
      const listening = await server.listen()
      await engine.start()
      return listening
    },
    warnings: () => warningsOf(parts),
    close() {
      closing ??= closeAll(parts, server)
      return closing
    },
  }
}

function openServer(parts: Parts, tokens: Tokens, log: Log): Server {
  const { config, engine } = parts
  const { tls } = config
  return createServer({
    engine,
    log,
    dialects: dialectsOf(parts),
    host: config.host,
    port: config.port,
    listens: Object.fromEntries(config.listens.map((l) => [l.dialect, l.port])),
    access: {
      tokens,
      allowedHosts: config.allowedHosts,
      allowedOrigins: config.allowedOrigins,
      limiter: createLimiter({ ratePerMinute: 1_200, burst: 300, now: Date.now }),
    },
    tls: tls && { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) },
    behindProxy: config.behindProxy,
  })
}

function dialectsOf({ engine, config, runner }: Parts): Dialect[] {
  const facts = { version: version(), startedAt: Date.now(), now: Date.now }
  const { dataDir: dataFolder, clothoHome } = config
  const describe = async () => {
    const { mode, isolated: isIsolated, notice } = await runner.describe()
    return { mode, isIsolated, ...(notice ? { problem: notice } : {}) }
  }
  return [
    native(engine, facts),
    ownware(engine, facts),
    clotho(engine, { ...facts, dataFolder, clothoHome, clock: Date.now, sandbox: { describe } }),
  ]
}

async function warningsOf({ runner, catalog, config }: Parts): Promise<string[]> {
  const { notice } = await runner.describe()
  const problems = catalog.problems().map(({ file, problem }) => `${file}: ${problem}`)
  const token = needsCredential(config)
    ? `clients need the token in ${config.dataDir}/gateway-token`
    : null
  return [notice, token, ...problems].filter((text) => text !== null)
}

/** Streams are told first, then steps may settle, then what is held is let go. */
async function closeAll({ engine, toolbox, catalog, store }: Parts, server: Server): Promise<void> {
  const told = server.close()
  await engine.close()
  await told
  await Promise.all([toolbox.close(), catalog.close()])
  await store.close()
}

/** `manifold serve`: until somebody says stop, or the disk can no longer be trusted. */
async function serve(config: Config): Promise<void> {
  const log = await createLog(config.log)
  const signals = listenForStop(() => process.exit(130))
  let break_: (error: Error) => void = () => {}
  const broken = new Promise<Error>((resolve) => {
    break_ = resolve
  })
  const manifold = await compose(config, log, (error) => break_(error))
  const listening = await manifold.listen()
  await announce(manifold, config, listening)
  const reason = await Promise.race([signals.stopped, broken])
  if (reason instanceof Error) {
    log.error({ err: reason }, 'the store failed; the server stops')
    process.exit(1)
  }
  log.info({ signal: reason }, 'stopping')
  await manifold.close()
  signals.close()
}

async function announce(manifold: Manifold, config: Config, at: Listening): Promise<void> {
  const { engine } = manifold
  const own = (port: number): string => at.url.replace(/:\d+$/, `:${port}`)
  process.stdout.write(
    banner(
      {
        urls: [at.url],
        listens: Object.entries(at.ports).map(([dialect, port]) => ({ dialect, url: own(port) })),
        dialects: ['native', 'ownware', 'clotho'],
        agents: engine.catalog.agents().map((a) => a.name),
        model: await engine.models.preferred(),
        dataDir: config.dataDir,
        warnings: await manifold.warnings(),
      },
      process.stdout.isTTY === true && config.log.colour,
    ),
  )
}

/** `manifold doctor`: looks at everything a server needs, and mends the index when told to. */
async function doctor(
  config: Config,
  { rebuild: isRebuild }: { rebuild: boolean },
): Promise<number> {
  const log = await createLog({ ...config.log, level: 'warn' })
  const parts = await openParts(config, log, (error) => log.error({ err: error }, 'store'))
  try {
    const output = {
      write: (text: string) => process.stdout.write(text),
      colour: config.log.colour,
    }
    const code = await runChecks(checksOf(parts), output)
    if (isRebuild) process.stdout.write(await rebuildIndex(parts.store))
    return code
  } finally {
    await Promise.all([parts.toolbox.close(), parts.catalog.close()])
    await parts.store.close()
  }
}

const checksOf = ({ store, runner, models, catalog, config }: Parts): Check[] => [
  {
    name: 'store',
    run: async () => {
      const { kind, version: number, threads } = await store.health()
      return { ok: 'yes', text: `${kind} ${number}, ${threads} threads` }
    },
  },
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
  ...[config.port, ...config.listens.map((l) => l.port)].map((port) => ({
    name: `port ${port}`,
    run: async (): Promise<Finding> => {
      if (await isFree(port, config.host)) return { ok: 'yes', text: 'free' }
      return {
        ok: 'warn',
        text: 'taken',
        fix: 'Stop what listens there, or choose another with --port.',
      }
    },
  })),
]

const isFree = (port: number, host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createProbe()
    probe.once('error', () => resolve(false))
    probe.listen(port, host, () => probe.close(() => resolve(true)))
  })

/** Index rows again from the log. On a healthy store this changes nothing. */
async function rebuildIndex(store: Store): Promise<string> {
  const ids = await store.threadIds()
  for (const id of ids) {
    const events: Event[] = []
    for (let more = true; more; ) {
      const page = await store.read(id, events.at(-1)?.seq ?? 0, 5_000)
      events.push(...page)
      more = page.length > 0
    }
    await store.reindex(id, rebuild(id, events))
  }
  return `The index of ${ids.length} threads was computed again.\n`
}

/** True when this file is the program, and not a part of a test. */
function isProgram(): boolean {
  const script = processInput().script
  return script !== null && realpathSync(script) === fileURLToPath(import.meta.url)
}

if (isProgram()) {
  const { argv, env } = processInput()
  process.exitCode = await runCli(argv, env, { serve, doctor })
}
