/**
 * Reading and writing one file of a workspace. A write replaces the file whole or not at all; only
 * regular files are ever opened.
 */

import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import {
  type FileHandle,
  writeFile as fill,
  link,
  lstat,
  open,
  rename,
  unlink,
} from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { Fault } from '../kernel/fault.ts'
import type { Entry, WriteOptions } from '../kernel/workspace.ts'
import { toEntry } from './entry.ts'
import { missing, type Place, type Root, shown, special, withPlace } from './place.ts'

/** As the kernel's, with the bytes as Node has them. */
export interface Piece {
  entry: Entry
  bytes: Buffer
  truncated: boolean
}

export const DEFAULT_READ_BYTES = 10 * 1024 * 1024

export interface ReadOptions {
  offset?: number
  maxBytes?: number
}

export const readFile = (root: Root, path: string, options: ReadOptions = {}): Promise<Piece> =>
  withPlace(root, path, {}, (place) => readPlace(place, options))

/** Reads what the walk has found. */
export async function readPlace(place: Place, options: ReadOptions): Promise<Piece> {
  const { handle, stats } = await openFile(place, constants.O_RDONLY)
  try {
    const offset = options.offset ?? 0
    const wanted = Math.max(
      0,
      Math.min(options.maxBytes ?? DEFAULT_READ_BYTES, stats.size - offset),
    )
    const bytes = await readFully(handle, offset, wanted)
    const truncated = offset + bytes.length < stats.size
    return { entry: toEntry(place.path, stats), bytes, truncated }
  } finally {
    await handle.close()
  }
}

/** The file as a stream. Whoever opens it reads it to its end or destroys it. */
export const streamFile = (
  root: Root,
  path: string,
  options: { offset?: number } = {},
): Promise<{ entry: Entry; body: Readable }> =>
  withPlace(root, path, {}, async (place) => {
    const { handle, stats } = await openFile(place, constants.O_RDONLY)
    const body = handle.createReadStream({ start: options.offset ?? 0 })
    return { entry: toEntry(place.path, stats), body }
  })

export const writeFile = (
  root: Root,
  path: string,
  data: string | Uint8Array,
  options: WriteOptions = {},
): Promise<{ entry: Entry; created: boolean }> =>
  withPlace(root, path, { make: true }, async (place) => {
    const before = writable(place, path)
    matches(before, place, options.ifMatch)
    if (before && options.overwrite === false) throw exists(path)
    const { stats } = await replace(place, data, { ...options, mode: before?.mode, owner: before })
    return { entry: toEntry(place.path, stats), created: before === null }
  })

/** As `writeFile`, with data that takes its time: only the last step, `settle`, keeps others waiting. */
export const writeStream = (
  root: Root,
  path: string,
  data: AsyncIterable<Uint8Array>,
  options: WriteOptions & { settle<T>(step: () => Promise<T>): Promise<T> },
): Promise<{ entry: Entry; created: boolean }> =>
  withPlace(root, path, { make: true }, async (place) => {
    const before = writable(place, path)
    matches(before, place, options.ifMatch)
    if (before && options.overwrite === false) throw exists(path)
    const look = async (): Promise<Stats | null> => {
      const now = await lstat(place.dir.at(place.name as string)).catch(() => null)
      writable({ ...place, stats: now }, path)
      matches(now, place, options.ifMatch)
      return now
    }
    const replacement = { ...options, mode: before?.mode, owner: before, look }
    const { stats, replaced } = await replace(place, data, replacement)
    return { entry: toEntry(place.path, stats), created: replaced === null }
  })

export const appendFile = (root: Root, path: string, data: string | Uint8Array): Promise<Entry> =>
  withPlace(root, path, { make: true }, async (place) => {
    writable(place, path)
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT
    const { handle } = await openFile(place, flags)
    try {
      await handle.appendFile(data)
      await handle.datasync()
      return toEntry(place.path, await handle.stat())
    } finally {
      await handle.close()
    }
  })

/** Fault `stale` when the thing at the place is not the one that was seen. */
export function matches(stats: Stats | null, place: Place, etag: string | undefined): void {
  if (etag === undefined || etag === '*') {
    if (etag === '*' && !stats) throw missing(place.path)
    return
  }
  if (stats && toEntry(place.path, stats).etag === etag) return
  throw new Fault('stale', `${shown(place.path)} has changed since it was read. Read it again.`)
}

const exists = (path: string): Fault =>
  new Fault('conflict', `${shown(path)} exists already.`, { reason: 'exists' })

function writable(place: Place, path: string): Stats | null {
  if (place.name === null || place.stats?.isDirectory())
    throw new Fault('conflict', `${shown(path)} is a folder.`, { reason: 'directory' })
  if (place.stats && !place.stats.isFile()) throw special(path)
  return place.stats
}

/** A fifo must not hang the open, a symlink put there meanwhile must not be followed. */
async function openFile(
  place: Place,
  flags: number,
): Promise<{ handle: FileHandle; stats: Stats }> {
  const { name, stats: seen } = place
  if (name === null || seen?.isDirectory())
    throw new Fault('conflict', `${shown(place.path)} is a folder.`, { reason: 'directory' })
  if (!seen && !(flags & constants.O_CREAT)) throw missing(place.path)
  if (seen && !seen.isFile()) throw special(place.path)
  const guard = constants.O_NOFOLLOW | constants.O_NONBLOCK
  const handle = await open(place.dir.at(name), flags | guard, 0o666)
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw special(place.path)
    return { handle, stats }
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function readFully(handle: FileHandle, offset: number, wanted: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(wanted)
  let filled = 0
  while (filled < wanted) {
    const { bytesRead } = await handle.read(bytes, filled, wanted - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

interface Replacement extends WriteOptions {
  mode: number | undefined
  owner: Stats | null
  /** Looks again at what is to be replaced; `settle` keeps other changes out meanwhile. */
  look?(): Promise<Stats | null>
  settle?<T>(step: () => Promise<T>): Promise<T>
}

async function replace(
  place: Place,
  data: string | Uint8Array | AsyncIterable<Uint8Array>,
  options: Replacement,
): Promise<{ stats: Stats; replaced: Stats | null }> {
  const target = place.dir.at(place.name as string)
  const draft = place.dir.at(`.${randomBytes(9).toString('hex')}.tmp`)
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const handle = await open(draft, flags, 0o666)
  const settle = options.settle ?? ((step) => step())
  try {
    await fill(handle, data)
    if (options.owner) await handle.chown(options.owner.uid, options.owner.gid).catch(() => {})
    if (options.mode !== undefined) await handle.chmod(options.mode & 0o7777)
    if (options.mtimeMs !== undefined)
      await handle.utimes(options.mtimeMs / 1000, options.mtimeMs / 1000)
    await handle.datasync()
    const replaced = await settle(async () => {
      const now = (await options.look?.()) ?? null
      // Only a link refuses to replace what appeared since the walk.
      if (options.overwrite === false) await link(draft, target)
      else await rename(draft, target)
      return now
    })
    return { stats: await handle.stat(), replaced }
  } finally {
    await handle.close()
    await unlink(draft).catch(() => {})
  }
}
