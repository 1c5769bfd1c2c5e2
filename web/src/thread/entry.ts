/** What a conversation is made of when it is shown: one entry for each thing that was said or done. */

import type {
  AskBody,
  InputPart,
  Json,
  Outcome,
  Ruling,
  RunKind,
  RunOutcome,
  Settled,
  Usage,
} from '../api/types.ts'

interface Placed {
  /** Stable for the life of the thread. */
  key: string
  /** Null for what belongs to no run: the history that a fork began with. */
  run: string | null
  /** Of the last event that had a part in it: a fork from here has all of it. */
  seq: number
  at: number
}

export type Entry = Placed &
  (
    | { kind: 'user'; parts: InputPart[]; isSteered: boolean; dialect: string | null }
    | { kind: 'text'; text: string; isOpen: boolean }
    | { kind: 'thinking'; text: string; isOpen: boolean; until: number }
    | CallFacts
    | { kind: 'ask'; ask: string; body: AskBody; open: string[]; settled: Settlement | null }
    | { kind: 'break'; cause: string; words: string | null; retryAt: number | null }
    | {
        kind: 'compaction'
        state: 'going' | 'done' | 'not'
        summary: string
        tokens: { before: number; after: number } | null
        words: string | null
      }
    | { kind: 'note'; level: 'info' | 'warn' | 'error'; text: string }
    | { kind: 'undone'; reason: string; entries: Entry[] }
    | {
        kind: 'end'
        of: RunKind
        outcome: RunOutcome
        stop: string
        trouble: { code: string; message: string } | null
        usage: Usage
        turns: number
        model: string | null
        durationMs: number
      }
  )

export type EntryOf<K extends Entry['kind']> = Extract<Entry, { kind: K }>

export interface CallFacts {
  kind: 'call'
  part: number
  call: string
  tool: string
  /** The JSON text of the input as far as it was written. */
  args: string
  /** The input once all of it was said. */
  input: Json | undefined
  state: 'writing' | 'ready' | 'running' | 'ended'
  ruling: Ruling | null
  /** What it printed while it ran. */
  progress: string
  startedAt: number | null
  result: { outcome: Outcome; output: string; durationMs: number; rawBytes: number } | null
  child: ChildFacts | null
}

export interface ChildFacts {
  thread: string
  run: string
  agent: string
  name: string
  task: string
  outcome: RunOutcome | null
  /** What the child, or one of its own, waits for. */
  asks: { ask: string; thread: string; body: AskBody; open: string[] }[]
}

export interface Settlement {
  how: Settled
  rulings: Record<string, Ruling>
  answer: Json | undefined
  limitUsd: number | undefined
}

export interface Waiting {
  run: string
  input: InputPart[]
  kind: RunKind
  agent: string | null
  model: string | null
  createdAt: number
}

export interface Going {
  run: string
  kind: RunKind
  agent: string
  model: string
  startedAt: number
  isCancelling: boolean
  turn: number
}

/** A thread as it is shown: everything that its log says to a person. */
export interface Conversation {
  seq: number
  agent: string
  model: string | null
  title: string | null
  dialect: string
  parent: { thread: string } | null
  forkedFrom: { thread: string; seq: number } | null
  entries: Entry[]
  queue: Waiting[]
  active: Going | null
  /** Open ones, also those of children. */
  asks: number
  usage: Usage
  /** Tokens of the next prompt as far as the last answer tells; null: nobody counted yet. */
  contextTokens: number | null
  /** The model that answered last. */
  lastModel: string | null
}
