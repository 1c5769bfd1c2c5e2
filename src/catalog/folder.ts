/**
 * One agent's folder as it is read. Nothing outside it can be read through it, not by `..` and not
 * by a link, and everything that was looked at is remembered, so that a later look can tell whether
 * anything has changed.
 */

import { constants } from 'node:fs'
import { open, readdir, realpath, stat } from 'node:fs/promises'
import { isAbsolute, relative, resolve, sep } from 'node:path'

const MOST_BYTES = 1_048_576

export interface Unreadable {
  problem: string
}

const OUTSIDE: Unreadable = { problem: "leads out of the agent's folder and is not read" }

export class Folder {
  /** As it was named, not as links resolve. */
  readonly path: string
  #real: string | null = null
  #seen = new Set<string>()

  constructor(path: string) {
    this.path = path
    this.#seen.add(path)
  }

  /** Every path that was looked at, also those where nothing was. */
  get seen(): string[] {
    return [...this.#seen]
  }

  /** The text of a file; null when there is none. */
  text(name: string): Promise<string | null | Unreadable> {
    return this.#reading(name, null, readText)
  }

  /** The names in a folder, sorted, without hidden ones but `.disabled`; empty when there is none. */
  list(name: string): Promise<string[] | Unreadable> {
    return this.#reading(name, [], async (path) => {
      const names = await readdir(path)
      return names.filter((n) => !n.startsWith('.') || n === '.disabled').sort()
    })
  }

  async #reading<T>(name: string, absent: T, read: (path: string) => Promise<T | Unreadable>) {
    const path = resolve(this.path, name)
    if (!isWithin(this.path, path)) return OUTSIDE
    this.#seen.add(path)
    try {
      this.#real ??= await realpath(this.path)
      const real = await realpath(path)
      return isWithin(this.#real, real) ? await read(real) : OUTSIDE
    } catch (error) {
      return isAbsent(error) ? absent : { problem: tellFault(error) }
    }
  }
}

/** Is `path` the folder itself, or below it? */
export function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way))
}

async function readText(path: string): Promise<string | Unreadable> {
  // Without this flag, opening a named pipe would wait for somebody to write into it.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const facts = await file.stat()
    if (!facts.isFile()) return { problem: 'is not a file' }
    if (facts.size > MOST_BYTES) return { problem: `is larger than ${MOST_BYTES} bytes` }
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

export const isAbsent = (error: unknown): boolean => {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}

export function tellFault(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by this server'
  return `could not be read (${code ?? 'unknown error'})`
}

/** What the paths look like from outside. Equal stamps that are settled mean equal content. */
export interface Stamp {
  text: string
  /** Epoch ms of the newest change. */
  newest: number
  /** Those of the paths that are folders, each with what tells it from another of the same name. */
  folders: Map<string, string>
}

export async function stampOf(paths: readonly string[]): Promise<Stamp> {
  const folders = new Map<string, string>()
  let newest = 0
  const lines = await Promise.all(
    paths.map(async (path) => {
      const facts = await stat(path).catch(() => null)
      if (!facts) return `${path} -`
      newest = Math.max(newest, facts.ctimeMs, facts.mtimeMs)
      if (facts.isDirectory()) folders.set(path, `${facts.ino}:${facts.birthtimeMs}`)
      return `${path} ${facts.ino} ${facts.size} ${facts.mtimeMs} ${facts.ctimeMs}`
    }),
  )
  return { text: lines.join('\n'), newest, folders }
}
