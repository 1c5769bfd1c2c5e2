/**
 * How processes hear of each other's commits: one notification a transaction that lists threads
 * and seqs. Behind it is a slow poll, because a notification is lost when the connection is.
 */

import type { Client } from 'pg'
import type { Row, Statement } from './db.ts'
import type { Connections } from './postgres-connection.ts'
import * as sql from './sql.ts'

const POLL_MS = 5000
const RECONNECT_MS = 1000
/** PostgreSQL takes fewer than 8,000 bytes. */
const PAYLOAD_LIMIT = 7500

export type Advance = [thread: string, seq: number]

/** Stands where a thread would: somebody is to look for threads that are due. */
const WAKE = '!'

const channelOf = (schema: string): string => `manifold_${schema}`

/** The statements that tell the others, to be run in the transaction of the commit. */
export function tellings(schema: string, instance: string, advances: Advance[]): Statement[] {
  const payloads: string[] = []
  let payload = instance
  for (const [thread, seq] of advances) {
    const item = ` ${thread}:${seq}`
    if (payload.length + item.length > PAYLOAD_LIMIT) {
      payloads.push(payload)
      payload = instance
    }
    payload += item
  }
  if (payload !== instance) payloads.push(payload)
  return payloads.map((text) => notify(schema, text))
}

const notify = (schema: string, payload: string): Statement => ({
  text: 'select pg_notify($1, $2)',
  params: [channelOf(schema), payload],
})

/** What another process said; nothing when it was this one. */
export function heard(payload: string, instance: string): (Advance | typeof WAKE)[] {
  const [from, ...items] = payload.split(' ')
  if (from === instance) return []
  return items.map((item) => {
    if (item === WAKE) return WAKE
    const colon = item.lastIndexOf(':')
    return [item.slice(0, colon), Number(item.slice(colon + 1))]
  })
}

interface Links {
  all(statement: Statement): Promise<Row[]>
  /** Told of the first of several failures in a row. */
  onProblem?: ((error: Error) => void) | undefined
}

export class Advances {
  readonly #connections: Connections
  readonly #instance: string
  readonly #links: Links
  readonly #listeners = new Set<(thread: string, seq: number) => void>()
  readonly #wakers = new Set<() => void>()
  #client: Client | null = null
  #pos = 0
  #isClosed = false
  #isTold = false
  #poll: NodeJS.Timeout | null = null
  #retry: NodeJS.Timeout | null = null

  constructor(connections: Connections, instance: string, links: Links) {
    this.#connections = connections
    this.#instance = instance
    this.#links = links
  }

  async open(): Promise<void> {
    this.#pos = await this.#top()
    await this.#listen()
    this.#poll = setInterval(() => void this.#look().catch((e) => this.#fail(e)), POLL_MS).unref()
  }

  on(listener: (thread: string, seq: number) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  onWake(listener: () => void): () => void {
    this.#wakers.add(listener)
    return () => void this.#wakers.delete(listener)
  }

  async wake(): Promise<void> {
    await this.#links.all(notify(this.#connections.schema, `${this.#instance} ${WAKE}`))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#poll) clearInterval(this.#poll)
    if (this.#retry) clearTimeout(this.#retry)
    await this.#client?.end()
  }

  async #listen(): Promise<void> {
    const client = await this.#connections.client()
    client.on('notification', ({ payload = '' }) => this.#hear(payload))
    try {
      await client.query(`listen "${channelOf(this.#connections.schema)}"`)
    } catch (error) {
      await this.#connections.leave(client)
      throw error
    }
    if (this.#isClosed) return this.#connections.leave(client)
    this.#client = client
    client.on('end', () => this.#again())
  }

  #again(): void {
    if (this.#isClosed) return
    this.#retry = setTimeout(() => {
      this.#listen()
        .then(() => this.#look().catch((error) => this.#fail(error)))
        .catch((error) => {
          this.#fail(error)
          this.#again()
        })
    }, RECONNECT_MS)
  }

  #fail(error: Error): void {
    if (this.#isClosed || this.#isTold) return
    this.#isTold = true
    this.#links.onProblem?.(error)
  }

  #hear(payload: string): void {
    for (const item of heard(payload, this.#instance)) {
      if (item !== WAKE) this.#tell([item])
      else for (const listener of this.#wakers) listener()
    }
  }

  #tell(advances: Advance[]): void {
    for (const [thread, seq] of advances)
      for (const listener of this.#listeners) listener(thread, seq)
  }

  /** Tells of everything that may have moved since the last look; more than needed does no harm. */
  async #look(): Promise<void> {
    if (this.#listeners.size === 0) return
    const top = await this.#top()
    const rows = await this.#links.all(sql.movedSince(this.#pos))
    this.#tell(rows.map((r) => [r.id as string, r.seq as number]))
    // Not before: what could not be read is looked for again.
    this.#pos = Math.max(this.#pos, top)
    this.#isTold = false
  }

  async #top(): Promise<number> {
    const [row] = await this.#links.all(sql.topPos())
    return (row?.top as number | null) ?? 0
  }
}
