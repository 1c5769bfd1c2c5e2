/**
 * Each thread as far as it was last needed: where its numbers are, what is known of its runs for
 * lists, and marks to begin a stream from. Only a cache; the log says the same.
 */

import type { Event } from '../../kernel/event.ts'
import type { InputPart, Message } from '../../kernel/part.ts'
import type { Store } from '../../kernel/ports.ts'
import { createFolds, FOLD_PAGE, keepMark } from '../../wire/folds.ts'
import { Recent } from '../../wire/recent.ts'
import { hintsOf, type ThreadHints } from './context.ts'
import type { ThreadKind } from './id.ts'
import { fromInput, gist } from './parts.ts'
import { projection } from './project.ts'
import { newSketch, noteTold, type Sketch } from './sketch.ts'
import { type Tally, tallyOf } from './tally.ts'
import { emptyTelling, type Telling, type Told } from './telling.ts'

export interface Mark {
  seq: number
  state: Telling
}

export interface Reckoning extends Mark {
  kind: ThreadKind
  peer: { type: string; name: string; thread: string | null }
  parent: string | null
  /** What the conversation began with, when it began in another thread. */
  inherited: string | null
  openedAt: number
  updatedAt: number
  /** Oldest first. */
  runs: readonly Sketch[]
  run(id: string): Sketch | undefined
  /** The latest place to begin from for a client that has read up to `after`. */
  seed(after: number): Mark
}

export interface Journal {
  /** The thread up to at least `seq` of its log. */
  reckon(thread: string, seq: number): Promise<Reckoning>
  tally(thread: string, seq: number): Promise<Tally>
  /** Never changes, and is read once. */
  kind(thread: string, seq: number): Promise<ThreadKind>
  /** What the thread tells from `from` on, up to `seq` of its log. */
  told(thread: string, from: Mark, seq: number): AsyncIterable<Told>
}

const MARK_EVERY = 2_000
const MAX_MARKS = 32
/** Small, and asked for by every list. */
const MAX_TALLIES = 20_000
const USER = { type: 'user', name: 'user', thread: null }

interface Entry extends Mark {
  peer: Reckoning['peer']
  parent: string | null
  inherited: string | null
  openedAt: number
  updatedAt: number
  runs: Map<string, Sketch>
  marks: Mark[]
  /** Runs that the next retry replaces. */
  rewound: string[]
}

const newEntry = (thread: string): Entry => ({
  ...{
    seq: 0,
    state: emptyTelling(thread),
    peer: USER,
    parent: null,
    inherited: null,
    openedAt: 0,
    updatedAt: 0,
  },
  ...{ runs: new Map(), marks: [], rewound: [] },
})

/** Keeps the last `maxThreads` threads that were asked about. */
export function createJournal(store: Pick<Store, 'read'>, maxThreads = 1_000): Journal {
  const folds = createFolds(store, { begin: newEntry, take: noteAll, maxThreads })
  const reckon = async (thread: string, seq: number): Promise<Reckoning> =>
    reckoning(thread, await folds.upTo(thread, seq))

  const tallies = new Recent<Tally>(MAX_TALLIES)
  const tally = async (thread: string, seq: number): Promise<Tally> => {
    const known = tallies.get(thread)
    if (known && known.seq >= seq) return known
    const found = tallyOf(await reckon(thread, seq))
    tallies.set(thread, found)
    return found
  }

  return {
    reckon,
    tally,
    kind: async (thread, seq) => (tallies.get(thread) ?? (await tally(thread, seq))).kind,
    async *told(thread, from, seq) {
      let { state, seq: at } = from
      while (at < seq) {
        const events = await store.read(thread, at, FOLD_PAGE)
        if (events.length === 0) return
        for (const event of events) {
          if (event.seq > seq) return
          const [next, told] = projection.tell(state, event)
          state = next
          at = event.seq
          yield* told
        }
      }
    },
  }
}

function reckoning(thread: string, entry: Entry): Reckoning {
  const { seq, state, peer, parent, inherited, openedAt, updatedAt, runs, marks } = entry
  const head = { seq, state }
  const origin = { seq: 0, state: emptyTelling(thread) }
  return {
    ...head,
    kind: state.kind,
    ...{ peer, parent, inherited, openedAt, updatedAt },
    runs: [...runs.values()],
    run: (id) => runs.get(id),
    seed: (after) => [...marks, head].findLast((m) => m.state.cursor <= after) ?? origin,
  }
}

function noteAll(entry: Entry, events: readonly Event[]): void {
  for (const event of events) note(entry, event)
}

function note(entry: Entry, event: Event): void {
  if (event.type === 'run.started' || event.seq % MARK_EVERY === 0)
    keepMark(entry.marks, { seq: entry.seq, state: entry.state }, MAX_MARKS)
  const [state, told] = projection.tell(entry.state, event)
  entry.seq = event.seq
  entry.state = state
  noteFact(entry, event)
  for (const one of told) {
    const sketch = one.runCursor === 0 ? undefined : entry.runs.get(one.run)
    if (sketch) noteTold(sketch, one)
  }
}

function noteFact(entry: Entry, event: Event): void {
  const sketch = event.run === null ? undefined : entry.runs.get(event.run)
  switch (event.type) {
    case 'thread.opened':
      entry.openedAt = event.at
      entry.updatedAt = event.at
      entry.peer = hintsOf<ThreadHints>(event.data.origin).peer ?? USER
      entry.parent = event.data.parent?.thread ?? null
      entry.inherited = beginningOf(event.data.history ?? [])
      return
    case 'thread.rewound':
      entry.rewound = event.data.runs
      for (const id of event.data.runs) replace(entry, id, null)
      return
    case 'run.created':
      if (event.data.kind === 'compact') return
      entry.runs.set(event.run as string, sketched(entry, event.run as string, event))
      if (event.data.retryOf === undefined) return
      for (const id of entry.rewound) replace(entry, id, event.run as string)
      entry.rewound = []
      return
    case 'run.started':
      if (sketch) sketch.startedAt = event.at
      entry.updatedAt = event.at
      return
    case 'run.ended':
      if (sketch) sketch.endedAt = event.at
      entry.updatedAt = event.at
      return
  }
}

const sketched = ({ state }: Entry, id: string, event: Event): Sketch =>
  newSketch(id, state.runs[id]?.parts ?? [], event)

function beginningOf(history: readonly Message[]): string | null {
  const first = history.find((m) => m.role === 'user')
  return first ? gist(fromInput(first.parts as InputPart[])) || null : null
}

function replace(entry: Entry, id: string, by: string | null): void {
  const sketch = entry.runs.get(id)
  if (sketch) sketch.replacedBy = by
}
