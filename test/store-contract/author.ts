/** Writes to a thread as the engine does: events and rows from the fold, after the last known seq. */

import type { Draft, Event } from '../../src/kernel/event.ts'
import type { Append, Refusal, Store } from '../../src/kernel/ports.ts'
import { rowsOf } from '../../src/kernel/rows.ts'
import { emptyThread, fold, type Thread } from '../../src/kernel/thread.ts'
import { facts } from '../given.ts'

const START = Date.UTC(2026, 0, 1)

export class Author {
  readonly id: string
  #store: Store
  thread: Thread
  events: Event[] = []

  constructor(store: Store, id: string) {
    this.#store = store
    this.id = id
    this.thread = emptyThread(id)
  }

  /** The same folder, opened again. */
  goesOnIn(store: Store): void {
    this.#store = store
  }

  /** The append, and what the author knows once it is accepted. */
  prepare(drafts: Draft[], options: Partial<Append> = {}): { append: Append; thread: Thread } {
    const after = this.thread.seq
    const at = START + after * 7
    const events = drafts.map(
      (d, i) => ({ thread: this.id, seq: after + i + 1, at: at + i, ...d }) as Event,
    )
    const thread = fold(this.thread, events)
    const rows = rowsOf(thread, events)
    const append = { thread: this.id, after, epoch: null, events, rows, documents: [], ...options }
    return { append, thread }
  }

  async write(drafts: Draft[], options: Partial<Append> = {}): Promise<Refusal | null> {
    const { append, thread } = this.prepare(drafts, options)
    const refusal = await this.#store.append(append)
    if (refusal) return refusal
    this.thread = thread
    this.events.push(...append.events)
    return null
  }
}

/** A thread that is open and has a run in its first turn. */
export async function speaking(store: Store, id: string, account = 'local'): Promise<Author> {
  const author = new Author(store, id)
  const run = `${id}-run`
  await author.write([
    facts.opened({ account }),
    facts.created(run),
    facts.started(run),
    facts.turn(run),
  ])
  return author
}

/** The whole log of a thread, read in pages. */
export async function readAll(store: Store, thread: string, page = 100): Promise<Event[]> {
  const events: Event[] = []
  for (;;) {
    const more = await store.read(thread, events.at(-1)?.seq ?? 0, page)
    if (more.length === 0) return events
    events.push(...more)
  }
}
