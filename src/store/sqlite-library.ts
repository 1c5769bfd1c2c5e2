/**
 * Which SQLite is used: Node's own where it is there and new enough, else the package with the same
 * surface. SQLite before 3.52 can damage a write-ahead log when it is killed, so it is refused.
 */

import { Fault } from '../kernel/fault.ts'
import type { Row, Value } from './db.ts'

const OLDEST = [3, 52] as const

/** The part of the `node:sqlite` surface that the store uses. */
export interface Sqlite {
  exec(text: string): void
  prepare(text: string): { all(...params: Value[]): Row[] }
  close(): void
}

export interface SqliteLibrary {
  DatabaseSync: new (file: string) => Sqlite
}

const isNewEnough = (version: string | undefined): boolean => {
  if (!version) return false
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
}

export async function loadSqlite(): Promise<SqliteLibrary> {
  const versions: Record<string, string | undefined> = process.versions
  if (isNewEnough(versions.sqlite) && process.getBuiltinModule) {
    const builtin = process.getBuiltinModule('node:sqlite' as string)
    if (builtin) return builtin as unknown as SqliteLibrary
  }
  const library = (await import('@photostructure/sqlite')) as unknown as SqliteLibrary
  const memory = new library.DatabaseSync(':memory:')
  const version = memory.prepare('select sqlite_version() as version').all()[0]?.version
  memory.close()
  if (!isNewEnough(version as string))
    throw new Fault(
      'unavailable',
      `SQLite ${version} is too old: 3.52 or newer is needed. Install the package versions of the lock file.`,
    )
  return library
}

/** SQLite's primary result code, 0 when it was something else. The package may tell it in words only. */
export function resultCode(error: unknown): number {
  const { errcode, message = '' } = error as { errcode?: number; message?: string }
  if (errcode !== undefined) return errcode & 0xff
  return WORDS.find(([words]) => message.includes(words))?.[1] ?? 0
}

const WORDS: [words: string, code: number][] = [
  ['disk I/O error', 10],
  ['disk image is malformed', 11],
  ['string or blob too big', 18],
  ['constraint failed', 19],
  ['datatype mismatch', 20],
  ['file is not a database', 26],
]
