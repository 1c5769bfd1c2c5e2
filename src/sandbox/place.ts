/**
 * Finds a path inside a workspace. No symlink, `..`, swap of a folder during the walk or kernel file
 * system leads out: every step opens one name relative to a folder that is already held open.
 */

import { constants, existsSync, type Stats } from 'node:fs'
import { lstat, mkdir, open, readlink, realpath, stat, statfs } from 'node:fs/promises'
import { Fault } from '../kernel/fault.ts'

/** What a workspace's root is called in every API, wherever it is on this machine. */
export const VIRTUAL_ROOT = '/workspace'

export interface Root {
  /** Absolute, without symlinks. */
  path: string
  /** As it was given. */
  given: string
  /** `dev:ino` of folders that do not exist for anybody who uses the workspace. */
  hidden: ReadonlySet<string>
}

/** A folder that is held: `at(name)` names an entry of exactly this folder, however it is moved. */
export interface Dir {
  self: string
  at(name: string): string
  /** Relative to the root; '' is the root. */
  path: string
  stats: Stats
  close(): Promise<void>
}

/** Where a path leads. `name` is null when it is the held folder itself. */
export interface Place {
  dir: Dir
  name: string | null
  /** Relative to the root, without symlinks; '' is the root. */
  path: string
  /** Null when nothing is there. Never a symlink when links were followed. */
  stats: Stats | null
}

// Linux can name an entry relative to an open folder through /proc; elsewhere the walk is by path and
// what it found is compared once more at its end.
const HOLDS = process.platform === 'linux' && existsSync('/proc/self/fd')
const O_PATH = 0o10000000
const HOLD = constants.O_DIRECTORY | constants.O_NOFOLLOW | (HOLDS ? O_PATH : constants.O_RDONLY)

const MAX_LINKS = 40
const MAX_PATH_BYTES = 4096

/** proc, sysfs, devpts, cgroup, cgroup2, debugfs, tracefs, securityfs, bpf, configfs, mqueue, pstore, nsfs, fuse control. */
const KERNEL_FILE_SYSTEMS = new Set([
  0x9fa0, 0x62656572, 0x1cd1, 0x27e0eb, 0x63677270, 0x64626720, 0x74726163, 0x73636673, 0xcafe4a11,
  0x62656570, 0x19800202, 0x6165676c, 0x6e736673, 0x65735543,
])

export const outside = (path: string): Fault =>
  new Fault('forbidden', `${shown(path)} is outside the workspace.`, { reason: 'outside' })

export const missing = (path: string): Fault =>
  new Fault('not_found', `${shown(path)} does not exist.`, { reason: 'missing' })

export const special = (path: string): Fault =>
  new Fault('unsupported', `${shown(path)} is neither a file nor a folder.`, { reason: 'special' })

