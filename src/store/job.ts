/**
 * What can be asked of the writer: plain data, because SQLite's writer is another thread. A group of
 * jobs is one transaction; each job has its answer, and a refused one leaves nothing.
 */

import type { Event } from '../kernel/event.ts'
import type { Refusal } from '../kernel/ports.ts'
import type { Row, Statement, Value } from './db.ts'

/** The rows of a thread as parameters, in the order of their columns. */
export interface RowValues {
  thread: Value[]
  runs: Value[][]
  asks: Value[][]
  usage: Value[][]
}

/** A row of the log without its place in the order of commits. */
export interface Chunk {
  thread: string
  firstSeq: number
  lastSeq: number
  size: number
  body: string
}

export interface AppendJob {
  do: 'append'
  after: number
  epoch: number | null
  chunk: Chunk
  /** Deltas alone change nothing but the thread's seq; they have no place in the feed and no rows. */
  isMilestone: boolean
  /** Absent for deltas, unless the thread is new. */
  rows: RowValues | null
  documents: Value[][]
  /** Kind and key of the documents that must not exist yet. */
  absent: [kind: string, key: string][]
  /** Refused when the account has that many open runs. */
  admission: { account: string; maxRuns: number } | null
  /** The events of deltas alone, for the memory of the journal. */
  said?: Event[]
  /** Only where several processes write: the job that fits behind what was missed. */
  rebase?: (missed: Event[]) => AppendJob | null
}

export type Job =
  | AppendJob
  /** The journal's rows below `below` go too: nothing in them is needed any more. */
  | { do: 'erase'; thread: string; below: number }
  /** Puts the chunk in the place of the `count` rows that it was made of, if they are still there. */
  | { do: 'repack'; chunk: Chunk; count: number }
  /** Puts chunks of the journal into the log; the journal's rows below `below` go. */
  | { do: 'settle'; thread: string; chunks: Chunk[]; below: number }
  /** Rows of the journal below `below` go: nothing in them is needed any more. */
  | { do: 'trim'; below: number }
  | { do: 'reindex'; thread: string; seq: number; rows: RowValues }
  /** `isFleeting`: it may be gone after a power cut, for the process that it is about is gone too. */
  | { do: 'run'; statement: Statement; isFleeting?: boolean }

/** The database refuses the data, for that reason; nothing was written. */
export interface Unfit {
  unfit: string
}

/** Null: done. Rows: of a statement that was run. */
export type Answer = Refusal | null | Row[] | Unfit
