/**
 * The only file that imports everything: configuration, then store, engine, dialects, server. What
 * it opens it closes again, also when a later part refuses to be opened.
 */

import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { uuidv7 } from 'uuidv7'
import { openAccounts } from './access/accounts/index.ts'
import {
  checkBind,
  createLimiter,
  needsCredential,
  openBox,
  openTokens,
  type Tokens,
  viewFor,
} from './access/index.ts'
import { composeCatalog } from './catalog/cap-agent.ts'
import { openCaps } from './catalog/cap-library.ts'
import { type EditableCatalog, openCatalog } from './catalog/index.ts'
import { openWorkspaceCatalog, type WorkspaceCatalog } from './catalog/workspace-catalog.ts'
import { HOOK_FORM, REWRITING_HOOK_FORM } from './catalog/workspace-hook.ts'
import type { Config } from './cli/config.ts'
import type { Log } from './cli/log.ts'
import { version } from './cli/version.ts'
import { arkloop } from './dialects/arkloop/index.ts'
import { clotho } from './dialects/clotho/index.ts'
import { type House, native } from './dialects/native/index.ts'
import { hookForm, idOfFolder, oah } from './dialects/oah/index.ts'
import { ownware } from './dialects/ownware/index.ts'
import { toolang } from './dialects/toolang/index.ts'
import { createEngine, DEFAULT_SETTINGS, type RunningEngine } from './engine/index.ts'
import { createJobs, type JobRunner } from './jobs/index.ts'
import type { Caps } from './kernel/caps.ts'
import { Fault, isFault } from './kernel/fault.ts'
import type { HookForm } from './kernel/hook.ts'
import type { Catalog, Engine, Models, Store, Toolbox } from './kernel/ports.ts'
import type { Runner } from './kernel/workspace.ts'
import { openEndpoints } from './models/endpoints.ts'
import { createModels } from './models/index.ts'
import { createRunner, openWorkspace } from './sandbox/index.ts'
import { createServer, type Listening, type Server } from './server/server.ts'
import { openPostgresStore, openSqliteStore } from './store/index.ts'
import { inputProblem } from './tools/action-input.ts'
import { createHookPost } from './tools/hook-post.ts'
import { createToolbox } from './tools/index.ts'
import type { Dialect } from './wire/dialect.ts'

/** A server that is put together; it does nothing before `listen`. */
export interface Manifold {
  engine: RunningEngine
  store: Store
  /** Their names. */
  dialects: string[]
  /** Everything that can be asked for over HTTP, by dialect, below its mount. */
  routes: { dialect: string; method: string; path: string }[]
  /** Rejects with everything closed again. */
  listen(): Promise<Listening>
  /** What a person should know at the start. */
  warnings(): Promise<string[]>
  /** Streams first, then steps, then everything that is held. Idempotent. */
  close(): Promise<void>
}

/** What agents are made of; a look at it needs no store. */
export interface Workshop {
  models: Models
  catalog: Catalog
  /** The part of the catalog that lies in the agents' folders. */
  authored: EditableCatalog
  /** The catalog again, with what workspaces define. */
  shelf: WorkspaceCatalog
  caps: Caps
  toolbox: Toolbox
  runner: Runner
  close(): Promise<void>
}

/** What the product is made of, without the way it is spoken to. */
interface Parts extends Workshop {
  config: Config
  log: Log
  store: Store
  engine: RunningEngine
  jobs: JobRunner
}

export async function openWorkshop(config: Config): Promise<Workshop> {
  makeFolder(config.dataDir, 'data folder', '--data-dir or MANIFOLD_HOME')
  makeFolder(config.workspace, 'workspace', '--workspace')
  for (const folder of config.agentDirs) checkFolder(folder)
  const models = createModels(config)
  for (const [name, { apiKey, baseUrl }] of Object.entries(config.compatible))
    models.define({ name, kind: 'openai', baseUrl, apiKey, models: {} })
  const runner = createRunner({ mode: config.sandbox, hidden: [config.dataDir] })
  // Looking for walls takes a while; begun now, it is done when somebody asks.
  void runner.describe().catch(() => {})
  const { allowPrivateFetch } = config
  const hidden = [config.dataDir]
  const toolbox = createToolbox({
    runner,
    openWorkspace: (root) => openWorkspace(root, { hidden }),
    allowPrivateFetch,
  })
  const secret = (name: string) => config.secret(name)
  const caps = await openCaps({ root: config.dataDir, localRoot: config.workspace, secret })
  const authored = await openCatalog({
    folders: [join(config.dataDir, 'agents'), ...config.agentDirs],
    writable: join(config.dataDir, 'agents'),
    secret,
  })
  const folder = join(config.dataDir, 'workspaces')
  const shelf = await openWorkspaceCatalog({
    catalog: composeCatalog(authored, caps),
    ...{ models, folder },
    idOf: (root) => idOfFolder(folder, root),
  })
  const close = async () => void (await Promise.all([toolbox.close(), shelf.close()]))
  return { models, catalog: shelf, authored, shelf, caps, toolbox, runner, close }
}

