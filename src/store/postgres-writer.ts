/**
 * The writing connection: one transaction at a time in this process, and by an advisory lock in all
 * processes, so that places in the feed are given in the order of commits. When the connection
 * breaks, the server is asked whether the transaction was committed; one that was not is tried again
 * for a while.
 */

import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from 'pg'
import type { Locks, Row, Statement } from './db.ts'
import { commitFitting } from './fitting.ts'
import type { Answer, Job, Unfit } from './job.ts'
import { tellings } from './postgres-advance.ts'
import { type Connections, isOfData, isPassing, rowsOf } from './postgres-connection.ts'
import { type Done, transact } from './transact.ts'

export const LOCKS: Locks = { held: 'for update', free: 'for update skip locked' }

/** The first number of the advisory lock: "MANI". The second is the schema's. */
const LOCK_CLASS = 0x4d414e49
const PATIENCE_MS = 30_000
const PAUSE_MS = 100

const XID = 'select pg_current_xact_id()::text as xid'
/** The server remembers for long enough how its transactions ended. */
const STATUS = 'select pg_xact_status($1::text::xid8) as status'

/** What is known of a transaction when its connection breaks; `done` once its commit was asked for. */
interface Attempt {
  xid: string | null
  done: Done | null
}

export const lockOf = (schema: string): Statement => ({
  text: 'select pg_advisory_xact_lock($1::int, $2::int)',
  params: [LOCK_CLASS, hash(schema)],
})

const hash = (text: string): number =>
  [...text].reduce((sum, c) => (Math.imul(sum, 31) + (c.codePointAt(0) as number)) | 0, 7)

export class PostgresWriter {
  readonly #connections: Connections
  readonly #instance: string
  #client: Client | null = null

  constructor(connections: Connections, instance: string) {
    this.#connections = connections
    this.#instance = instance
  }

  commit(jobs: Job[]): Promise<Answer[]> {
    return commitFitting(jobs, (some) => this.#commit(some))
  }

  async #commit(jobs: Job[]): Promise<Answer[] | Unfit> {
    const giveUpAt = performance.now() + PATIENCE_MS
    for (;;) {
      const attempt: Attempt = { xid: null, done: null }
      try {
        return await this.#transaction(jobs, attempt)
      } catch (error) {
        await this.close()
        if (isOfData(error)) return { unfit: (error as Error).message }
        if (!isPassing(error)) throw error
        const answers = await this.#outcome(attempt, error, giveUpAt)
        if (answers) return answers
        if (performance.now() > giveUpAt) throw error
        await delay(PAUSE_MS)
      }
    }
  }

  /** The answers of an attempt that was committed although nobody heard so; null when it was not. */
  async #outcome(attempt: Attempt, error: unknown, giveUpAt: number): Promise<Answer[] | null> {
    const { xid, done } = attempt
    if (!done) return null
    for (;;) {
      const status = await this.#statusOf(xid).catch((e) => (isPassing(e) ? 'unheard' : e))
      if (status === 'committed') return done.answers
      if (status === 'aborted') return null
      if (status !== 'in progress' && status !== 'unheard') throw error
      if (performance.now() > giveUpAt) throw error
      await delay(PAUSE_MS)
    }
  }

  async #statusOf(xid: string | null): Promise<unknown> {
    const client = await this.#connections.client()
    try {
      const [row] = await rowsOf(client, { text: STATUS, params: [xid] })
      return row?.status
    } finally {
      await this.#connections.leave(client)
    }
  }

  async close(): Promise<void> {
    const client = this.#client
    this.#client = null
    if (client) await this.#connections.leave(client)
  }

  async #transaction(jobs: Job[], attempt: Attempt): Promise<Answer[]> {
    this.#client ??= await this.#connections.client({ isPipelined: true })
    const client = this.#client
    const { schema } = this.#connections
    const run = (statements: Statement[]): Promise<Row[]>[] =>
      statements.map((s) => rowsOf(client, s))
    // These are not waited for: the first statements of the transaction follow on the same line.
    const begun = client.query('begin isolation level read committed')
    const [locked, marked] = run([lockOf(schema), { text: XID, params: [] }])
    const opening = [begun, locked, marked]
    const transaction = transact(jobs, LOCKS)
    let step = transaction.next()
    while (!step.done) {
      const rows = run(step.value)
      await Promise.all([...opening, ...rows])
      step = transaction.next(await Promise.all(rows))
    }
    const [mark] = (await marked) as Row[]
    attempt.xid = mark?.xid as string
    const { answers, moved, rest } = step.value
    // Nothing of this is waited for either: what fails makes a rollback of the commit.
    const written = run([...rest, ...tellings(schema, this.#instance, [...moved])])
    attempt.done = step.value
    const [result] = await Promise.all([client.query('commit'), ...opening, ...written])
    if (result.command !== 'COMMIT') throw new Error('the transaction was rolled back')
    return answers
  }
}
