/**
 * The capabilities of one folder: what is authored in files there, and what is wired from elsewhere.
 * Never rejects: what cannot be read is a capability with a problem, and harms no other.
 */

import { basename, dirname, join } from 'node:path'
import { CAP_KINDS, CAP_NAME, type Cap, type CapKind, type Visibility } from '../kernel/caps.ts'
import { readCapText } from './cap-text.ts'
import { readWired, WIRED_FILE, type Wired, wiredText } from './cap-wired.ts'
import { Folder, isWithin, type Stamp, stampOf } from './folder.ts'
import type { Secret } from './tool-server.ts'

/** A folder of capabilities: the shared one, or one agent's. */
export interface Scope {
  visibility: Visibility
  /** Null for the shared one. */
  agent: string | null
  /** Absolute. */
  path: string
  /** Relative to the folder that holds everything; '' for that folder itself. */
  at: string
}

export interface ScopeReading {
  caps: Cap[]
  seen: string[]
  stamp: Stamp
  readAt: number
}

export interface ReadOptions {
  secret: Secret
  /** Where wired local paths may lead. */
  localRoot: string
}

/** A change so near to the reading may not show in the times of the files. */
const UNSURE_MS = 2_000

/** The earlier reading if nothing has changed since, otherwise a new one. */
export async function readScope(
  scope: Scope,
  earlier: ScopeReading | undefined,
  options: ReadOptions,
): Promise<ScopeReading> {
  if (earlier && earlier.stamp.newest < earlier.readAt - UNSURE_MS) {
    const stamp = await stampOf(earlier.seen)
    if (stamp.text === earlier.stamp.text) return earlier
  }
  const readAt = Date.now()
  const folder = new Folder(scope.path)
  const caps: Cap[] = []
  for (const kind of CAP_KINDS) caps.push(...(await filed(scope, folder, kind, options)))
  const wired = await readWired(folder)
  const local = new Folder(options.localRoot)
  for (const one of wired) caps.push(await wiredCap(scope, folder, one, { ...options, local }))
  const seen = [...folder.seen, ...local.seen]
  return { caps, seen, stamp: await stampOf(seen), readAt }
}

export const capPath = (kind: CapKind, name: string): string =>
  kind === 'skill' ? join('skills', name, 'SKILL.md') : join(`${kind}s`, `${name}.md`)

async function filed(
  scope: Scope,
  folder: Folder,
  kind: CapKind,
  { secret }: ReadOptions,
): Promise<Cap[]> {
  const entries = await folder.list(`${kind}s`)
  if ('problem' in entries) return []
  const names = kind === 'skill' ? entries : entries.filter((e) => e.endsWith('.md'))
  const caps: Cap[] = []
  for (const entry of names) {
    const name = kind === 'skill' ? entry : entry.slice(0, -'.md'.length)
    if (!CAP_NAME.test(name)) continue
    const cap = await fileCap(scope, folder, { kind, name }, secret)
    if (cap) caps.push(cap)
  }
  return caps
}

async function fileCap(
  scope: Scope,
  folder: Folder,
  { kind, name }: { kind: CapKind; name: string },
  secret: Secret,
): Promise<Cap | null> {
  const path = capPath(kind, name)
  const text = await folder.text(path)
  if (text === null) return null
  const base = {
    ...{ kind, name, visibility: scope.visibility },
    ...{ form: 'file' as const, ref: null },
    definedIn: join(scope.at, path).replaceAll('\\', '/'),
    file: join(scope.path, path),
    files: kind === 'skill' ? await filesOf(folder, join('skills', name), '') : null,
  }
  if (typeof text !== 'string')
    return { ...base, about: null, content: '', body: '', server: null, problem: text.problem }
  return { ...base, content: text, ...(await readCapText(kind, name, text, secret)) }
}

const MOST_FILES = 200

async function filesOf(folder: Folder, dir: string, below: string, depth = 0): Promise<string[]> {
  const names = await folder.list(join(dir, below))
  if ('problem' in names) return []
  const files: string[] = []
  for (const name of names) {
    if (files.length >= MOST_FILES) break
    const path = join(below, name)
    const inside = depth < 4 ? await folder.list(join(dir, path)) : []
    if (!('problem' in inside) && inside.length > 0)
      files.push(...(await filesOf(folder, dir, path, depth + 1)))
    else files.push(path.replaceAll('\\', '/'))
  }
  return files.sort()
}

/** Only a skill in a folder of its own has files. */
const filesBeside = async (folder: Folder, file: string): Promise<string[]> =>
  /^skill\.md$/i.test(basename(file)) ? filesOf(folder, dirname(file), '') : [basename(file)]

async function wiredCap(
  scope: Scope,
  folder: Folder,
  wired: Wired,
  { secret, local }: ReadOptions & { local: Folder },
): Promise<Cap> {
  const { kind, name, ref } = wired
  const base = {
    ...{ kind, name, visibility: scope.visibility, form: 'wired' as const, ref },
    definedIn: join(scope.at, WIRED_FILE).replaceAll('\\', '/'),
  }
  const found = await wiredText(folder, local, wired)
  if ('problem' in found) {
    const { problem } = found
    const nothing = { files: kind === 'skill' ? [] : null, file: null, server: null }
    return { ...base, about: null, content: '', body: '', ...nothing, problem }
  }
  const { text, file } = found
  const from = isWithin(folder.path, file) ? folder : local
  const files = kind === 'skill' ? await filesBeside(from, file) : null
  return { ...base, files, content: text, file, ...(await readCapText(kind, name, text, secret)) }
}
