/**
 * The only reader of environment and flags. Everything is parsed once into one typed record, with
 * the flag before the variable and the variable before the default; no other file may ask again.
 */

import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { Fault } from '../kernel/fault.ts'
import {
  address,
  choice,
  count,
  type Env,
  listen,
  modelName,
  ollamaUrl,
  origin,
  port,
  positiveSeconds,
  postgresUrl,
  provider,
  readVariable,
  seconds,
  webUrl,
} from './setting.ts'

export interface ProviderSettings {
  apiKey: string | null
  /** Without a trailing slash; null: the provider's own. */
  baseUrl: string | null
}

export const PROVIDERS = ['anthropic', 'openai', 'google', 'openrouter'] as const
export type Provider = (typeof PROVIDERS)[number]

export const REGISTRATIONS = ['open', 'invited'] as const
export type Registration = (typeof REGISTRATIONS)[number]

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** What a server is told to be. Paths are absolute, times in milliseconds. */
export interface Config {
  port: number
  host: string
  /** Ports that speak one dialect only; each dialect at most once. */
  listens: { dialect: string; port: number }[]
  dataDir: string
  /** Folders of agents beside the data folder's own. */
  agentDirs: string[]
  workspace: string
  /** Model of agents that name none; null: the best that is usable. */
  defaultModel: string | null
  providers: Record<Provider, ProviderSettings>
  /** Further servers that speak OpenAI's chat completions, by provider name. */
  compatible: Record<string, { apiKey: string | null; baseUrl: string }>
  ollamaUrl: string
  /** Folder of the scripts that `scripted:NAME` follows. */
  fixtures: string | null
  /** Tokens a second of the offline models; 0: at once. */
  demoRate: number
  scriptedRate: number
  /** Null: SQLite in the data folder. */
  databaseUrl: string | null
  sandbox: 'auto' | 'bubblewrap' | 'plain'
  allowPrivateFetch: boolean
  tls: { certFile: string; keyFile: string } | null
  behindProxy: boolean
  allowedHosts: string[]
  allowedOrigins: string[]
  drainMs: number
  leaseMs: number
  /** How many runs of an account may go on at once; null: any number. */
  runsPerAccount: number | null
  /** Who may make an account; null: anybody where only this machine can ask, else the invited. */
  registration: Registration | null
  clothoHome: string
  /** How long Clotho's clients may take to answer an ask. */
  clothoApprovalTimeoutMs: number
  /** Where Toolang's own command line looks for agents; null: it is not told of this one. */
  toolangRoot: string | null
  /** What `${env:NAME}` stands for in agents' files. */
  secret(name: string): string | null
  log: LogSettings
}

export interface LogSettings {
  level: LogLevel
  format: 'json' | 'pretty'
  colour: boolean
}

/** What a command that talks to a running server is told. */
export interface ClientConfig {
  url: string
  token: string | null
  /** Where input and output are a person's terminal. */
  isTerminal: boolean
  colour: boolean
  columns: number
}

/** The script, the words after its name and the environment, as the process was given them. */
export const processInput = (): { script: string | null; argv: string[]; env: Env } => ({
  script: process.argv[1] ?? null,
  argv: process.argv.slice(2),
  env: process.env,
})

