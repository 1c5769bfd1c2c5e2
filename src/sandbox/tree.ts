/** Folders of a workspace: listing, making, moving and removing, with every step inside what is held. */

import { lstat, mkdir, readdir, readlink, rename, rmdir, unlink } from 'node:fs/promises'
import { Fault } from '../kernel/fault.ts'
import type { Entry } from '../kernel/workspace.ts'
import { toEntry } from './entry.ts'
import { matches } from './file.ts'
import {
  type Dir,
  holdChild,
  idOf,
  join,
  missing,
  type Place,
  type Root,
  shown,
  withPlace,
} from './place.ts'

export const statEntry = (root: Root, path: string): Promise<Entry> =>
  withPlace(root, path, {}, async ({ path: found, stats }) => {
    if (!stats) throw missing(path)
    return toEntry(found, stats)
  })

/** Direct children in the order of their names. Links are shown as links. */
export const listFolder = (root: Root, path: string): Promise<Entry[]> =>
  inFolder(root, path, async (dir) => {
    const entries: Entry[] = []
    for (const name of (await readdir(dir.self)).sort()) {
      const stats = await lstat(dir.at(name)).catch(() => null)
      if (!stats || root.hidden.has(idOf(stats))) continue
      const entry = toEntry(join(dir.path, name), stats)
      if (entry.kind === 'link') entry.target = await readlink(dir.at(name)).catch(() => '')
      entries.push(entry)
    }
    return entries
  })

/** Holds the folder that a path names while `use` works in it. */
export const inFolder = <T>(root: Root, path: string, use: (dir: Dir) => Promise<T>): Promise<T> =>
  withPlace(root, path, {}, async (place) => {
    if (place.name === null) return use(place.dir)
    if (!place.stats) throw missing(path)
    if (!place.stats.isDirectory())
      throw new Fault('conflict', `${shown(path)} is not a folder.`, { reason: 'not_directory' })
    const dir = await holdChild(root, place.dir, place.name)
    try {
      return await use(dir)
    } finally {
      await dir.close()
    }
  })

/** Does nothing when the folder exists. `parents` is true by default. */
export const makeFolder = (
  root: Root,
  path: string,
  options: { parents?: boolean } = {},
): Promise<Entry> =>
  withPlace(root, path, { make: options.parents !== false }, async (place) => {
    if (place.stats?.isDirectory()) return toEntry(place.path, place.stats)
    if (place.stats || place.name === null)
      throw new Fault('conflict', `${shown(path)} exists and is not a folder.`, {
        reason: 'exists',
      })
    await mkdir(place.dir.at(place.name))
    return toEntry(place.path, await lstat(place.dir.at(place.name)))
  })

export interface MoveOptions {
  /** Default false: Fault `conflict` (`exists`) when something is at the target. */
  overwrite?: boolean
}

/** Moves a file, a link or a folder. Parents of the target are made. */
export const moveEntry = (
  root: Root,
  from: string,
  to: string,
  options: MoveOptions = {},
): Promise<Entry> =>
  withPlace(root, from, { follow: false }, (source) => {
    const name = ownName(source, from)
    if (!source.stats) throw missing(from)
    return withPlace(root, to, { follow: false, make: true }, async (target) => {
      const newName = ownName(target, to)
      if (target.stats && !options.overwrite)
        throw new Fault('conflict', `${shown(to)} exists already.`, { reason: 'exists' })
      await rename(source.dir.at(name), target.dir.at(newName))
      return toEntry(target.path, await lstat(target.dir.at(newName)))
    })
  })

export interface RemoveOptions {
  /** Default false: Fault `conflict` (`not_empty`) when a folder has anything in it. */
  recursive?: boolean
  ifMatch?: string
}

/** Removes a file, a link (never what it points to) or a folder. Returns what it was. */
export const removeEntry = (
  root: Root,
  path: string,
  options: RemoveOptions = {},
): Promise<Entry> =>
  withPlace(root, path, { follow: false }, async (place) => {
    const name = ownName(place, path)
    if (!place.stats) throw missing(path)
    matches(place.stats, place, options.ifMatch)
    if (!place.stats.isDirectory()) await unlink(place.dir.at(name))
    else if (options.recursive) await removeTree(root, place.dir, name)
    else await rmdir(place.dir.at(name))
    return toEntry(place.path, place.stats)
  })

async function removeTree(root: Root, parent: Dir, name: string): Promise<void> {
  const dir = await holdChild(root, parent, name)
  try {
    for (const child of await readdir(dir.self)) {
      const stats = await lstat(dir.at(child)).catch(() => null)
      if (stats?.isDirectory()) await removeTree(root, dir, child)
      else if (stats) await unlink(dir.at(child))
    }
  } finally {
    await dir.close()
  }
  await rmdir(parent.at(name))
}

function ownName(place: Place, path: string): string {
  if (place.name !== null) return place.name
  if (place.path === '')
    throw new Fault('invalid', 'The workspace itself cannot be moved or removed.', {
      reason: 'root',
    })
  throw new Fault('invalid', `${shown(path)} does not end in a name.`)
}
