/**
 * The files of one workspace, and nothing else of the machine. Paths are relative to the root,
 * absolute inside it, or begin with `/workspace`. Changes of one workspace are made one after another.
 */

import type { Workspace } from '../kernel/workspace.ts'
import { editFile } from './edit.ts'
import { appendFile, readFile, streamFile, writeFile, writeStream } from './file.ts'
import { readLines } from './lines.ts'
import { openRoot } from './place.ts'
import { globFiles, grepFiles } from './search.ts'
import { listFolder, makeFolder, moveEntry, removeEntry, statEntry } from './tree.ts'

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
    write: (p, data, o) =>
      typeof data === 'string' || data instanceof Uint8Array
        ? alone(() => writeFile(root, p, data, o))
        : writeStream(root, p, data, { ...o, settle: alone }),
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
