/**
 * The workspaces there are: those that were made or imported here, folders that somebody put into
 * their place, and the folders that threads of any dialect work in. An id and a folder always belong
 * together, whatever is restarted: one can be computed from the other, or both are in a document.
 */

import { randomBytes } from 'node:crypto'
import { readdir, rm, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { Json } from '../../kernel/part.ts'
import type { Engine, Principal } from '../../kernel/ports.ts'
import type { OahSettings } from './context.ts'
import { noWorkspace, refusal } from './faults.ts'
import { existing, idOfFolder, isMade, notAllowed, place, within } from './folder.ts'
import { WORKSPACE_ID } from './id.ts'

export interface WorkspaceRecord {
  id: string
  root: string
  account: string
  name: string
  runtime?: string
  externalRef?: string
  ownerId?: string
  serviceName?: string
  executionPolicy: string
  createdAt: number
  updatedAt: number
  /** It was deleted; the folder stays where it was because this server has not made it. */
  isGone?: boolean
}

export interface Labels {
  name?: string
  externalRef?: string
  ownerId?: string
  serviceName?: string
  executionPolicy?: string
}

export interface Shelf {
  get(who: Principal, id: string): Promise<WorkspaceRecord>
  list(who: Principal): Promise<WorkspaceRecord[]>
  /** Whose a folder is. */
  idOf(root: string): string
  /** A new folder, filled by `fill` before anybody can see it. */
  make(
    who: Principal,
    labels: Labels & { name: string; runtime: string; id?: string; rootPath?: string },
    fill: (root: string) => Promise<void>,
  ): Promise<WorkspaceRecord>
  adopt(who: Principal, rootPath: string, labels: Labels): Promise<WorkspaceRecord>
  /** False when there is none. */
  remove(who: Principal, id: string): Promise<boolean>
}

const KIND = 'oah.workspace'

type Needs = { store: Engine['store']; settings: OahSettings }

export function createShelf({ store, settings }: Needs): Shelf {
  const home = resolve(settings.workspaces)
  const idOf = (root: string): string => idOfFolder(home, resolve(root))

  const stored = async (id: string): Promise<WorkspaceRecord | null> =>
    (await store.get(KIND, id)) as unknown as WorkspaceRecord | null

  const save = async (record: WorkspaceRecord): Promise<WorkspaceRecord> => {
    await store.put({ kind: KIND, key: record.id, body: record as unknown as Json })
    return record
  }

  /** A folder without a document: its own facts say what there is to say. */
  const found = async (root: string): Promise<WorkspaceRecord | null> => {
    const stats = await stat(root).catch(() => null)
    if (!stats?.isDirectory()) return null
    return {
      id: idOf(root),
      root,
      account: '',
      name: basename(root),
      executionPolicy: 'local',
      createdAt: Math.floor(stats.birthtimeMs || stats.mtimeMs),
      updatedAt: Math.floor(stats.mtimeMs),
    }
  }

  const folders = async (): Promise<string[]> => {
    const entries = await readdir(home, { withFileTypes: true }).catch(() => [])
    return entries
      .filter((e) => e.isDirectory() && !e.name.startsWith('.'))
      .map((e) => join(home, e.name))
  }

  const undocumented = async (id: string): Promise<WorkspaceRecord | null> => {
    for (const root of [settings.ownWorkspace, ...(await folders())])
      if (idOf(root) === id) return found(resolve(root))
    return null
  }

  const mayKnow = (who: Principal, record: WorkspaceRecord): boolean =>
    !record.isGone && (record.account === '' || record.account === who.account)

  const find = async (who: Principal, id: string): Promise<WorkspaceRecord | null> => {
    if (!WORKSPACE_ID.test(id)) return null
    const record = (await stored(id)) ?? (await undocumented(id))
    return record && mayKnow(who, record) ? record : null
  }

  const get = async (who: Principal, id: string): Promise<WorkspaceRecord> => {
    const record = await find(who, id)
    if (!record) throw noWorkspace(id)
    return record
  }

  return {
    get,
    idOf,
    async list(who) {
      const documents = (await store.list(KIND)).map((d) => d.body as unknown as WorkspaceRecord)
      const all = new Map(documents.map((r) => [r.id, r]))
      for (const root of [resolve(settings.ownWorkspace), ...(await folders())]) {
        const record = all.has(idOf(root)) ? null : await found(root)
        if (record) all.set(record.id, record)
      }
      return [...all.values()]
        .filter((r) => mayKnow(who, r))
        .sort((a, b) => b.updatedAt - a.updatedAt || (a.id < b.id ? 1 : -1))
    },
    async make(who, { id: wanted, rootPath, ...labels }, fill) {
      const id = wanted ?? `ws_${randomBytes(16).toString('hex')}`
      const root = rootPath === undefined ? join(home, id) : await within(home, rootPath)
      await place(home, root, fill)
      const now = settings.now()
      const given = rootPath === undefined ? id : idOf(root)
      return save({
        ...labels,
        id: given,
        root,
        account: who.account,
        executionPolicy: labels.executionPolicy ?? 'local',
        createdAt: now,
        updatedAt: now,
      })
    },
    async adopt(who, rootPath, labels) {
      const root = await existing(home, rootPath)
      const id = idOf(root)
      const before = (await stored(id)) ?? (await found(root))
      if (before?.account && before.account !== who.account) throw notAllowed(rootPath)
      const now = settings.now()
      const { isGone: _, ...kept } = before ?? {
        name: basename(root),
        executionPolicy: 'local',
        createdAt: now,
      }
      return save({
        ...kept,
        ...labels,
        id,
        root,
        account: who.account,
        updatedAt: now,
      })
    },
    async remove(who, id) {
      const record = await find(who, id)
      if (!record) return false
      if (record.root === resolve(settings.ownWorkspace))
        throw refusal(
          'forbidden',
          'workspace_read_only',
          "This is the server's own workspace; it stays.",
        )
      if (await isMade(home, record)) {
        await rm(record.root, { recursive: true, force: true })
        await store.drop(KIND, id)
      } else await save({ ...record, account: record.account || who.account, isGone: true })
      return true
    },
  }
}
