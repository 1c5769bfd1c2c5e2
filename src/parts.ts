/**
 * What a server is made of, without the way it is spoken to: models, agents, tools, store, engine
 * and jobs. What is opened here is closed again when a later part refuses to be opened.
 */

import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { uuidv7 } from 'uuidv7'
import { openBox } from './access/index.ts'
import { composeCatalog } from './catalog/cap-agent.ts'
import { openCaps } from './catalog/cap-library.ts'
import { type EditableCatalog, openCatalog } from './catalog/index.ts'
import { openWorkspaceCatalog, type WorkspaceCatalog } from './catalog/workspace-catalog.ts'
import { HOOK_FORM, REWRITING_HOOK_FORM } from './catalog/workspace-hook.ts'
import type { Config } from './cli/config.ts'
import type { Log } from './cli/log.ts'
import { hookForm, idOfFolder } from './dialects/oah/index.ts'
import { createEngine, DEFAULT_SETTINGS, type RunningEngine } from './engine/index.ts'
import { createJobs, type JobRunner } from './jobs/index.ts'
import type { Caps } from './kernel/caps.ts'
import { Fault, isFault } from './kernel/fault.ts'
import type { HookForm } from './kernel/hook.ts'
import type { Catalog, Models, Store, Toolbox } from './kernel/ports.ts'
import type { Runner } from './kernel/workspace.ts'
import { openEndpoints } from './models/endpoints.ts'
import { createModels } from './models/index.ts'
import { createRunner, openWorkspace } from './sandbox/index.ts'
import { openPostgresStore, openSqliteStore } from './store/index.ts'
import { createHookPost } from './tools/hook-post.ts'
import { createToolbox } from './tools/index.ts'

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
export interface Parts extends Workshop {
  config: Config
  log: Log
  store: Store
  engine: RunningEngine
  jobs: JobRunner
  newId(): string
}

export async function openWorkshop(config: Config): Promise<Workshop> {
  makeFolder(config.dataDir, 'data folder', '--data-dir or MANIFOLD_HOME')
  makeFolder(config.workspace, 'workspace', '--workspace')
  for (const folder of config.agentDirs) checkFolder(folder)
  const models = createModels(config)
  for (const [name, { apiKey, baseUrl }] of Object.entries(config.compatible))
    models.define({ name, kind: 'openai', baseUrl, apiKey, models: {} })
  const runner = createRunner({ mode: config.sandbox, hidden: [config.dataDir] })
  const { allowPrivateFetch } = config
  const hidden = [config.dataDir]
  const toolbox = createToolbox({
    runner,
    openWorkspace: (root) => openWorkspace(root, { hidden }),
    allowPrivateFetch,
  })
  const secret = (name: string) => config.secret(name)
  const open: { close(): Promise<void> }[] = [toolbox]
  const closeOpen = async () => void (await Promise.allSettled(open.map((part) => part.close())))
  return orClosed(closeOpen, async () => {
    const caps = await openCaps({ root: config.dataDir, localRoot: config.workspace, secret })
    open.push(caps)
    const authored = await openCatalog({
      folders: [join(config.dataDir, 'agents'), ...config.agentDirs],
      writable: join(config.dataDir, 'agents'),
      secret,
    })
    open.push(authored)
    const folder = join(config.dataDir, 'workspaces')
    const shelf = await openWorkspaceCatalog({
      catalog: composeCatalog(authored, caps),
      ...{ models, folder },
      idOf: (root) => idOfFolder(folder, root),
    })
    const close = async () => void (await Promise.all([toolbox.close(), shelf.close()]))
    return { models, catalog: shelf, authored, shelf, caps, toolbox, runner, close }
  })
}

/** What `make` gives; when it refuses, what was opened for it is closed first. */
export async function orClosed<T>(
  close: () => Promise<void>,
  make: () => T | Promise<T>,
): Promise<T> {
  try {
    return await make()
  } catch (error) {
    await close()
    throw error
  }
}

export async function openStore(
  { databaseUrl: url, dataDir: folder }: Config,
  log: Log,
  onFatal: (e: Error) => void,
): Promise<Store> {
  if (!url) return openSqliteStore({ folder, onFatal })
  const onProblem = (err: Error): void => log.warn({ err }, 'other processes are not heard')
  return openPostgresStore({ url, onFatal, onProblem }).catch((error: Error) => {
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

export async function openParts(
  config: Config,
  log: Log,
  onFatal: (e: Error) => void,
): Promise<Parts> {
  // The thread that writes starts while the catalog is read.
  const opening = [openWorkshop(config), openStore(config, log, onFatal)] as const
  const [workshop, store] = await orClosed(
    async () => {
      const opened = await Promise.allSettled(opening)
      await Promise.allSettled(opened.map((o) => o.status === 'fulfilled' && o.value.close()))
    },
    () => Promise.all(opening),
  )
  const close = async () => {
    try {
      await workshop.close()
    } finally {
      await store.close()
    }
  }
  return orClosed(close, async () => {
    const engine = await openEngine(workshop, store)
    const jobs = createJobs({ engine, clock: Date.now, timeZone: 'UTC', log })
    return { ...workshop, config, log, store, close, engine, jobs, newId: uuidv7 }
  })

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
