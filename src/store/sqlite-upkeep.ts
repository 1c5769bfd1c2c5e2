/** What is done to a file before it is used: checked when there is reason to, and brought up to date. */

import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '../kernel/fault.ts'
import type { Row } from './db.ts'
import { createPrivate } from './folder-lock.ts'
import { type Migration, migrations, pending } from './migrations.ts'
import * as sql from './sql.ts'
import { oneValue, type SqliteConnection } from './sqlite-connection.ts'

/** A file that holds something is checked and copied before its tables are changed. */
export function migrate(db: SqliteConnection, folder: string, known = migrations()): void {
  db.all(sql.createMigrations())
  const applied = db.all(sql.appliedMigrations())
  const missing = pending(applied, known)
  if (missing.length > 0 && applied.length > 0) {
    check(db, 'integrity_check')
    backUp(db, folder, applied.at(-1) as Row)
  }
  for (const migration of missing) apply(db, migration)
  dropBackups(folder, Date.now() - BACKUP_MS)
}

function apply(db: SqliteConnection, { number, name, text }: Migration): void {
  db.exec('begin immediate')
  db.exec(text)
  db.all(sql.recordMigration(number, name, Date.now()))
  db.exec('commit')
}

export function check(db: SqliteConnection, how: 'quick_check' | 'integrity_check'): void {
  let problem: unknown
  try {
    problem = oneValue(db, `pragma ${how}(1)`)
  } catch (error) {
    problem = (error as Error).message
  }
  if (problem === 'ok') return
  throw new Fault(
    'unavailable',
    `The store is damaged (${problem}). Restore a backup of the data folder; its own are in "backups".`,
  )
}

/** A copy has threads in it that may be erased later. */
const BACKUP_MS = 30 * 24 * 3_600_000

const backupsOf = (folder: string): string => join(folder, 'backups')

function dropBackups(folder: string, before: number): void {
  const backups = backupsOf(folder)
  for (const name of existsSync(backups) ? readdirSync(backups) : []) {
    const [, at] = /^manifold-\d+-(\d+)\.db$/.exec(name) ?? []
    if (at !== undefined && Number(at) < before) rmSync(join(backups, name))
  }
}

function backUp(db: SqliteConnection, folder: string, last: Row): void {
  const backups = backupsOf(folder)
  mkdirSync(backups, { recursive: true, mode: 0o700 })
  const file = join(backups, `manifold-${last.number}-${Date.now()}.db`)
  createPrivate(file)
  db.all({ text: 'vacuum into $1', params: [file] })
}
