/**
 * The files of one workspace, and nothing else of the machine. Paths are relative to the root,
 * absolute inside it, or begin with `/workspace`. Changes of one workspace are made one after another.
 */

import type { Readable } from 'node:stream'
import { type Edit, type Edited, editFile } from './edit.ts'
import type { Entry } from './entry.ts'
import {
  appendFile,
  type Piece,
  readFile,
  streamFile,
  type WriteOptions,
  writeFile,
} from './file.ts'
import { type LineOptions, type Lines, readLines } from './lines.ts'
import { openRoot } from './place.ts'
import {
  type Found,
  type GlobOptions,
  type GrepOptions,
  type Grepped,
  globFiles,
  grepFiles,
} from './search.ts'
import {
  listFolder,
  type MoveOptions,
  makeFolder,
  moveEntry,
  type RemoveOptions,
  removeEntry,
  statEntry,
} from './tree.ts'

/**
 * Every method throws a Fault for what can be expected: `forbidden` (outside, or not allowed),
 * `not_found`, `conflict`, `stale`, `invalid`, `unsupported` (a device, a binary), `too_large`;
 * `details.reason` says more.
 */
export interface Workspace {
  /** Absolute, without symlinks. */
  root: string
  stat(path: string): Promise<Entry>
  list(path: string): Promise<Entry[]>
  read(path: string, options?: { offset?: number; maxBytes?: number }): Promise<Piece>
  lines(path: string, options?: LineOptions): Promise<Lines>
  stream(path: string, options?: { offset?: number }): Promise<{ entry: Entry; body: Readable }>
  write(
    path: string,
    data: string | Uint8Array,
    options?: WriteOptions,
  ): Promise<{ entry: Entry; created: boolean }>
  append(path: string, data: string | Uint8Array): Promise<Entry>
  edit(path: string, edit: Edit): Promise<Edited>
  glob(pattern: string, options?: GlobOptions): Promise<Found>
  grep(pattern: string, options?: GrepOptions): Promise<Grepped>
  mkdir(path: string, options?: { parents?: boolean }): Promise<Entry>
  move(from: string, to: string, options?: MoveOptions): Promise<Entry>
  remove(path: string, options?: RemoveOptions): Promise<Entry>
}

export interface WorkspaceOptions {
  /** Folders of the server that do not exist for the workspace, even if they are inside it. */
  hidden?: readonly string[]
}

/** The folder must exist. Nothing is held open between calls. */
export async function openWorkspace(
  path: string,
  options: WorkspaceOptions = {},
): Promise<Workspace> {
  const root = await openRoot(path, options.hidden ?? [])
  const alone = <T>(change: () => Promise<T>): Promise<T> => inTurn(root.path, change)
  return {
    root: root.path,
    stat: (p) => statEntry(root, p),
    list: (p) => listFolder(root, p),
    read: (p, o) => readFile(root, p, o),
    lines: (p, o = {}) => readLines(root, p, o),
    stream: (p, o) => streamFile(root, p, o),
    glob: (p, o) => globFiles(root, p, o),
    grep: (p, o) => grepFiles(root, p, o),
    write: (p, data, o) => alone(() => writeFile(root, p, data, o)),
    append: (p, data) => alone(() => appendFile(root, p, data)),
    edit: (p, edit) => alone(() => editFile(root, p, edit)),
    mkdir: (p, o) => alone(() => makeFolder(root, p, o)),
    move: (from, to, o) => alone(() => moveEntry(root, from, to, o)),
    remove: (p, o) => alone(() => removeEntry(root, p, o)),
  }
}

// An etag is compared and the file replaced in two steps; no other change of this server comes between.
const turns = new Map<string, Promise<unknown>>()

function inTurn<T>(key: string, change: () => Promise<T>): Promise<T> {
  const before = turns.get(key) ?? Promise.resolve()
  const mine = before.then(change, change)
  const settled = mine.catch(() => {})
  turns.set(key, settled)
  void settled.then(() => {
    if (turns.get(key) === settled) turns.delete(key)
  })
  return mine
}