export const shown = (path: string): string =>
  path === ''
    ? '.'
    : JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}...` : path).slice(1, -1)

export const idOf = (stats: Stats): string => `${stats.dev}:${stats.ino}`

/** Makes sure the folder can be a workspace. Fault `not_found` or `invalid`. */
export async function openRoot(given: string, hidden: readonly string[]): Promise<Root> {
  if (!given.startsWith('/') || given.includes('\0'))
    throw new Fault('invalid', 'A workspace must be an absolute path.')
  const path = await realpath(given).catch(() => {
    throw new Fault('not_found', `The workspace folder ${given} does not exist. Create it first.`)
  })
  if (path === '/') throw new Fault('invalid', 'The whole file system cannot be a workspace.')
  const stats = await stat(path)
  if (!stats.isDirectory()) throw new Fault('invalid', `The workspace ${given} is not a folder.`)
  await refuseKernelFiles(path, given)
  const ids = await Promise.all(hidden.map((folder) => stat(folder).then(idOf, () => null)))
  const others = ids.filter((id) => id !== null && id !== idOf(stats)) as string[]
  return {
    path,
    given: given.length > 1 ? given.replace(/\/+$/, '') : given,
    hidden: new Set(others),
  }
}

export interface Search {
  /** Follow a symlink at the end of the path; default true. */
  follow?: boolean
  /** Make folders that are missing on the way. */
  make?: boolean
}

/** Finds the path, hands it to `use`, and lets go of everything that was held. */
export async function withPlace<T>(
  root: Root,
  path: string,
  search: Search,
  use: (place: Place) => Promise<T>,
): Promise<T> {
  const held: Dir[] = []
  try {
    const place = await walk(root, path, search, held)
    await verify(root, place.dir, path)
    return await use(place)
  } catch (error) {
    throw toFault(error, path)
  } finally {
    await Promise.all(held.map((dir) => dir.close()))
  }
}

async function walk(root: Root, path: string, search: Search, held: Dir[]): Promise<Place> {
  held.push(await hold(root.path, ''))
  const todo = names(root, path)
  let links = 0
  for (;;) {
    const dir = held.at(-1) as Dir
    const name = todo.shift()
    if (name === undefined) return { dir, name: null, path: dir.path, stats: dir.stats }
    if (name === '..') {
      if (held.length === 1) throw outside(path)
      await held.pop()?.close()
      continue
    }
    const stats = await lstatOrNull(dir.at(name))
    if (stats && root.hidden.has(idOf(stats))) throw missing(path)
    const isLast = todo.length === 0
    if (stats?.isSymbolicLink() && (!isLast || search.follow !== false)) {
      if (++links > MAX_LINKS) throw new Fault('invalid', `${shown(path)} has too many links.`)
      const target = await readlink(dir.at(name))
      if (target.startsWith('/')) for (const d of held.splice(1)) await d.close()
      todo.unshift(...names(root, target))
      continue
    }
    if (isLast) return { dir, name, path: join(dir.path, name), stats }
    if (!stats && !search.make) throw missing(path)
    if (!stats) await mkdir(dir.at(name)).catch(unlessExists)
    else if (!stats.isDirectory()) throw notFolder(join(dir.path, name))
    held.push(await holdChild(root, dir, name))
  }
}

/** The names on the way, from the root on. */
function names(root: Root, path: string): string[] {
  if (path.includes('\0')) throw new Fault('invalid', 'A path cannot contain a NUL character.')
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw new Fault('invalid', 'The path is too long.')
  return relative(root, path)
    .split('/')
    .filter((name) => name !== '' && name !== '.')
}

function relative(root: Root, path: string): string {
  if (!path.startsWith('/')) return path
  const clean = path.replace(/\/+/g, '/')
  for (const base of [root.path, root.given, VIRTUAL_ROOT])
    if (clean === base || clean.startsWith(`${base}/`)) return clean.slice(base.length)
  throw outside(path)
}

async function hold(real: string, path: string): Promise<Dir> {
  const handle = await open(real, HOLD)
  try {
    const stats = await handle.stat()
    const self = HOLDS ? `/proc/self/fd/${handle.fd}` : real
    return { self, at: (name) => `${self}/${name}`, path, stats, close: () => handle.close() }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Opens a folder of a held folder; a symlink in its place is refused, not followed. */
export async function holdChild(root: Root, parent: Dir, name: string): Promise<Dir> {
  const dir = await hold(parent.at(name), join(parent.path, name))
  try {
    if (root.hidden.has(idOf(dir.stats))) throw missing(dir.path)
    if (dir.stats.dev !== parent.stats.dev) await refuseKernelFiles(dir.self, dir.path)
    return dir
  } catch (error) {
    await dir.close()
    throw error
  }
}

async function refuseKernelFiles(real: string, path: string): Promise<void> {
  const { type } = await statfs(real)
  if (KERNEL_FILE_SYSTEMS.has(type)) throw special(path)
}

/** A folder that was moved out of the root while it was held is not part of the workspace any more. */
async function verify(root: Root, dir: Dir, path: string): Promise<void> {
  const real = HOLDS ? await readlink(dir.self) : await realpath(dir.self)
  if (real !== root.path && !real.startsWith(`${root.path}/`)) throw outside(path)
  if (!HOLDS && real !== dir.self) throw outside(path)
}

async function lstatOrNull(path: string): Promise<Stats | null> {
  try {
    return await lstat(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

export const join = (folder: string, name: string): string =>
  folder === '' ? name : `${folder}/${name}`

export const codeOf = (error: unknown): string | undefined =>
  (error as NodeJS.ErrnoException | null)?.code

function unlessExists(error: unknown): void {
  if (codeOf(error) !== 'EEXIST') throw error
}

const notFolder = (path: string): Fault =>
  new Fault('conflict', `${shown(path)} is not a folder.`, { reason: 'not_directory' })

/** What the system said, in the words of the workspace. The real path is never told. */
export function toFault(error: unknown, path: string): unknown {
  switch (codeOf(error)) {
    case 'ENOENT':
      return missing(path)
    case 'ELOOP':
      return outside(path)
    case 'ENOTDIR':
      return notFolder(path)
    case 'EISDIR':
      return new Fault('conflict', `${shown(path)} is a folder.`, { reason: 'directory' })
    case 'EEXIST':
      return new Fault('conflict', `${shown(path)} exists already.`, { reason: 'exists' })
    case 'ENOTEMPTY':
      return new Fault('conflict', `The folder ${shown(path)} is not empty.`, {
        reason: 'not_empty',
      })
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new Fault('forbidden', `The server may not do that with ${shown(path)}.`, {
        reason: 'denied',
      })
    case 'ENAMETOOLONG':
      return new Fault('invalid', 'A name in the path is too long.', { reason: 'name_too_long' })
    case 'ENXIO':
      return special(path)
    case 'EINVAL':
      return new Fault('invalid', `That cannot be done with ${shown(path)}.`)
    case 'EXDEV':
      return new Fault('unsupported', `${shown(path)} is on another file system.`)
    case 'ENOSPC':
    case 'EDQUOT':
      return new Fault('unavailable', 'The disk is full. Free some space and try again.')
    case 'EFBIG':
      return new Fault('too_large', `${shown(path)} would become too large.`)
    default:
      return error
  }
}