/** Adds to a command every flag that `readConfig` reads. */
export function addServerFlags(command: Command): Command {
  const collect = <T>(parse: (text: string) => T) => {
    return (text: string, sofar: T[] = []): T[] => [...sofar, parse(text)]
  }
  return command
    .option('-p, --port <number>', 'port; 0 lets the system choose (MANIFOLD_PORT, 3011)', port)
    .option('--host <address>', 'address to listen on (MANIFOLD_HOST, 127.0.0.1)', address)
    .option('--data-dir <folder>', 'where everything is kept (MANIFOLD_HOME, ~/.manifold)')
    .option('--agents <folder>', 'further folder of agents; repeatable', collect(String))
    .option('--listen <dialect=port>', 'a port for one dialect; repeatable', collect(listen))
    .option('--workspace <folder>', 'files the agents work on (<data>/workspace)')
    .option(
      '--model <provider:model>',
      'model of agents that name none (MANIFOLD_DEFAULT_MODEL)',
      modelName,
    )
    .option(
      '--provider <name=url>',
      'a server that speaks OpenAI chat completions; its key is NAME_API_KEY; repeatable',
      collect(provider),
    )
    .addOption(
      new Option('--sandbox <kind>', 'how commands are run (auto)').choices([
        'auto',
        'bubblewrap',
        'plain',
      ]),
    )
    .option('--allow-private-fetch', 'let web_fetch and hooks reach loopback and private addresses')
    .option('--tls-cert <file>', 'certificate in PEM form; goes with --tls-key')
    .option('--tls-key <file>', 'private key in PEM form; goes with --tls-cert')
    .option('--behind-proxy', 'a proxy in front ends TLS and is trusted')
    .option('--allow-host <name>', 'Host header to accept; repeatable', collect(String))
    .option('--allow-origin <origin>', 'web origin to accept; repeatable', collect(origin))
    .option('--drain-timeout <seconds>', 'longest wait for steps at a stop (10)', seconds)
    .option('--lease <seconds>', 'how long a silent process keeps its threads (10)', seconds)
    .option(
      '--runs-per-account <number>',
      'runs of an account at once (MANIFOLD_RUNS_PER_ACCOUNT, 0: any number)',
      count,
    )
    .addOption(
      new Option(
        '--registration <who>',
        'who may make an account (MANIFOLD_REGISTRATION, open on loopback, else invited)',
      ).choices(REGISTRATIONS),
    )
    .option('--toolang-root <folder>', 'a Toolang root, whose command line is to find the agent')
    .option('--demo-rate <tokens>', 'tokens a second of demo:* (MANIFOLD_DEMO_RATE, 60)', count)
    .option(
      '--scripted-rate <tokens>',
      'tokens a second of scripted:* (MANIFOLD_SCRIPTED_RATE, 0: at once)',
      count,
    )
    .option('--fixtures <folder>', 'scripts that scripted:NAME follows')
    .addOption(
      new Option('--log-level <level>', 'least that is logged (MANIFOLD_LOG_LEVEL, info)').choices(
        LOG_LEVELS,
      ),
    )
    .option('--log-json', 'log JSON lines also on a terminal')
}

/** Adds the flags that `readClientConfig` reads. */
export const addClientFlags = (command: Command): Command =>
  command
    .option('--url <address>', 'the server (MANIFOLD_URL, http://127.0.0.1:3011)', webUrl)
    .option('--token <token>', 'its token, when it wants one (MANIFOLD_TOKEN)')

/** Flags as commander hands them over, parsed already. */
export interface ServerFlags {
  port?: number
  host?: string
  dataDir?: string
  agents?: string[]
  listen?: { dialect: string; port: number }[]
  workspace?: string
  model?: string
  provider?: { name: string; url: string }[]
  fixtures?: string
  sandbox?: Config['sandbox']
  allowPrivateFetch?: boolean
  tlsCert?: string
  tlsKey?: string
  behindProxy?: boolean
  allowHost?: string[]
  allowOrigin?: string[]
  drainTimeout?: number
  lease?: number
  runsPerAccount?: number
  registration?: Registration
  toolangRoot?: string
  demoRate?: number
  scriptedRate?: number
  logLevel?: LogLevel
  logJson?: boolean
}

export function readConfig(flags: ServerFlags, env: Env): Config {
  const variable = readVariable(env)
  const dataDir = folder(flags.dataDir ?? variable('MANIFOLD_HOME', String) ?? '~/.manifold')
  const host = flags.host ?? variable('MANIFOLD_HOST', address) ?? '127.0.0.1'
  const mainPort = flags.port ?? variable('MANIFOLD_PORT', port) ?? 3011
  return {
    port: mainPort,
    host,
    listens: checked(flags.listen ?? [], mainPort),
    dataDir,
    agentDirs: (flags.agents ?? []).map(folder),
    workspace: flags.workspace ? folder(flags.workspace) : join(dataDir, 'workspace'),
    defaultModel: flags.model ?? variable('MANIFOLD_DEFAULT_MODEL', modelName) ?? null,
    providers: readProviders(env),
    compatible: readCompatible(flags.provider ?? [], env),
    fixtures: flags.fixtures ? folder(flags.fixtures) : null,
    ollamaUrl: variable('OLLAMA_HOST', ollamaUrl) ?? 'http://127.0.0.1:11434',
    demoRate: flags.demoRate ?? variable('MANIFOLD_DEMO_RATE', count) ?? 60,
    scriptedRate: flags.scriptedRate ?? variable('MANIFOLD_SCRIPTED_RATE', count) ?? 0,
    databaseUrl: variable('DATABASE_URL', postgresUrl) ?? null,
    sandbox: flags.sandbox ?? 'auto',
    allowPrivateFetch: flags.allowPrivateFetch ?? false,
    tls: readTls(flags),
    behindProxy: flags.behindProxy ?? false,
    allowedHosts: flags.allowHost ?? [],
    allowedOrigins: flags.allowOrigin ?? [],
    drainMs: (flags.drainTimeout ?? 10) * 1000,
    leaseMs: readLease(flags),
    runsPerAccount: (flags.runsPerAccount ?? variable('MANIFOLD_RUNS_PER_ACCOUNT', count)) || null,
    registration:
      flags.registration ?? variable('MANIFOLD_REGISTRATION', choice(REGISTRATIONS)) ?? null,
    toolangRoot: flags.toolangRoot ? folder(flags.toolangRoot) : null,
    clothoHome: folder(variable('CLOTHO_HOME', String) ?? '~/.clotho'),
    clothoApprovalTimeoutMs: (variable('CLOTHO_APPROVAL_TIMEOUT', positiveSeconds) ?? 300) * 1000,
    secret: (name) => variable(name, String) ?? null,
    log: readLogSettings(flags, env),
  }
}

