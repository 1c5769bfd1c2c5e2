/**
 * Agents of workspaces beside those of the server. An agent `build` of the workspace `ws_1` is `ws_1.build`
 * everywhere inside, so that no two workspaces ever mean the same agent.
 */

import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Json } from '../kernel/part.ts'
import type { Catalog, Models } from '../kernel/ports.ts'
import { type Stamp, stampOf } from './folder.ts'
import { FolderWatch } from './folder-watch.ts'
import { type Definition, readWorkspace, type WorkspaceReading } from './workspace-definition.ts'
import { isFields } from './workspace-yaml.ts'
import { parseYaml } from './yaml.ts'

export interface WorkspaceCatalogOptions {
  /** The server's own. */
  catalog: Catalog
  /** Where workspaces are, a folder each. */
  folder: string
  /** The id of the workspace in that folder. */
  idOf(root: string): string
  models: Pick<Models, 'define' | 'undefine'>
  pollMs?: { watched: number; unwatched: number }
}

export interface WorkspaceCatalog extends Catalog {
  /** What the files say now. */
  of(workspace: { id: string; root: string }): Promise<Definition>
  addToolServers(root: string, servers: Record<string, Record<string, Json>>): Promise<void>
  forget(id: string): void
}

interface Known extends WorkspaceReading {
  root: string
  stamp: Stamp
  readAt: number
}

const POLL_MS = { watched: 5000, unwatched: 1000 }
/** A change so near to the reading may not show in the times of the files. */
const UNSURE_MS = 2000

/** Reads every workspace that declares something, so that runs can go on with its agents at once. */
export async function openWorkspaceCatalog(
  options: WorkspaceCatalogOptions,
): Promise<WorkspaceCatalog> {
  const { catalog, folder, idOf, models } = options
  const known = new Map<string, Known>()
  const reading = new Map<string, Promise<Known>>()
  const listeners = new Set<() => void>()
  let isClosed = false

  const watch = new FolderWatch(() => {
    refresh().catch((error: Error) => process.emitWarning(error))
  }, options.pollMs ?? POLL_MS)

  const follow = (): void => {
    const all = [...known.values()]
    const folders = new Map(all.flatMap((k) => [...k.stamp.folders]))
    watch.follow(folders, all.every(isSettled))
  }

  const read = async (id: string, root: string): Promise<Known> => {
    const earlier = known.get(id)
    if (earlier && earlier.root === root && isSettled(earlier)) {
      const stamp = await stampOf(earlier.seen)
      if (stamp.text === earlier.stamp.text) return earlier
    }
    const readAt = Date.now()
    const found = await readWorkspace(id, root)
    const now: Known = { ...found, root, readAt, stamp: await stampOf(found.seen) }
    for (const { name } of earlier?.endpoints ?? []) models.undefine(name)
    for (const endpoint of now.endpoints) models.define(endpoint)
    if (isClosed) return now
    known.set(id, now)
    follow()
    if (earlier && revisionsOf(earlier) !== revisionsOf(now)) for (const tell of listeners) tell()
    return now
  }

  /** One reading of a workspace at a time. */
  const load = (id: string, root: string): Promise<Known> => {
    const before = reading.get(id) ?? Promise.resolve()
    const mine = before.then(
      () => read(id, root),
      () => read(id, root),
    )
    reading.set(id, mine)
    const clear = (): void => {
      if (reading.get(id) === mine) reading.delete(id)
    }
    mine.then(clear, clear)
    return mine
  }

  const refresh = async (): Promise<void> => {
    await Promise.all([...known].map(([id, { root }]) => load(id, root)))
  }

  for (const root of await declaring(folder)) await load(idOf(root), root)

  return {
    agents: () => catalog.agents(),
    agent: (name) => {
      const dot = name.indexOf('.')
      const own = dot < 0 ? undefined : known.get(name.slice(0, dot))
      if (!own) return catalog.agent(name)
      const { agents, actionAgents } = own.definition
      const all = [...agents.map((a) => a.agent), actionAgents.any, actionAgents.safe]
      return all.find((agent) => agent.name === name) ?? catalog.agent(name)
    },
    problems: () => [
      ...catalog.problems(),
      ...[...known.values()].flatMap((k) => k.definition.problems),
    ],
    onChange: (listener) => {
      const own = (): void => listener()
      listeners.add(own)
      const stop = catalog.onChange(listener)
      return () => {
        listeners.delete(own)
        stop()
      }
    },
    write: (name, files) => catalog.write(name, files),
    remove: (name) => catalog.remove(name),
    async close() {
      isClosed = true
      watch.close()
      listeners.clear()
      await Promise.allSettled(reading.values())
      await catalog.close()
    },
    of: async ({ id, root }) => (await load(id, root)).definition,
    addToolServers,
    forget: (id) => {
      for (const { name } of known.get(id)?.endpoints ?? []) models.undefine(name)
      known.delete(id)
      follow()
    },
  }
}

const isSettled = ({ stamp, readAt }: Known): boolean => stamp.newest < readAt - UNSURE_MS

const revisionsOf = ({ definition }: Known): string =>
  definition.agents.map(({ agent }) => `${agent.name} ${agent.revision}`).join('\n')

/** Folders with declarations of their own. */
async function declaring(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const roots = entries
    .filter((e) => e.isDirectory() && !e.name.startsWith('.'))
    .map((e) => join(folder, e.name))
  const has = await Promise.all(
    roots.map((root) => stat(join(root, '.openharness')).catch(() => null)),
  )
  return roots.filter((_, i) => has[i]?.isDirectory())
}

/** Later servers of the same name win; what cannot be read is replaced. */
async function addToolServers(
  root: string,
  servers: Record<string, Record<string, Json>>,
): Promise<void> {
  const folder = join(root, '.openharness/tools')
  const file = join(folder, 'settings.yaml')
  await mkdir(folder, { recursive: true })
  const text = await readFile(file, 'utf8').catch(() => '')
  const parsed = await parseYaml(text)
  const before = 'value' in parsed && isFields(parsed.value) ? parsed.value : {}
  const { stringify } = await import('yaml')
  const draft = `${file}.${process.pid}.tmp`
  await writeFile(draft, stringify({ ...before, ...servers }))
  await rename(draft, file)
}
