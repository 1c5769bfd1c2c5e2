/**
 * Writes agents' folders so that a reader, or a crash, sees the old or the new and nothing between.
 * What is written may hold secrets and is readable by its owner only.
 */

import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const unfinished = (root: string, what: 'new' | 'removed'): string =>
  join(root, `.${what}-${randomBytes(6).toString('hex')}`)

/** Makes the folder with these files. Rejects with EEXIST or ENOTEMPTY when it is there already. */
export async function createFolder(path: string, files: Record<string, string>): Promise<void> {
  const root = dirname(path)
  await mkdir(root, { recursive: true, mode: 0o700 })
  const draft = unfinished(root, 'new')
  try {
    await mkdir(draft, { mode: 0o700 })
    for (const [name, text] of Object.entries(files)) await writeSynced(join(draft, name), text)
    await syncFolder(draft)
    await rename(draft, path)
    await syncFolder(root)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
}

export async function replaceFile(path: string, text: string): Promise<void> {
  const draft = unfinished(dirname(path), 'new')
  try {
    await writeSynced(draft, text)
    await rename(draft, path)
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

/** Gone at once under its name; a link goes, and not what it leads to. */
export async function removeFolder(path: string): Promise<void> {
  const doomed = unfinished(dirname(path), 'removed')
  await rename(path, doomed)
  await syncFolder(dirname(path))
  await rm(doomed, { recursive: true, force: true })
}

/** Clears what a crash has left behind. Younger leftovers may be another process's work. */
export async function clearUnfinished(root: string, olderThanMs = 60_000): Promise<void> {
  const names = await readdir(root).catch(() => [])
  for (const name of names.filter((n) => /^\.(new|removed)-[0-9a-f]{12}$/.test(n))) {
    const facts = await stat(join(root, name)).catch(() => null)
    if (facts && Date.now() - facts.ctimeMs >= olderThanMs)
      await rm(join(root, name), { recursive: true, force: true })
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => null)
  if (!folder) return
  try {
    await folder.sync()
  } catch {
    // Some systems cannot sync a folder; the rename is then as durable as they make it.
  } finally {
    await folder.close()
  }
}
