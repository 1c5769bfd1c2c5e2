/** A server that speaks Toolang on a folder of its own, with capabilities and jobs. For the scenarios. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { uuidv7 } from 'uuidv7'
import { openBox } from '../../src/access/index.ts'
import { composeCatalog } from '../../src/catalog/cap-agent.ts'
import { type CapOptions, openCaps } from '../../src/catalog/cap-library.ts'
import { openCatalog } from '../../src/catalog/index.ts'
import { native } from '../../src/dialects/native/index.ts'
import { ownware } from '../../src/dialects/ownware/index.ts'
import { toolang } from '../../src/dialects/toolang/index.ts'
import { createEngine, DEFAULT_SETTINGS } from '../../src/engine/index.ts'
import { createJobs } from '../../src/jobs/index.ts'
import type { Caps } from '../../src/kernel/caps.ts'
import { openEndpoints } from '../../src/models/endpoints.ts'
import { createModels } from '../../src/models/index.ts'
import { createRunner, openWorkspace } from '../../src/sandbox/index.ts'
import { createServer } from '../../src/server/server.ts'
import { openSqliteStore } from '../../src/store/index.ts'
import { createToolbox } from '../../src/tools/index.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }

export interface AgentOptions {
  folder?: string
  /** What the server believes of its sandbox. */
  isolated?: boolean
  clock?(): number
  caps?: Partial<CapOptions>
  /** A Toolang root to announce the agent in. */
  root?: string
  /** Without it jobs wait for `look`. */
  runsJobs?: boolean
  /** Every error the server logs. */
  onError?(fields: unknown, text: string): void
}

export type Agent = Awaited<ReturnType<typeof openAgent>>

export async function openAgent(options: AgentOptions = {}) {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'manifold-toolang-'))
  const data = join(folder, 'data')
  const workspace = join(folder, 'workspace')
  mkdirSync(workspace, { recursive: true })
  const clock = options.clock ?? Date.now
  const log = { ...silent, error: options.onError ?? silent.error }
  const store = await openSqliteStore({ folder: data })
  const models = createModels({
    providers: {},
    ollamaUrl: 'http://127.0.0.1:9',
    defaultModel: 'scripted:x',
  })
  const runner = createRunner({ mode: 'plain' })
  const toolbox = createToolbox({ runner, openWorkspace, allowPrivateFetch: false })
  const caps: Caps = await openCaps({ root: data, localRoot: workspace, ...options.caps })
  const plain = await openCatalog({ folders: [], writable: join(data, 'agents') })
  const catalog = composeCatalog(plain, caps)
  const endpoints = await openEndpoints({ store, models, box: openBox(data) })
  const engine = createEngine({
    ...{ store, models, toolbox, catalog, endpoints, log, clock },
    sandbox: { runner, openWorkspace },
    newId: uuidv7,
    settings: { ...DEFAULT_SETTINGS, worker: uuidv7(), workspace, retryMs: 1, drainMs: 200 },
  } as never)
  const jobs = createJobs({ engine, clock, timeZone: 'UTC', log, pollMs: 200 })
  const isolated = options.isolated ?? true
  const dialect = toolang(engine, {
    ...{ caps, jobs, log, now: clock, workspaceFor: () => workspace },
    root: options.root ?? null,
    isolation: async () => ({ mode: isolated ? 'bubblewrap' : 'plain', isolated }),
  })
  const facts = { version: '9.9.9', startedAt: Date.now(), now: Date.now }
  const server = createServer({
    engine,
    dialects: [native(engine, facts), ownware(engine, facts), dialect],
    host: '127.0.0.1',
    port: 0,
    listens: { toolang: 0 },
    access: { tokens: { matches: () => false } },
    log,
    graceMs: 200,
  })
  const { url, ports } = await server.listen()
  await engine.start()
  if (options.runsJobs !== false) await jobs.start()
  const own = url.replace(/:\d+$/, `:${ports.toolang}`)
  return {
    ...{ folder, data, workspace, url, own, engine, jobs, caps, catalog, store },
    ask: <T = Fields>(method: string, path: string, body?: unknown, headers: object = {}) =>
      ask<T>(own, method, path, { body, headers }),
    async close(erase = true) {
      const told = server.close()
      await jobs.close()
      await engine.close()
      await told
      await Promise.all([toolbox.close(), catalog.close()])
      await store.close()
      if (erase) rmSync(folder, { recursive: true, force: true })
    },
  }
}

// biome-ignore lint/suspicious/noExplicitAny: answers are read as a client reads them.
export type Fields = Record<string, any>

export interface Answer<T = Fields> {
  status: number
  headers: Headers
  body: T
}

export async function ask<T = Fields>(
  base: string,
  method: string,
  path: string,
  { body, headers = {} }: { body?: unknown; headers?: object } = {},
): Promise<Answer<T>> {
  const response = await fetch(base + path, {
    method,
    redirect: 'manual',
    headers: { 'content-type': 'application/json', ...headers } as Record<string, string>,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') && text !== ''
  return {
    status: response.status,
    headers: response.headers,
    body: (isJson ? JSON.parse(text) : text) as T,
  }
}

export const says = (text: string) => ({ message: { parts: [{ type: 'text', text }] } })

/** A message that the scripted model reads as its answers, a list of acts a turn. */
export const script = (...turns: unknown[][]) => says(`script ${JSON.stringify(turns)}`)

/** Asks again until the answer is as wanted; the test's own time limit ends it. */
export async function until<T>(look: () => Promise<T>, is: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await look()
    if (is(value)) return value
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
