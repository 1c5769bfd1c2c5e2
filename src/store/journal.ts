/**
 * The deltas that are on disk in the journal and not in the log's table yet. A thousand streams say
 * a few words at a time: a row of the journal holds what all of them said in one commit, where a
 * row of the log would be needed for each. This is the memory of those rows, by thread; readers
 * merge it with the log, and the settler moves it there.
 */

import type { Event } from '../kernel/event.ts'
import type { Chunk } from './job.ts'

/** What was said in one append, and the row of the journal that holds it. */
export interface Entry {
  firstSeq: number
  lastSeq: number
  events: Event[]
  /** As in a chunk. */
  size: number
  /** Characters in the journal. */
  length: number
  no: number
}

export const entryOf = (
  { firstSeq, lastSeq, size, body }: Chunk,
  events: Event[],
  no: number,
): Entry => ({
  ...{ firstSeq, lastSeq, size, events, no },
  length: body.length,
})

export class Journal {
  readonly #threads = new Map<string, Entry[]>()
  /** How many entries of each row are not in the log yet; rows are noted in their order. */
  readonly #rows = new Map<number, number>()
  #top = 0
  #size = 0

  /** Characters that are kept. */
  get size(): number {
    return this.#size
  }

  /** The last row that was noted. */
  get top(): number {
    return this.#top
  }

  /** Rows up to this one have been written, whether anything of them is still needed or not. */
  reach(no: number): void {
    this.#top = Math.max(this.#top, no)
  }

  /** Rows come in their order, and so do the entries of a thread. */
  note(thread: string, entry: Entry): void {
    this.reach(entry.no)
    this.#rows.set(entry.no, (this.#rows.get(entry.no) ?? 0) + 1)
    const entries = this.#threads.get(thread)
    if (entries) entries.push(entry)
    else this.#threads.set(thread, [entry])
    this.#size += entry.length
  }

  /** The entries with events after `after`, up to the one that has `upTo`. */
  between(thread: string, after: number, upTo: number): Entry[] {
    const entries = this.#threads.get(thread) ?? []
    return entries.filter((e) => e.lastSeq > after && e.firstSeq <= upTo)
  }

  threads(): string[] {
    return [...this.#threads.keys()]
  }

  /** 0 when there is nothing of the thread. */
  lastSeq(thread: string): number {
    return this.#threads.get(thread)?.at(-1)?.lastSeq ?? 0
  }

  /** Are these entries, in this order, the first of their thread? */
  startsWith(thread: string, entries: readonly Entry[]): boolean {
    const own = this.#threads.get(thread) ?? []
    return entries.every((e, i) => own[i] === e)
  }

  /** The rows below this one are not needed any more once the entries are in the log. */
  floorWithout(entries: readonly Entry[]): number {
    const gone = new Map<number, number>()
    for (const { no } of entries) gone.set(no, (gone.get(no) ?? 0) + 1)
    for (const [no, count] of this.#rows) if (count > (gone.get(no) ?? 0)) return no
    return this.#top + 1
  }

  /** Drops the first entries of a thread: they are in the log. */
  forget(thread: string, count: number): void {
    const entries = this.#threads.get(thread) ?? []
    for (const { no, length } of entries.splice(0, count)) {
      const left = (this.#rows.get(no) ?? 1) - 1
      if (left > 0) this.#rows.set(no, left)
      else this.#rows.delete(no)
      this.#size -= length
    }
    if (entries.length === 0) this.#threads.delete(thread)
  }

  /** The thread is gone. */
  drop(thread: string): void {
    this.forget(thread, Number.POSITIVE_INFINITY)
  }

  /** Who keeps the oldest row from going. */
  oldest(): string | null {
    const [no] = this.#rows.keys()
    if (no === undefined) return null
    for (const [thread, [first]] of this.#threads) if (first?.no === no) return thread
    return null
  }
}

/**
 * A row's body. Bodies of chunks are JSON already and stand in it as they are; a thread alone says
 * that everything of it up to here is gone.
 */
export const journalBody = (chunks: readonly Chunk[], erased: readonly string[] = []): string => {
  const gone = erased.map((thread) => JSON.stringify([thread]))
  const said = chunks.map(
    (c) => `[${JSON.stringify(c.thread)},${c.firstSeq},${c.lastSeq},${c.size},${c.body}]`,
  )
  return `[${[...gone, ...said].join(',')}]`
}

type Item =
  | [thread: string]
  | [thread: string, first: number, last: number, size: number, body: unknown]

/** What a row says: threads that were erased before, and chunks. */
export function readJournal(text: string): { erased: string[]; chunks: Chunk[] } {
  const erased: string[] = []
  const chunks: Chunk[] = []
  for (const item of JSON.parse(text) as Item[]) {
    const [thread] = item
    if (item.length === 1) erased.push(thread)
    else {
      const [, firstSeq, lastSeq, size, body] = item
      chunks.push({ thread, firstSeq, lastSeq, size, body: JSON.stringify(body) })
    }
  }
  return { erased, chunks }
}
