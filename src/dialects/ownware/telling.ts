/** What the projection remembers between two events. Small between runs, so that it is cheap to keep. */

import type { RunKind, Stop } from '../../kernel/event.ts'
import { NO_USAGE, type Usage } from '../../kernel/usage.ts'
import type { Said } from './frame.ts'
import { ROOT } from './id.ts'
import type { PermissionRequest } from './permission.ts'

export interface Telling {
  /** Number of the last frame. */
  seq: number
  /** Last event of the log that was told. */
  log: number
  thread: string
  session: string
  agent: string
  /** A sub-agent: its first run was begun by its parent. */
  isChild: boolean
  /** Runs that exist and have not begun, by id. */
  queue: Record<string, Waiting>
  run: RunTelling | null
  /** How many runs have begun. */
  runs: number
  /** What the turn has said so far. Here and not in the turn, so that a delta changes one record. */
  text: string
  thinking: string
}

export interface Waiting {
  kind: RunKind
  said: Said
  /** Messages that came in before the run began. */
  steers: RunTelling['steers']
}

export interface RunTelling {
  id: string
  kind: RunKind
  model: string
  /** Messages for the run that no turn has read yet. */
  steers: (Said & { at: number })[]
  cancelling: boolean
  turn: TurnTelling | null
  /** Turns that were announced. */
  turns: number
  knownUsd: number
  /** Of the transcript that is being compacted. */
  contextTokens: number
  /** Requests that wait, by ask. */
  asks: Record<string, Asked[]>
  /** A frame was told at which the official client stops reading. */
  closed: boolean
}

export interface Asked extends PermissionRequest {
  /** It has been put before the client, and not only before the kernel's readers. */
  isTold: boolean
}

export interface TurnTelling {
  index: number
  model: string
  /** The model's answer is complete. */
  answered: boolean
  stop: Stop | null
  usage: Usage
  knownUsd: number
  /** Calls that were announced, in order, until their end was told. */
  open: OpenCall[]
  calls: number
}

export interface OpenCall {
  call: string
  tool: string
  child: { agent: string; turns: number; usage: Usage } | null
}

export const emptyTelling = (thread: string): Telling => ({
  seq: 0,
  log: 0,
  thread,
  session: thread,
  agent: ROOT,
  isChild: false,
  queue: {},
  run: null,
  runs: 0,
  text: '',
  thinking: '',
})

/** After a word. Written out, because a record that is spread from a spread is copied far slower. */
export const spoken = (
  state: Telling,
  { seq, log, text, thinking }: Pick<Telling, 'seq' | 'log' | 'text' | 'thinking'>,
): Telling => ({
  seq,
  log,
  thread: state.thread,
  session: state.session,
  agent: state.agent,
  isChild: state.isChild,
  queue: state.queue,
  run: state.run,
  runs: state.runs,
  text,
  thinking,
})

export const newTurn = (index: number, model: string): TurnTelling => ({
  index,
  model,
  answered: false,
  stop: null,
  usage: NO_USAGE,
  knownUsd: 0,
  open: [],
  calls: 0,
})

/** A run goes on, or is about to: a sub-agent may be listened to before its log has begun. */
export const isLive = (state: Telling): boolean =>
  state.log === 0 || state.run !== null || Object.keys(state.queue).length > 0

/** The run will say nothing more. True also of a run that the log does not know. */
export const isOver = (state: Telling, run: string): boolean =>
  state.run?.id !== run && state.queue[run] === undefined
