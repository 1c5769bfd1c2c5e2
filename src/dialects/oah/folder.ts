/** Folders of workspaces: their ids, where they may be, and how one comes to be whole or not at all. */

import { createHash, randomBytes } from 'node:crypto'
import { lstat, mkdir, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, join, resolve, sep } from 'node:path'
import { refusal } from './faults.ts'

/** Folders directly in `home` with an id for a name have that id; all others one made of their path. */
export function idOfFolder(home: string, root: string): string {
  const name = basename(root)
  if (join(home, name) === root && /^ws_[0-9a-f]{32}$/.test(name)) return name
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 64)
  const hash = createHash('sha256').update(root).digest('hex').slice(0, 10)
  return `project_${slug || 'workspace'}_${hash}`
}

export const notAllowed = (path: string) =>
  refusal(
    'forbidden',
    'workspace_path_not_allowed',
    `rootPath "${path}" resolves outside the allowed directory. Workspaces must be in the server's workspace folder.`,
  )

const isInside = (home: string, path: string): boolean => path.startsWith(home + sep)

/** A path of a folder that is to be made. */
export async function within(home: string, path: string): Promise<string> {
  const root = resolve(path)
  if (
    !isInside(home, root) ||
    join(home, basename(root)) !== root ||
    basename(root).startsWith('.')
  )
    throw notAllowed(path)
  if (await lstat(root).catch(() => null))
    throw refusal('conflict', 'workspace_entry_exists', `The folder ${path} exists already.`)
  return root
}

/** A folder that is there, where no link leads out. */
export async function existing(home: string, path: string): Promise<string> {
  const real = await realpath(resolve(path)).catch(() => null)
  const base = await realpath(home).catch(() => home)
  if (real === null || !isInside(base, real)) throw notAllowed(path)
  const root = join(home, basename(real))
  const isChild = join(base, basename(real)) === real && !basename(real).startsWith('.')
  if (!isChild || !(await stat(root)).isDirectory()) throw notAllowed(path)
  return root
}

/** Filled under another name and then moved, so that a crash leaves no half workspace. */
export async function place(
  home: string,
  root: string,
  fill: (root: string) => Promise<void>,
): Promise<void> {
  const draft = join(home, `.draft-${randomBytes(9).toString('hex')}`)
  await mkdir(draft, { recursive: true, mode: 0o700 })
  try {
    await fill(draft)
    await rename(draft, root)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
}

/** A folder that this server made, directly in its place and no link. */
export async function isMade(
  home: string,
  { id, root }: { id: string; root: string },
): Promise<boolean> {
  if (root !== join(home, id)) return false
  const stats = await lstat(root).catch(() => null)
  return stats === null || stats.isDirectory()
}
