/** How a connection to PostgreSQL is made: which types come back, and in which schema it works. */

import type { Client, Pool, QueryConfig } from 'pg'
import { Fault } from '../kernel/fault.ts'
import type { Row, Statement } from './db.ts'

export interface Connections {
  /** A connection of its own. A pipelined one sends statements without waiting for each answer. */
  client(options?: { isPipelined?: boolean }): Promise<Client>
  pool(): Pool
  schema: string
}

/** Type number of BIGINT, which the driver would otherwise give as text. */
const INT8 = 20
const POOL_SIZE = 8
const CONNECT_MS = 10_000

/**
 * A process that stops dead in the middle of a transaction holds its locks no longer than that; the
 * others wait for them.
 */
const IDLE_MS = 2_000

export async function connections(url: string, schema: string): Promise<Connections> {
  if (!/^[a-z_][a-z0-9_]{0,40}$/.test(schema))
    throw new Fault('invalid', `"${schema}" cannot be the name of a schema: use a-z, 0-9 and _.`)
  const { default: pg } = await import('pg')
  const settings = {
    connectionString: url,
    application_name: 'manifold',
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    types: {
      getTypeParser: ((oid: number, format?: 'text') =>
        oid === INT8
          ? Number
          : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  }
  const prepare = (client: { query(text: string): Promise<unknown> }): Promise<unknown> =>
    client.query(
      `set search_path to "${schema}"; set idle_in_transaction_session_timeout to ${IDLE_MS}`,
    )
  return {
    schema,
    client: async ({ isPipelined = false } = {}) => {
      const client = new pg.Client({ ...settings, pipeline: isPipelined })
      // A broken connection is noticed by whoever uses it next.
      client.on('error', () => {})
      await client.connect()
      await prepare(client)
      return client
    },
    pool: () => {
      const onConnect = prepare as unknown as (client: unknown) => void
      const pool = new pg.Pool({ ...settings, max: POOL_SIZE, onConnect })
      pool.on('error', () => {})
      return pool
    },
  }
}

const names = new Map<string, string>()

/** Every text is prepared once a connection, under the same name on all. */
export function query({ text, params }: Statement): QueryConfig {
  let name = names.get(text)
  if (!name) {
    name = `m${names.size}`
    names.set(text, name)
  }
  return { name, text, values: params }
}

interface Queryable {
  query(query: QueryConfig): Promise<{ rows: unknown[] }>
}

export const rowsOf = async (db: Queryable, statement: Statement): Promise<Row[]> =>
  (await db.query(query(statement))).rows as Row[]

/** The connection or the server went away, or two writers met: trying again may help. */
export function isPassing(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string }
  if (code && /^(08...|57P0[123]|25P03|40001|40P01|53300|E[A-Z]+)$/.test(code)) return true
  return /connection|client was closed|timeout expired/i.test(message ?? '')
}

/** Data that is no such value, that breaks a rule of its table, or that is past a limit. */
export function isOfData(error: unknown): boolean {
  const { code } = error as { code?: string }
  return code !== undefined && /^(22|23|54)...$/.test(code)
}
