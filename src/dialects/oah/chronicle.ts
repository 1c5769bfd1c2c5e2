/**
 * Each session as it was last asked for: its resources, and marks to begin its stream from. Only a
 * cache of the log; it is thrown away whole when too many sessions are asked for.
 */

import type { Event } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import type { Store } from '../../kernel/ports.ts'
import { createFolds, keepMark } from '../../wire/folds.ts'
import { note } from './chronicling.ts'
import { projection } from './project.ts'
import type { MessageRecord, RunRecord } from './record.ts'
import { emptyTelling, type Telling } from './telling.ts'

export interface Mark {
  seq: number
  state: Telling
}

export interface Chronicle {
  thread: string
  seq: number
  isChild: boolean
  parentRun: string | null
  /** What was said, in the order in which it was. */
  messages: MessageRecord[]
  /** What was said and waits for its turn. */
  waiting: Map<string, MessageRecord>
  /** Oldest first. */
  runs: Map<string, RunRecord>
  turn: OpenTurn | null
  telling: Telling
  marks: Mark[]
  compactions: number
}

/** The turn that is being said, as its messages and steps need it. */
export interface OpenTurn {
  run: string
  index: number
  spoken: { part: number; kind: 'text' | 'thinking'; text: string }[]
  message: MessageRecord | null
  calls: { call: string; tool: string; part: number; input: Json }[]
  metadata: { [key: string]: Json }
  step: number
}

export interface Chronicles {
  /** The session up to at least `seq` of its log. */
  read(thread: string, seq: number): Promise<Chronicle>
  /** The latest place to begin a stream from for a client that has seen frames up to `cursor`. */
  seed(chronicle: Chronicle, cursor: number): Mark | undefined
  forget(thread: string): void
}

const MARK_EVERY = 1000
const MAX_MARKS = 64

export function createChronicles(store: Pick<Store, 'read'>, maxThreads = 256): Chronicles {
  const folds = createFolds(store, { begin: emptyChronicle, take: stepAll, maxThreads })
  return {
    read: folds.upTo,
    seed: ({ marks, seq, telling }, cursor) =>
      [...marks, { seq, state: telling }].findLast((m) => m.state.next <= cursor + 1),
    forget: folds.forget,
  }
}

const emptyChronicle = (thread: string): Chronicle => ({
  thread,
  seq: 0,
  isChild: false,
  parentRun: null,
  messages: [],
  waiting: new Map(),
  runs: new Map(),
  turn: null,
  telling: emptyTelling(thread),
  marks: [],
  compactions: 0,
})

function stepAll(chronicle: Chronicle, events: readonly Event[]): void {
  for (const event of events) step(chronicle, event)
}

function step(chronicle: Chronicle, event: Event): void {
  if (event.type === 'run.started' || event.seq % MARK_EVERY === 0)
    keepMark(chronicle.marks, { seq: chronicle.seq, state: chronicle.telling }, MAX_MARKS)
  chronicle.telling = projection.tell(chronicle.telling, event)[0]
  note(chronicle, event)
  chronicle.seq = event.seq
}
