/** The engine with its real parts on a folder of its own, without a server around it. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { uuidv7 } from 'uuidv7'
import { openBox } from '../../src/access/index.ts'
import { type EditableCatalog, openCatalog } from '../../src/catalog/index.ts'
import {
  createEngine,
  DEFAULT_SETTINGS,
  type EngineLog,
  type EngineSettings,
  type RunningEngine,
} from '../../src/engine/index.ts'
import type { Event } from '../../src/kernel/event.ts'
import type { HookForm } from '../../src/kernel/hook.ts'
import type {
  Catalog,
  Models,
  NewThread,
  Receipt,
  Request,
  Store,
  Toolbox,
} from '../../src/kernel/ports.ts'
import { openEndpoints } from '../../src/models/endpoints.ts'
import { createModels } from '../../src/models/index.ts'
import { createRunner, openWorkspace } from '../../src/sandbox/index.ts'
import { openSqliteStore } from '../../src/store/index.ts'
import { createHookPost } from '../../src/tools/hook-post.ts'
import { createToolbox } from '../../src/tools/index.ts'

export const ORIGIN = { dialect: 'test', principal: 'local' }

export interface WorldOptions {
  folder?: string
  settings?: Partial<EngineSettings>
  agents?: Record<string, Record<string, unknown>>
  /** Stands between the engine and its store. */
  wrap?(store: Store): Store
  wrapModels?(models: Models): Models
  wrapToolbox?(toolbox: Toolbox): Toolbox
  wrapCatalog?(catalog: Catalog, models: Models): Promise<Catalog>
  open?(folder: string): Promise<Store>
  clock?(): number
  log?: EngineLog
  hookForms?: Record<string, HookForm>
}

export interface World {
  folder: string
  files: string
  store: Store
  /** An agent's files as they are written. */
  source: EditableCatalog['source']
  engine: RunningEngine
  begin(script: unknown, options?: Partial<NewThread>): Promise<Receipt>
  submit(thread: string, request: Request): Promise<Receipt>
  /** All events, once one of them satisfies `is`. */
  until(thread: string, is: (event: Event) => boolean): Promise<Event[]>
  ended(thread: string, run?: string | null): Promise<Event[]>
  /** Ends the engine and the store; with `erase` the folder too. */
  close(erase?: boolean): Promise<void>
}

export const scriptInput = (script: unknown) => [
  { kind: 'text' as const, text: `script ${JSON.stringify(script)}` },
]

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'manifold-world-'))
  const files = join(folder, 'workspace')
  mkdirSync(files, { recursive: true })
  writeAgents(join(folder, 'agents'), options.agents ?? {})
  const opened = await (options.open ?? ((f) => openSqliteStore({ folder: f })))(folder)
  const store = options.wrap?.(opened) ?? opened
  const own = createModels({
    providers: {},
    defaultModel: 'scripted:test',
    ollamaUrl: 'http://127.0.0.1:9',
  })
  const models = options.wrapModels?.(own) ?? own
  const agents = await openCatalog({ folders: [], writable: join(folder, 'agents') })
  const catalog = (await options.wrapCatalog?.(agents, models)) ?? agents
  const sandbox = { runner: createRunner(), openWorkspace }
  const tools = createToolbox(sandbox)
  const toolbox = options.wrapToolbox?.(tools) ?? tools
  const endpoints = await openEndpoints({ store, models, box: openBox(folder) })
  const engine = createEngine({
    ...{ store, models, toolbox, catalog, endpoints, sandbox },
    ...(options.hookForms ? { hookForms: options.hookForms } : {}),
    postHook: createHookPost({ allowPrivateFetch: true }),
    clock: options.clock ?? Date.now,
    newId: uuidv7,
    log: options.log ?? {
      warn: (fields, text) => console.warn(text, fields),
      error: (fields, text) => console.error(text, fields),
    },
    settings: {
      ...DEFAULT_SETTINGS,
      worker: uuidv7(),
      workspace: files,
      retryMs: 1,
      ...options.settings,
    },
  })
  await engine.start()
  const until: World['until'] = (thread, is) => follow(engine, thread, is)
  return {
    ...{ folder, files, store, engine, until },
    source: (name) => agents.source(name),
    begin: (script, thread = {}) =>
      engine.begin(
        { agent: 'assistant', account: 'local', origin: ORIGIN, ...thread },
        { do: 'submit', input: scriptInput(script), busy: 'queue', origin: ORIGIN },
      ),
    submit: (thread, request) => engine.submit(thread, request),
    ended: (thread, run) => until(thread, (e) => e.type === 'run.ended' && (!run || e.run === run)),
    async close(erase = true) {
      await engine.close()
      await Promise.all([toolbox.close(), catalog.close()])
      await store.close()
      if (erase) rmSync(folder, { recursive: true, force: true })
    },
  }
}

function writeAgents(folder: string, agents: Record<string, Record<string, unknown>>): void {
  for (const [name, config] of Object.entries(agents)) {
    mkdirSync(join(folder, name), { recursive: true })
    writeFileSync(join(folder, name, 'agent.json'), JSON.stringify({ name, ...config }))
  }
}

function follow(
  engine: RunningEngine,
  thread: string,
  is: (event: Event) => boolean,
): Promise<Event[]> {
  return new Promise((resolve, reject) => {
    const seen: Event[] = []
    const reader = engine.follow({
      thread,
      after: 0,
      tell(events) {
        for (const event of events) {
          seen.push(event)
          if (!is(event)) continue
          reader.close()
          resolve(seen)
          return
        }
      },
      ended: (reason) => reject(new Error(`the reader ended: ${reason}`)),
    })
  })
}

export const typesOf = (events: Event[]): string[] => events.map((e) => e.type)

export const textOf = (events: Event[]): string =>
  events.map((e) => (e.type === 'text.delta' ? e.data.text : '')).join('')
