/**
 * One process per data folder. The operating system holds the lock (SQLite's own on a file that is
 * never written), so it is gone when the process is, however it died. The pid beside it is only
 * for people.
 */

import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Fault } from '../kernel/fault.ts'
import { resultCode, type SqliteLibrary } from './sqlite-library.ts'

/** An existing file is not touched: to open and close it would drop the process's locks on it. */
export function createPrivate(file: string): void {
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600))
}

export function openFolder(folder: string): void {
  if (existsSync(folder)) return
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  chmodSync(folder, 0o700)
}

const SQLITE_BUSY = 5

/** Returns the way to give the folder back. Refuses when another process has it. */
export function lockFolder(library: SqliteLibrary, folder: string): () => void {
  const file = join(folder, 'lock.db')
  const pidFile = join(folder, 'lock.pid')
  createPrivate(file)
  const db = new library.DatabaseSync(file)
  try {
    db.exec('pragma busy_timeout = 0; pragma journal_mode = memory; begin exclusive')
  } catch (error) {
    db.close()
    if (resultCode(error) !== SQLITE_BUSY) throw error
    throw new Fault(
      'conflict',
      `The data folder ${folder} is in use by the process ${readPid(pidFile)}. Stop that one, or choose another folder.`,
    )
  }
  writeFileSync(pidFile, String(process.pid), { mode: 0o600 })
  return () => db.close()
}

function readPid(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return '(unknown)'
  }
}
