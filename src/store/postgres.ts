/** The store in PostgreSQL, shared by any number of processes. */

import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'
import { Fault } from '../kernel/fault.ts'
import type { Store } from '../kernel/ports.ts'
import type { Db, Row, Statement } from './db.ts'
import { fillRows } from './filling.ts'
import { migrations, pending } from './migrations.ts'
import { Advances } from './postgres-advance.ts'
import { type Connections, connections, isPassing, parting, rowsOf } from './postgres-connection.ts'
import { LOCKS, lockOf, PostgresWriter } from './postgres-writer.ts'
import * as sql from './sql.ts'
import { createStore } from './store.ts'

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database` */
  url: string
  onFatal?: (error: Error) => void
  /** Where the tables are; default `manifold`. Is created when it is not there. */
  schema?: string
  /** An answer that takes longer does not come: the connection is given up. */
  answerMs?: number
  /** Told once for each time that the others cannot be heard; it is tried again. */
  onProblem?: (error: Error) => void
}

const OLDEST = 130_000

export async function openPostgresStore(options: PostgresOptions): Promise<Store> {
  const to = await connections(options.url, options.schema ?? 'manifold', options.answerMs)
  const instance = randomUUID()
  await prepare(to)
  const pool = to.pool()
  const writer = new PostgresWriter(to, instance)
  const all = (statement: Statement): Promise<Row[]> => answering(() => rowsOf(pool, statement))
  const advances = new Advances(to, instance, { all, onProblem: options.onProblem })
  const db: Db = {
    locks: LOCKS,
    isShared: true,
    depth: 1,
    all,
    commit: (jobs) => writer.commit(jobs),
    lease: all,
    onAdvance: (listener) => advances.on(listener),
    wake: () => advances.wake(),
    onWake: (listener) => advances.onWake(listener),
    health: async () => {
      const [row] = await all({ text: HEALTH, params: [] })
      return { kind: 'postgres', schema: to.schema, ...row }
    },
    close: () =>
      parting(to, async () => {
        await advances.close()
        await writer.close()
        await pool.end()
      }),
  }
  try {
    await advances.open()
    const store = createStore(db, options.onFatal)
    await fillRows(store, all)
    return store
  } catch (error) {
    await db.close()
    throw error
  }
}

const HEALTH = `select current_setting('server_version') as version,
  pg_database_size(current_database()) as bytes, pg_total_relation_size('log') as "logBytes",
  (select max(number) from migrations) as migration`

/** A database that is away is a fault of the moment, not of the request. */
async function answering<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isPassing(error)) throw error
    throw new Fault('unavailable', 'The database does not answer. Try again in a moment.')
  }
}

/** Brings the tables up to date, one process at a time. */
async function prepare(to: Connections): Promise<void> {
  const client = await to.client({ isPatient: true })
  try {
    await checkVersion(client)
    await client.query('begin')
    await rowsOf(client, lockOf(to.schema))
    await createSchema(client, to.schema)
    await rowsOf(client, sql.createMigrations())
    const applied = await rowsOf(client, sql.appliedMigrations())
    for (const { number, name, text } of pending(applied, migrations())) {
      await client.query(text)
      await rowsOf(client, sql.recordMigration(number, name, Date.now()))
    }
    await client.query('commit')
  } finally {
    await client.end()
  }
}

async function checkVersion(client: Client): Promise<void> {
  const { rows } = await client.query(
    "select current_setting('server_version_num') as number, current_setting('server_version') as name",
  )
  if (Number(rows[0].number) >= OLDEST) return
  throw new Fault('unavailable', `PostgreSQL ${rows[0].name} is too old: 13 or newer is needed.`)
}

/** Asked first: to create what is there already can be forbidden. */
async function createSchema(client: Client, schema: string): Promise<void> {
  const found = await client.query('select 1 from pg_namespace where nspname = $1', [schema])
  if (found.rows.length === 0) await client.query(`create schema "${schema}"`)
}
