/** What the projection of one run remembers between two events. */

import type { Json } from '../../kernel/part.ts'
import type { RunHints } from './hints.ts'

/** Whose frames are told. */
export interface RunScope {
  run: string
  thread: string
  account: string
}

export interface Telling {
  /** Number of the last frame. */
  seq: number
  trace: string
  hints: RunHints | null
  /** Is this the run that the thread's own news are told in? */
  isCurrent: boolean
  isOver: boolean
  /** A call of a tool and nothing else: no model is asked. */
  isCall: boolean
  turn: number
  attempt: number
  /** What the turn has said so far; here, so that a delta changes one record. */
  text: string
  /** Calls of the turn by id. */
  calls: Record<string, CallTelling>
  /** Asks that wait, with the id that the client knows them by. */
  asks: Record<string, string>
  /** Messages for the run that no turn has read yet. */
  steers: string[]
}

export interface CallTelling {
  tool: string
  index: number
  /** Of the question that the call is. */
  answer?: Json
}

export const emptyTelling = (trace: string): Telling => ({
  seq: 0,
  trace,
  hints: null,
  isCurrent: false,
  isOver: false,
  isCall: false,
  turn: 0,
  attempt: 0,
  text: '',
  calls: {},
  asks: {},
  steers: [],
})
