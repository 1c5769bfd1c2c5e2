/** Runtimes: templates that a new workspace begins as. One is built in. */

import { randomBytes } from 'node:crypto'
import { cp, lstat, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { unpack } from './archive.ts'
import { refusal } from './faults.ts'

export interface Runtimes {
  names(): Promise<string[]>
  /** Copies the template into the folder. Fault when there is none of that name. */
  copy(name: string, to: string): Promise<void>
  /** Unpacks the archive under that name, whole or not at all. */
  put(name: string, archive: Buffer, options: { overwrite: boolean }): Promise<void>
  remove(name: string): Promise<void>
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/
const BUILT_IN = 'workspace'

const AGENTS_MD = `# This workspace

Write here what an agent must know of this project: what it is, how it is built and tested, and what
must not be touched. It is read at the beginning of every model call.
`

export const noRuntime = (name: string) =>
  refusal('not_found', 'runtime_not_found', `Runtime "${name}" does not exist`)

const taken = (name: string) =>
  refusal('conflict', 'runtime_already_exists', `Runtime "${name}" already exists`)

async function fill(draft: string, archive: Buffer): Promise<void> {
  for (const { path, bytes } of await unpack(archive)) {
    const file = join(draft, path)
    try {
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, bytes, { flag: 'wx' })
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (!['EEXIST', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG'].includes(code ?? '')) throw error
      throw refusal('invalid', 'invalid_request', `The archive has ${path} in the way of another.`)
    }
  }
}

export function createRuntimes(folder: string): Runtimes {
  const isThere = async (name: string): Promise<boolean> =>
    NAME.test(name) && ((await lstat(join(folder, name)).catch(() => null))?.isDirectory() ?? false)
  return {
    async names() {
      const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
      const own = entries.filter((e) => e.isDirectory() && NAME.test(e.name)).map((e) => e.name)
      return [...new Set([BUILT_IN, ...own])].sort()
    },
    async copy(name, to) {
      if (await isThere(name))
        await cp(join(folder, name), to, { recursive: true, verbatimSymlinks: true })
      else if (name === BUILT_IN) await writeFile(join(to, 'AGENTS.md'), AGENTS_MD)
      else throw noRuntime(name)
    },
    async put(name, archive, { overwrite }) {
      if (!overwrite && (name === BUILT_IN || (await isThere(name)))) throw taken(name)
      const draft = join(folder, `.draft-${randomBytes(9).toString('hex')}`)
      try {
        await fill(draft, archive)
        await rm(join(folder, name), { recursive: true, force: true })
        await rename(draft, join(folder, name))
      } catch (error) {
        await rm(draft, { recursive: true, force: true })
        throw (error as NodeJS.ErrnoException).code === 'ENOTEMPTY' ? taken(name) : error
      }
    },
    async remove(name) {
      if (await isThere(name)) return rm(join(folder, name), { recursive: true, force: true })
      if (name !== BUILT_IN) throw noRuntime(name)
      throw refusal('forbidden', 'forbidden', `The runtime "${name}" is built in and stays.`)
    },
  }
}
