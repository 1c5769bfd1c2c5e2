/**
 * The numbered scripts that make the tables. They are never edited: a change is a new number, and
 * `schema.sql` is what all of them together come to.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { Fault } from '../kernel/fault.ts'
import type { Row } from './db.ts'

export interface Migration {
  number: number
  name: string
  text: string
}

const folder = new URL('./migrations/', import.meta.url)

export const migrations = (): Migration[] =>
  readdirSync(folder)
    .filter((name) => /^\d{4}_.*\.sql$/.test(name))
    .sort()
    .map((name) => ({
      number: Number(name.slice(0, 4)),
      name,
      text: readFileSync(new URL(name, folder), 'utf8'),
    }))

/** Those that a store still lacks. Refuses a store that knows more than this program does. */
export function pending(applied: Row[], known: Migration[]): Migration[] {
  const unknown = applied.find((row) => !known.some((m) => m.number === row.number))
  if (unknown)
    throw new Fault(
      'conflict',
      `The store was written by a newer Manifold (it has migration ${unknown.name}). Start that version, or restore a backup.`,
    )
  return known.filter((m) => !applied.some((row) => row.number === m.number))
}
