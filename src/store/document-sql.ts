/** The statements about documents, in the same subset as all others. */

import { Fault } from '../kernel/fault.ts'
import type { Document } from '../kernel/ports.ts'
import type { Statement, Value } from './db.ts'
import { clean, inParts, inserts, statement, type Target, tuples, Where } from './statement.ts'

const DOCUMENTS: Target = {
  table: 'documents',
  columns: ['kind', 'key', 'scope', 'body', 'name', 'expires_at'],
  key: ['kind', 'key'],
}

/** What stands before the first slash of a key: the thread it belongs to. */
const scopeOf = (key: string): string | null =>
  key.includes('/') ? key.slice(0, key.indexOf('/')) : null

/** PostgreSQL's index takes little more than twice that. */
const KEY_BYTES = 1_000

export function documentValues({ kind, key, body, name, expiresAt }: Document): Value[] {
  if (Buffer.byteLength(key) > KEY_BYTES)
    throw new Fault('invalid', `The name of a ${kind} has ${KEY_BYTES} bytes at most.`)
  return [kind, key, scopeOf(key), JSON.stringify(body), name, expiresAt].map(clean)
}

export const putDocuments = (documents: Value[][]): Statement[] => inserts(DOCUMENTS, documents)

/** All of them or none; gives rows back when they were written. */
export function putNewDocuments(documents: Value[][]): Statement {
  const { columns } = DOCUMENTS
  const typeOf = (column: string): string => (column === 'expires_at' ? 'BIGINT' : 'TEXT')
  const cell = (column: string, n: number): string => `cast($${n} as ${typeOf(column)})`
  const rows = documents.map(
    (_, i) => `(${columns.map((c, j) => cell(c, columns.length * i + j + 1)).join(', ')})`,
  )
  return statement(
    `insert into documents (${columns.join(', ')})
     select * from (values ${rows.join(', ')}) as fresh
     where not exists (select 1 from documents as old join (values ${rows.join(', ')}) as wanted
       on old.kind = wanted.column1 and old.key = wanted.column2)
     returning key`,
    ...documents.flat(),
  )
}

/** Gives a row back when the body was `before`. */
export const swapDocument = ([kind, key, , body]: Value[], before: Value): Statement =>
  statement(
    'update documents set body = $3 where kind = $1 and key = $2 and body = $4 returning key',
    ...[kind as Value, key as Value, body as Value, before],
  )

export const existing = (keys: [kind: string, key: string][]): Statement[] =>
  inParts('existing', keys, (n) => {
    return `select kind, key from documents where (kind, key) in (values ${tuples(n, 2)})`
  })

export const getDocument = (kind: string, key: string): Statement =>
  statement('select body from documents where kind = $1 and key = $2', kind, key)

export const namedDocument = (kind: string, name: string): Statement =>
  statement('select body from documents where kind = $1 and name = $2 limit 1', kind, name)

/** Gives back as many rows as went. */
export const dropExpired = (now: number, limit: number): Statement =>
  statement(
    `delete from documents where (kind, key) in (
       select kind, key from documents where expires_at <= $1 order by expires_at limit $2)
     returning key`,
    now,
    limit,
  )

export const dropDocument = (kind: string, key: string): Statement =>
  statement('delete from documents where kind = $1 and key = $2', kind, key)

export function listDocuments(kind: string, prefix: string): Statement {
  const scope = scopeOf(prefix)
  const where = new Where().add('kind = ?', kind)
  if (scope !== null) where.add('scope = ?', scope)
  if (prefix !== '') where.add('substr(key, 1, length(cast(? as TEXT))) = ?', prefix)
  return statement(`select key, body from documents ${where.text}`, ...where.params)
}
