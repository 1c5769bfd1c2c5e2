/**
 * How a server is put together: its parts, then the dialects on top of them, then the sockets. What
 * is opened is closed again, also when a later part refuses to be opened.
 */

import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openAccounts } from './access/accounts/index.ts'
import {
  checkBind,
  createLimiter,
  needsCredential,
  openTokens,
  type Tokens,
  viewFor,
} from './access/index.ts'
import type { Config } from './cli/config.ts'
import type { Log } from './cli/log.ts'
import { version } from './cli/version.ts'
import { arkloop } from './dialects/arkloop/index.ts'
import { clotho } from './dialects/clotho/index.ts'
import { type House, native } from './dialects/native/index.ts'
import { oah } from './dialects/oah/index.ts'
import { ownware } from './dialects/ownware/index.ts'
import { toolang } from './dialects/toolang/index.ts'
import type { RunningEngine } from './engine/index.ts'
import { Fault } from './kernel/fault.ts'
import type { Engine, Store } from './kernel/ports.ts'
import { openParts, orClosed, type Parts } from './parts.ts'
import { createServer, type Listening, type Server } from './server/server.ts'
import { inputProblem } from './tools/action-input.ts'
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
  const { dialects, server } = await orClosed(parts.close, () => {
    const dialects = dialectsOf(parts, tokens, ports)
    return { dialects, server: openServer(parts, { tokens, log, dialects, tls }) }
  })
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
    listen: () =>
      orClosed(close, async () => {
        const listening = await server.listen()
        Object.assign(ports, listening.ports)
        await parts.engine.start()
        await parts.jobs.start()
        return listening
      }),
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
  const { config, log, runner, store, caps, jobs, shelf, newId } = parts
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
  const ids = { newId, now: Date.now }
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

/**
 * Nothing new is begun, then streams are told, then steps may settle, then what is held is let go,
 * whatever failed.
 */
async function closeAll({ engine, jobs, close }: Parts, server: Server): Promise<void> {
  const [begun] = await Promise.allSettled([jobs.close()])
  const ends = await Promise.allSettled([server.close(), engine.close()])
  await close()
  for (const end of [begun, ...ends]) if (end.status === 'rejected') throw end.reason
}