export async function openStore(config: Config, onFatal: (e: Error) => void): Promise<Store> {
  const { databaseUrl: url, dataDir: folder } = config
  if (!url) return openSqliteStore({ folder, onFatal })
  return openPostgresStore({ url, onFatal }).catch((error: Error) => {
    if (isFault(error)) throw error
    const text = `The PostgreSQL of DATABASE_URL cannot be used: ${error.message}.`
    throw new Fault('unavailable', text)
  })
}

function makeFolder(folder: string, what: string, setting: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const reason = code === 'EEXIST' || code === 'ENOTDIR' ? 'a file is in its way' : code
    throw new Fault(
      'invalid',
      `The ${what} ${folder} cannot be made: ${reason}. Choose another with ${setting}.`,
    )
  }
}

/** A folder that was named must be there: a typo would otherwise look like agents that vanished. */
function checkFolder(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return
  throw new Fault('invalid', `There is no folder ${folder}, which --agents names.`)
}

async function openParts(config: Config, log: Log, onFatal: (e: Error) => void): Promise<Parts> {
  const workshop = await openWorkshop(config)
  const store = await openStore(config, onFatal).catch(async (error: unknown) => {
    await workshop.close()
    throw error
  })
  const close = async () => {
    try {
      await workshop.close()
    } finally {
      await store.close()
    }
  }
  try {
    const engine = await openEngine(workshop, store)
    const jobs = createJobs({ engine, clock: Date.now, timeZone: 'UTC', log })
    return { ...workshop, config, log, store, close, engine, jobs }
  } catch (error) {
    await close()
    throw error
  }

  async function openEngine({ models, toolbox, catalog, runner }: Workshop, store: Store) {
    const endpoints = await openEndpoints({ store, models, box: openBox(config.dataDir) })
    return createEngine({
      ...{ store, models, toolbox, catalog, endpoints, log },
      hookForms: hookForms(config.dataDir),
      postHook: createHookPost({ allowPrivateFetch: config.allowPrivateFetch }),
      sandbox: {
        runner,
        openWorkspace: (root) => openWorkspace(root, { hidden: [config.dataDir] }),
      },
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
  }
}

/** How hooks of workspaces are spoken with, by the names that the catalog has for the ways. */
function hookForms(dataDir: string): Record<string, HookForm> {
  const idOf = (root: string) => idOfFolder(join(dataDir, 'workspaces'), root)
  return {
    [HOOK_FORM]: hookForm({ idOf, mayRewrite: false }),
    [REWRITING_HOOK_FORM]: hookForm({ idOf, mayRewrite: true }),
  }
}

/** Puts a server together. Throws the Fault that forbids it, with everything closed again. */
export async function compose(
  config: Config,
  log: Log,
  onFatal: (e: Error) => void,
): Promise<Manifold> {
  const tls = readTls(config)
  const tokens = openTokens(config.dataDir)
  const refusal = refusalOf(config, tokens)
  if (refusal) throw refusal
  const parts = await openParts(config, log, onFatal)
  const ports: Record<string, number> = {}
  const dialects = dialectsOf(parts, tokens, ports)
  const server = openServer(parts, { tokens, log, dialects, tls })
  let closing: Promise<void> | null = null
  const close = () => {
    closing ??= closeAll(parts, server)
    return closing
  }
  return {
    engine: parts.engine,
    store: parts.store,
    dialects: dialects.map((d) => d.name),
    routes: dialects.flatMap(({ name: dialect, routes }) =>
      routes.map(({ method, path }) => ({ dialect, method, path })),
    ),
    async listen() {
      try {
        const listening = await server.listen()
        Object.assign(ports, listening.ports)
        await parts.engine.start()
        await parts.jobs.start()
        return listening
      } catch (error) {
        await close()
        throw error
      }
    },
    warnings: () => warningsOf(parts),
    close,
  }
}

/** The token is made only where it will be asked for, and not for a server that may not start. */
function refusalOf({ host, behindProxy, tls }: Config, tokens: Tokens): Fault | null {
  const bind = { host, behindProxy, hasTls: tls !== null }
  const refusal = checkBind({ ...bind, hasToken: true })
  if (refusal || !needsCredential(bind)) return refusal
  return checkBind({ ...bind, hasToken: tokens.value() !== '' })
}

interface Tls {
  cert: Buffer
  key: Buffer
}

function readTls({ tls }: Config): Tls | null {
  const read = (file: string, flag: string): Buffer => {
    try {
      return readFileSync(file)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      throw new Fault('invalid', `The file ${file} of ${flag} cannot be read: ${code}.`)
    }
  }
  return tls && { cert: read(tls.certFile, '--tls-cert'), key: read(tls.keyFile, '--tls-key') }
}

interface Front {
  tokens: Tokens
  log: Log
  dialects: Dialect[]
  tls: Tls | null
}

const openServer = ({ config, engine }: Parts, { tokens, log, dialects, tls }: Front): Server =>
  createServer({
    engine,
    log,
    dialects,
    host: config.host,
    port: config.port,
    listens: Object.fromEntries(config.listens.map((l) => [l.dialect, l.port])),
    access: {
      tokens,
      allowedHosts: config.allowedHosts,
      allowedOrigins: config.allowedOrigins,
      limiter: createLimiter({ ratePerMinute: 1_200, burst: 300, now: Date.now }),
    },
    tls,
    behindProxy: config.behindProxy,
    consoleDir: consoleFolder(),
  })

/** Beside the built server, whose files may be one folder further down, or beside the sources. */
function consoleFolder(): string | null {
  const here = import.meta.dirname
  const folders = [join(here, 'web'), join(here, '..', 'dist', 'web'), join(here, '..', 'web')]
  return folders.find((folder) => existsSync(join(folder, 'assets'))) ?? null
}

function dialectsOf(parts: Parts, tokens: Tokens, ports: Record<string, number>): Dialect[] {
  const { config, log, runner, store, caps, jobs, shelf } = parts
  // Only Arkloop has users; whoever comes through another door comes for the local account.
  const engine = viewFor('local', parts.engine)
  const facts = { version: version(), startedAt: Date.now(), now: Date.now }
  const { dataDir: dataFolder, clothoHome, clothoApprovalTimeoutMs: approvalTimeoutMs } = config
  const describe = async () => {
    const { mode, isolated: isIsolated, notice } = await runner.describe()
    return { mode, isIsolated, ...(notice ? { problem: notice } : {}) }
  }
  const isolation = async () => {
    const { mode, isolated } = await runner.describe()
    return { mode, isolated }
  }
  const ids = { newId: uuidv7, now: Date.now }
  const isServerToken = (token: string) => tokens.matches(token)
  const registration = config.registration ?? (needsCredential(config) ? 'invited' : 'open')
  const accounts = openAccounts({ dataFolder, store, isServerToken, registration, ...ids })
  const workspaceFor = (account: string) => workspaceOf(config, account)
  const dialects: Dialect[] = [
    native(engine, facts, houseOf(parts, { tokens, ports, dialects: () => dialects, own: engine })),
    ownware(engine, facts),
    clotho(engine, {
      ...facts,
      ...{ dataFolder, clothoHome, approvalTimeoutMs },
      clock: Date.now,
      sandbox: { describe },
    }),
    arkloop(parts.engine, accounts, {
      ...facts,
      ...ids,
      workspaceFor,
      source: (agent) => parts.authored.source(agent),
      maxConcurrentRuns: config.runsPerAccount,
    }),
    oah(engine, {
      ...facts,
      workspaces: join(dataFolder, 'workspaces'),
      runtimes: join(dataFolder, 'runtimes'),
      ownWorkspace: config.workspace,
      definitions: shelf,
      inputProblem,
    }),
    toolang(engine, {
      ...{ caps, jobs, log, now: Date.now, workspaceFor, isolation },
      root: config.toolangRoot,
    }),
  ]
  return dialects
}

interface Surroundings {
  tokens: Tokens
  ports: Record<string, number>
  dialects(): Dialect[]
  /** The engine as the local account sees it. */
  own: Engine
}

/** What the native API, and with it the console, tells of the rest of the server. */
function houseOf(parts: Parts, { tokens, ports, dialects, own }: Surroundings): House {
  const { config, jobs, caps, authored, runner } = parts
  const { dataDir: dataFolder, workspace } = config
  return {
    ...{ dialects, jobs, caps },
    source: async (agent) => (own.catalog.agent(agent) ? authored.source(agent) : null),
    sandbox: async () => {
      const { mode, isolated, notice } = await runner.describe()
      return { mode, isolated, notice: notice ?? null }
    },
    token: {
      file: tokens.file,
      isNeeded: needsCredential(config),
      value: () => tokens.value(),
    },
    ports: () => ports,
    facts: { dataFolder, workspace },
  }
}

/** Accounts do not see each other's files; the machine's owner has the server's workspace. */
function workspaceOf({ workspace, dataDir }: Config, account: string): string {
  if (account === 'local') return workspace
  const folder = join(dataDir, 'accounts', account, 'workspace')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

async function warningsOf({ runner, catalog, config }: Parts): Promise<string[]> {
  const { notice } = await runner.describe()
  const problems = catalog.problems().map(({ file, problem }) => `${file}: ${problem}`)
  const token = needsCredential(config)
    ? `clients need the token in ${config.dataDir}/gateway-token`
    : null
  return [notice, token, ...problems].filter((text) => text !== null)
}

/** Streams are told first, then steps may settle, then what is held is let go, whatever failed. */
async function closeAll({ engine, jobs, close }: Parts, server: Server): Promise<void> {
  await jobs.close()
  const ends = await Promise.allSettled([server.close(), engine.close()])
  await close()
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}