function readProviders(env: Env): Record<Provider, ProviderSettings> {
  const variable = readVariable(env)
  const settings = (keys: string[], baseUrl: string): ProviderSettings => ({
    apiKey: keys.map((name) => variable(name, String)).find((key) => key !== undefined) ?? null,
    baseUrl: variable(baseUrl, webUrl) ?? null,
  })
  return {
    anthropic: settings(['ANTHROPIC_API_KEY'], 'ANTHROPIC_BASE_URL'),
    openai: settings(['OPENAI_API_KEY'], 'OPENAI_BASE_URL'),
    google: settings(
      ['GOOGLE_GENERATIVE_AI_API_KEY', 'GEMINI_API_KEY', 'GOOGLE_API_KEY'],
      'GOOGLE_BASE_URL',
    ),
    openrouter: settings(['OPENROUTER_API_KEY'], 'OPENROUTER_BASE_URL'),
  }
}

function readCompatible(
  servers: readonly { name: string; url: string }[],
  env: Env,
): Config['compatible'] {
  const variable = readVariable(env)
  return Object.fromEntries(
    servers.map(({ name, url }) => {
      const key = `${name.toUpperCase().replaceAll('-', '_')}_API_KEY`
      return [name, { apiKey: variable(key, String) ?? null, baseUrl: url }]
    }),
  )
}

function readLogSettings(flags: ServerFlags, env: Env): LogSettings {
  const variable = readVariable(env)
  const isTerminal = process.stderr.isTTY === true
  return {
    level: flags.logLevel ?? variable('MANIFOLD_LOG_LEVEL', choice(LOG_LEVELS)) ?? 'info',
    format: flags.logJson || !isTerminal ? 'json' : 'pretty',
    colour: isTerminal && wantsColour(env),
  }
}

export function readClientConfig(
  flags: { url?: string; token?: string },
  env: Env,
  streams: { input: { isTTY?: boolean }; output: { isTTY?: boolean; columns?: number } } = {
    input: process.stdin,
    output: process.stdout,
  },
): ClientConfig {
  const variable = readVariable(env)
  const isTerminal = streams.input.isTTY === true && streams.output.isTTY === true
  return {
    url: flags.url ?? variable('MANIFOLD_URL', webUrl) ?? 'http://127.0.0.1:3011',
    token: flags.token ?? variable('MANIFOLD_TOKEN', String) ?? null,
    isTerminal,
    colour: streams.output.isTTY === true && wantsColour(env),
    // Some terminals say 0 when they do not know; a pipe has none, and nothing need be cut for it.
    columns: streams.output.columns || (streams.output.isTTY ? 80 : 200),
  }
}

/** https://no-color.org: the variable counts when it is there and not empty. */
const wantsColour = (env: Env): boolean => !env.NO_COLOR && env.TERM !== 'dumb'

function readTls(flags: ServerFlags): Config['tls'] {
  const { tlsCert, tlsKey } = flags
  if (tlsCert && tlsKey) return { certFile: folder(tlsCert), keyFile: folder(tlsKey) }
  if (tlsCert) throw new Fault('invalid', '--tls-cert needs --tls-key with the private key.')
  if (tlsKey) throw new Fault('invalid', '--tls-key needs --tls-cert with the certificate.')
  return null
}

function readLease(flags: ServerFlags): number {
  const lease = flags.lease ?? 10
  if (lease < 1) throw new Fault('invalid', '--lease must be at least 1 second.')
  return lease * 1000
}

function checked(listens: Config['listens'], mainPort: number): Config['listens'] {
  const names = new Set<string>()
  const ports = new Set([mainPort])
  for (const { dialect, port: own } of listens) {
    if (names.has(dialect))
      throw new Fault('invalid', `--listen names ${dialect} twice; a dialect has one own port.`)
    if (own !== 0 && ports.has(own))
      throw new Fault('invalid', `Two listeners want port ${own}; give each --listen its own.`)
    names.add(dialect)
    ports.add(own)
  }
  return listens
}

/** An absolute path; `~` is the home folder also where no shell has replaced it. */
function folder(path: string): string {
  if (path === '~' || path.startsWith('~/')) return join(homedir(), path.slice(1))
  return resolve(path)
}
