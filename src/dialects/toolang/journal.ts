/**
 * Each thread as far as it was last needed: where its numbers are, what is known of its runs for
 * lists, and marks to begin a stream from. Only a cache; the log says the same.
 */

import type { Event } from '../../kernel/event.ts'
import type { Store } from '../../kernel/ports.ts'
import { hintsOf, type ThreadHints } from './context.ts'
import type { ThreadKind } from './id.ts'
import { gist, type Part } from './parts.ts'
import { projection } from './project.ts'
import { emptyTelling, type Telling, type Told } from './telling.ts'

/** A run as lists show it. */
export interface Sketch {
  id: string
  status: 'running' | 'finished' | 'failed' | 'canceled'
  inputText: string
  /** What was said last. */
  said: string
  error: string | null
  /** The step that went wrong, when one did. */
  failed: { index: number; kind: string; error: string | null } | null
  /** The run that replaced it; null: something did, but no run; undefined: it counts. */
  replacedBy?: string | null
  createdAt: number
  startedAt: number | null
  endedAt: number | null
  firstSeq: number
  cursor: number
  modelSteps: number
  toolSteps: number
}

export interface Mark {
  seq: number
  state: Telling
}

export interface Reckoning extends Mark {
  kind: ThreadKind
  peer: { type: string; name: string; thread: string | null }
  parent: string | null
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
  /** What the thread tells from `from` on, up to `seq` of its log. */
  told(thread: string, from: Mark, seq: number): AsyncIterable<Told>
}

const PAGE = 2_000
const MARK_EVERY = 2_000
const MAX_MARKS = 32
const USER = { type: 'user', name: 'user', thread: null }

interface Entry extends Mark {
  peer: Reckoning['peer']
  parent: string | null
  openedAt: number
  updatedAt: number
  runs: Map<string, Sketch>
  marks: Mark[]
  /** Runs that the next retry replaces. */
  rewound: string[]
  reading: Promise<void>
}

const newEntry = (thread: string): Entry => ({
  ...{ seq: 0, state: emptyTelling(thread), peer: USER, parent: null, openedAt: 0, updatedAt: 0 },
  ...{ runs: new Map(), marks: [], rewound: [], reading: Promise.resolve() },
})

/** Keeps the last `maxThreads` threads that were asked about. */
export function createJournal(store: Pick<Store, 'read'>, maxThreads = 1_000): Journal {
  const entries = new Map<string, Entry>()

  const entryOf = (thread: string): Entry => {
    const entry = entries.get(thread) ?? newEntry(thread)
    entries.delete(thread)
    entries.set(thread, entry)
    const oldest = entries.keys().next().value
    if (entries.size > maxThreads && oldest !== undefined) entries.delete(oldest)
    return entry
  }

  const advance = async (entry: Entry, thread: string, seq: number): Promise<void> => {
    while (entry.seq < seq) {
      const events = await store.read(thread, entry.seq, PAGE)
      if (events.length === 0) return
      for (const event of events) if (event.seq > entry.seq) note(entry, event)
    }
  }

  return {
    async reckon(thread, seq) {
      const entry = entryOf(thread)
      const reading = entry.reading.then(() => advance(entry, thread, seq))
      entry.reading = reading.catch(() => undefined)
      await reading
      return reckoning(thread, entry)
    },
    async *told(thread, from, seq) {
      let { state, seq: at } = from
      while (at < seq) {
        const events = await store.read(thread, at, PAGE)
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
  const { seq, state, peer, parent, openedAt, updatedAt, runs, marks } = entry
  const head = { seq, state }
  const origin = { seq: 0, state: emptyTelling(thread) }
  return {
    ...head,
    kind: state.kind,
    ...{ peer, parent, openedAt, updatedAt },
    runs: [...runs.values()],
    run: (id) => runs.get(id),
    seed: (after) => [...marks, head].findLast((m) => m.state.cursor <= after) ?? origin,
  }
}

function note(entry: Entry, event: Event): void {
  if (event.type === 'run.started' || event.seq % MARK_EVERY === 0) keep(entry)
  const [state, told] = projection.tell(entry.state, event)
  entry.seq = event.seq
  entry.state = state
  noteFact(entry, event)
  for (const one of told) noteTold(entry, one)
}

/** When there are too many marks every second one goes, so that they stay spread over the log. */
function keep({ marks, seq, state }: Entry): void {
  marks.push({ seq, state })
  if (marks.length > MAX_MARKS)
    marks.splice(0, marks.length, ...marks.filter((_, i) => i % 2 === 0))
}

function noteFact(entry: Entry, event: Event): void {
  const sketch = event.run === null ? undefined : entry.runs.get(event.run)
  switch (event.type) {
    case 'thread.opened':
      entry.openedAt = event.at
      entry.updatedAt = event.at
      entry.peer = hintsOf<ThreadHints>(event.data.origin).peer ?? USER
      entry.parent = event.data.parent?.thread ?? null
      return
    case 'thread.rewound':
      entry.rewound = event.data.runs
      for (const id of event.data.runs) replace(entry, id, null)
      return
    case 'run.created':
      if (event.data.kind === 'compact') return
      entry.runs.set(event.run as string, newSketch(entry, event.run as string, event))
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

function replace(entry: Entry, id: string, by: string | null): void {
  const sketch = entry.runs.get(id)
  if (sketch) sketch.replacedBy = by
}

const newSketch = (entry: Entry, id: string, { at, seq }: Event): Sketch => ({
  ...{ id, status: 'running', inputText: gist(entry.state.runs[id]?.parts ?? []), said: '' },
  ...{ error: null, failed: null, createdAt: at, startedAt: null, endedAt: null },
  ...{ firstSeq: seq, cursor: 0, modelSteps: 0, toolSteps: 0 },
})

function noteTold(entry: Entry, { run, runCursor, type, payload }: Told): void {
  const sketch = entry.runs.get(run)
  if (!sketch || runCursor === 0) return
  sketch.cursor = runCursor
  if (type === 'run_end') {
    sketch.status = payload.status as Sketch['status']
    sketch.error = payload.error as string | null
  }
  if (type !== 'step_end') return
  if (payload.kind === 'model_call') sketch.modelSteps++
  else sketch.toolSteps++
  const said = gist(payload.output as Part[])
  if (said !== '') sketch.said = said
  sketch.failed =
    payload.status === 'failed'
      ? {
          index: payload.step_index as number,
          kind: payload.kind as string,
          error: payload.error as string | null,
        }
      : null
}
