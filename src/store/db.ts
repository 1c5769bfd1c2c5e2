/**
 * What a database must offer for the store to live in it: the whole difference between SQLite and
 * PostgreSQL. Statements are the same text on both.
 */

import type { Json } from '../kernel/part.ts'
import type { Answer, Job } from './job.ts'
import type { Journal } from './journal.ts'

/** All that columns hold: TEXT and BIGINT. */
export type Value = string | number | null

export type Row = Record<string, Value>

/** `$1` is the first of `params`. */
export interface Statement {
  text: string
  params: Value[]
}

/** How a select keeps the rows it found from other writers. Empty where there is only one writer. */
export interface Locks {
  /** Waits for rows that somebody else holds. */
  held: string
  /** Leaves out rows that somebody else holds. */
  free: string
}

export interface Db {
  locks: Locks
  /** Other processes write too, and commits are performed in this thread. */
  isShared: boolean
  /** Where deltas are until they are packed; absent: in the log, as everything else. */
  journal?: Journal
  /** A reading statement. It sees everything whose commit has resolved. */
  all(statement: Statement): Promise<Row[]>
  /** How many commits may be under way. */
  depth: number
  /**
   * Performs the jobs in one transaction, which is on disk when this resolves. Commits are in one
   * order over all processes, and those of this one in the order in which they were asked for. A group
   * with refused data is done once more in parts, behind what was asked for meanwhile. A rejection is
   * fatal, and all others that are under way are rejected too.
   */
  commit(jobs: Job[]): Promise<Answer[]>
  /** A statement on leases that need not wait for its turn; absent: it takes its turn. */
  lease?(statement: Statement): Promise<Row[]>
  onAdvance(listener: (thread: string, seq: number) => void): () => void
  wake(): Promise<void>
  onWake(listener: () => void): () => void
  health(): Promise<Record<string, Json>>
  close(): Promise<void>
}

/** The file itself cannot be read or is no database: no answer of it can be believed any more. */
export class Damage extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause })
    this.name = 'Damage'
  }
}
