/**
 * The projection of each thread as far as it was last needed: its high-water mark, where its runs
 * begin and end, and marks to begin a stream from. Only a cache; the log says the same.
 */

import type { Event } from '../../kernel/event.ts'
import type { Store } from '../../kernel/ports.ts'
import { createFolds, FOLD_PAGE, keepMark } from '../../wire/folds.ts'
import type { Frame } from './frame.ts'
import { isWord, projection, skim, type Word } from './project.ts'
import { emptyTelling, type Telling } from './telling.ts'

export interface RunSpan {
  /** Number of the last frame before the run. */
  startSeq: number
  /** Number of its last frame; null while it goes on. */
  endSeq: number | null
  cancelRequestedAt: number | null
  /** What was asked, by request id. */
  requests: Map<string, { operationHash: string; isDecided: boolean }>
}

export interface Mark {
  seq: number
  state: Telling
}

export interface Reckoning extends Mark {
  runs: ReadonlyMap<string, RunSpan>
  /** Number of the last `turn.end`. */
  lastTurnEnd: number
  /** The latest place to begin from for a client that has read `since` frames. */
  seed(since: number): Mark
}

export interface Journal {
  /** The projection of the thread up to at least `seq` of its log. */
  reckon(thread: string, seq: number): Promise<Reckoning>
  /** Frames after `since`, at most `limit`. */
  frames(thread: string, seq: number, since: number, limit: number): Promise<Frame[]>
  forget(thread: string): void
}

const MARK_EVERY = 1000
const MAX_MARKS = 64

interface Entry extends Mark {
  runs: Map<string, RunSpan>
  lastTurnEnd: number
  marks: Mark[]
}

/** Keeps the last `maxThreads` threads that were asked about. */
export function createJournal(store: Pick<Store, 'read'>, maxThreads = 256): Journal {
  const folds = createFolds(store, { begin: newEntry, take: noteAll, maxThreads })

  const reckon = async (thread: string, seq: number): Promise<Reckoning> => {
    const entry = await folds.upTo(thread, seq)
    const { state, runs, lastTurnEnd, marks } = entry
    const head = { seq: entry.seq, state }
    const seed = (since: number): Mark =>
      [...marks, head].findLast((m) => m.state.seq <= since) ?? origin(thread)
    return { ...head, runs, lastTurnEnd, seed }
  }

  return {
    reckon,
    async frames(thread, seq, since, limit) {
      const reckoning = await reckon(thread, seq)
      const frames: Frame[] = []
      let mark = reckoning.seed(since)
      while (mark.seq < reckoning.seq && frames.length < limit) {
        const events = await store.read(thread, mark.seq, FOLD_PAGE)
        if (events.length === 0) break
        for (const event of events) {
          const [state, told] = projection.tell(mark.state, event)
          mark = { seq: event.seq, state }
          frames.push(...told.filter((f) => f.seq > since))
        }
      }
      return frames.slice(0, limit)
    },
    forget: folds.forget,
  }
}

const origin = (thread: string): Mark => ({ seq: 0, state: emptyTelling(thread) })

const newEntry = (thread: string): Entry => ({
  ...origin(thread),
  runs: new Map(),
  lastTurnEnd: 0,
  marks: [],
})

/** Words between two places where a mark may be are laid on in one step. */
function noteAll(entry: Entry, events: readonly Event[]): void {
  let words: Word[] = []
  for (const event of events) {
    if (isWord(event) && event.seq % MARK_EVERY !== 0) {
      words.push(event)
      continue
    }
    noteWords(entry, words)
    words = []
    note(entry, event)
  }
  noteWords(entry, words)
}

function noteWords(entry: Entry, words: readonly Word[]): void {
  const last = words.at(-1)
  if (!last) return
  entry.state = skim(entry.state, words)
  entry.seq = last.seq
}

function note(entry: Entry, event: Event): void {
  const before = { seq: entry.seq, state: entry.state }
  if (event.type === 'run.started' || event.seq % MARK_EVERY === 0)
    keepMark(entry.marks, before, MAX_MARKS)
  const [state, frames] = projection.tell(entry.state, event)
  entry.seq = event.seq
  entry.state = state
  noteRun(entry, event, before.state.seq, state.seq)
  for (const frame of frames) noteFrame(entry, frame)
}

function noteRun(entry: Entry, event: Event, before: number, after: number): void {
  const id = event.run
  if (id === null) return
  if (event.type === 'run.started')
    entry.runs.set(id, {
      startSeq: before,
      endSeq: null,
      cancelRequestedAt: null,
      requests: new Map(),
    })
  const span = entry.runs.get(id)
  if (!span) return
  if (event.type === 'run.ended') span.endSeq = after
  if (event.type === 'run.cancelling') span.cancelRequestedAt ??= event.at
}

function noteFrame(entry: Entry, { seq, run, body }: Frame): void {
  if (body.type === 'turn.end') entry.lastTurnEnd = seq
  const requests = run === null ? undefined : entry.runs.get(run)?.requests
  if (body.type === 'permission.request')
    requests?.set(body.requestId as string, {
      operationHash: body.operationHash as string,
      isDecided: false,
    })
  const answered = requests?.get(body.requestId as string)
  if (body.type === 'permission.response' && answered) answered.isDecided = true
}
