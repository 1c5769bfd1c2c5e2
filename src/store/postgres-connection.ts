/** How a connection to PostgreSQL is made: which types come back, and in which schema it works. */

import { Socket } from 'node:net'
import type { Client, Pool, QueryConfig } from 'pg'
import { Fault } from '../kernel/fault.ts'
import type { Row, Statement } from './db.ts'

export interface Connections {
  /**
   * A connection of its own. A pipelined one sends statements without waiting for each answer; a
   * patient one waits as long as it takes.
   */
  client(options?: { isPipelined?: boolean; isPatient?: boolean }): Promise<Client>
  pool(): Pool
  /** Says goodbye. A line that has gone silent is cut. */
  leave(client: Client): Promise<void>
  /** Cuts every line that is still open. */
  cut(): void
  schema: string
}

/** Type number of BIGINT, which the driver would otherwise give as text. */
const INT8 = 20
const POOL_SIZE = 8
const CONNECT_MS = 10_000
const ANSWER_MS = 20_000
/** A line on which nothing is said is tried after that; the system would wait for hours. */
const QUIET_MS = 10_000
const GOODBYE_MS = 2_000

/**
 * A process that stops dead in the middle of a transaction holds its locks no longer than that; the
 * others wait for them.
 */
const IDLE_MS = 2_000

/** An answer is waited for that long: a line that swallows what is sent looks like a slow one. */
export async function connections(
  url: string,
  schema: string,
  answerMs = ANSWER_MS,
): Promise<Connections> {
  if (!/^[a-z_][a-z0-9_]{0,40}$/.test(schema))
    throw new Fault('invalid', `"${schema}" cannot be the name of a schema: use a-z, 0-9 and _.`)
  const { default: pg } = await import('pg')
  const settings = {
    connectionString: url,
    application_name: 'manifold',
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: QUIET_MS,
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
  const sockets = new Set<Socket>()
  const owners = new WeakMap<Client, Socket>()
  const open = (): Socket => {
    const socket = new Socket()
    sockets.add(socket)
    return socket.once('close', () => void sockets.delete(socket))
  }
  return {
    schema,
    client: async ({ isPipelined = false, isPatient = false } = {}) => {
      const socket = open()
      const client = new pg.Client({
        ...settings,
        pipeline: isPipelined,
        stream: () => socket,
        ...(isPatient ? {} : { query_timeout: answerMs }),
      })
      owners.set(client, socket)
      // A broken connection is noticed by whoever uses it next.
      client.on('error', () => {})
      await client.connect()
      await prepare(client)
      return client
    },
    pool: () => {
      const onConnect = prepare as unknown as (client: unknown) => void
      const limits = { max: POOL_SIZE, query_timeout: answerMs }
      const pool = new pg.Pool({ ...settings, ...limits, stream: open, onConnect })
      pool.on('error', () => {})
      return pool
    },
    leave: async (client) => {
      const cutting = setTimeout(() => owners.get(client)?.destroy(), GOODBYE_MS)
      await client.end().catch(() => {})
      clearTimeout(cutting)
    },
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** Ends what is open within the time of a goodbye. */
export async function parting({ cut }: Connections, end: () => Promise<void>): Promise<void> {
  const cutting = setTimeout(cut, GOODBYE_MS)
  try {
    await end()
  } finally {
    clearTimeout(cutting)
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
  return /connection|client was closed|timeout expired|read timeout/i.test(message ?? '')
}

/** Data that is no such value, that breaks a rule of its table, or that is past a limit. */
export function isOfData(error: unknown): boolean {
  const { code } = error as { code?: string }
  return code !== undefined && /^(22|23|54)...$/.test(code)
}
