/**
 * The writing connection: one transaction at a time in this process, and by an advisory lock in all
 * processes, so that places in the feed are given in the order of commits. What fails before the
 * commit was asked for has not happened and is tried again for a while; what fails after that is fatal.
 */

import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from 'pg'
import type { Locks, Row, Statement } from './db.ts'
import type { Answer, Job } from './job.ts'
import { type Advance, tellings } from './postgres-advance.ts'
import { type Connections, isPassing, rowsOf } from './postgres-connection.ts'
import { transact } from './transact.ts'

export const LOCKS: Locks = { held: 'for update', free: 'for update skip locked' }

/** The first number of the advisory lock: "MANI". The second is the schema's. */
const LOCK_CLASS = 0x4d414e49
const PATIENCE_MS = 10_000
const PAUSE_MS = 100

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

  async commit(jobs: Job[]): Promise<Answer[]> {
    const giveUpAt = performance.now() + PATIENCE_MS
    for (;;) {
      const state = { isCommitting: false }
      try {
        return await this.#transaction(jobs, state)
      } catch (error) {
        await this.close()
        if (state.isCommitting || !isPassing(error) || performance.now() > giveUpAt) throw error
        await delay(PAUSE_MS)
      }
    }
  }

  async close(): Promise<void> {
    const client = this.#client
    this.#client = null
    await client?.end().catch(() => {})
  }

  async #transaction(jobs: Job[], state: { isCommitting: boolean }): Promise<Answer[]> {
    this.#client ??= await this.#connections.client({ isPipelined: true })
    const client = this.#client
    const run = (statements: Statement[]): Promise<Row[]>[] =>
      statements.map((s) => rowsOf(client, s))
    // These are not waited for: the first statements of the transaction follow on the same line.
    const opening = [client.query('begin'), ...run([lockOf(this.#connections.schema)])]
    const transaction = transact(jobs, LOCKS)
    let step = transaction.next()
    while (!step.done) {
      const rows = run(step.value)
      await Promise.all([...opening, ...rows])
      step = transaction.next(await Promise.all(rows))
    }
    const told = run(
      tellings(this.#connections.schema, this.#instance, advancesOf(jobs, step.value)),
    )
    state.isCommitting = true
    const [result] = await Promise.all([client.query('commit'), ...told])
    if (result.command !== 'COMMIT') throw new Error('the transaction was rolled back')
    return step.value
  }
}

function advancesOf(jobs: Job[], answers: Answer[]): Advance[] {
  const seqs = new Map<string, number>()
  jobs.forEach((job, i) => {
    if (job.do === 'append' && answers[i] === null) seqs.set(job.chunk.thread, job.chunk.lastSeq)
  })
  return [...seqs]
}
