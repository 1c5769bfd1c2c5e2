/**
 * Moves deltas from the journal into the log: neighbours become one packed row. Done when a run has
 * ended, and for the oldest when the journal grows. The log says the same before and after, and
 * what is in neither is never seen: the memory of a chunk goes when its row of the log is there.
 */

import { setImmediate } from 'node:timers/promises'
import { encode, pack } from './codec.ts'
import type { Answer, Chunk, Job } from './job.ts'
import type { Entry, Journal } from './journal.ts'
import { groupsOf } from './packer.ts'

/** Characters in the journal above which its oldest rows are settled. */
const ROOMY = 32 * 1024 * 1024

/** Threads that are settled at the same time, and so in the same commit. */
const PORTION = 32

export interface Settler {
  /** Everything of the thread up to the entry that has `seq`. */
  settle(thread: string, seq: number): Promise<void>
  /** To be said when the journal has grown. */
  relieve(): void
  /** Settles what is in the journal now, one thread after the other. */
  sweep(): void
  /**
   * Takes away every row that is there now, with the words of an erased thread in it. What others
   * said in these rows is settled, for they may wait for days.
   */
  clear(): Promise<void>
}

export function createSettler(
  journal: Journal,
  submit: (job: Job) => Promise<Answer>,
  onError: (error: Error) => void,
): Settler {
  /** One at a time in a thread: the second finds nothing left to do. */
  const busy = new Map<string, Promise<void>>()
  let isRelieving = false
  /** Rows below this one are gone. */
  let trimmed = 0

  async function move(thread: string, seq: number): Promise<void> {
    const entries = journal.between(thread, 0, seq)
    if (entries.length === 0) return
    const chunks: Chunk[] = []
    for (const group of groupsOf(entries, 1)) chunks.push(await merge(thread, group))
    // The thread was erased meanwhile.
    if (!journal.startsWith(thread, entries)) return
    const below = journal.floorWithout(entries)
    await submit({ do: 'settle', thread, chunks, below })
    // Refused, they are of a thread that is gone, and go with it.
    if (journal.startsWith(thread, entries)) journal.forget(thread, entries.length)
    trimmed = Math.max(trimmed, below)
  }

  /** Threads that are settled at the same time keep each other's rows; the last one clears up. */
  async function trim(): Promise<void> {
    const below = journal.floorWithout([])
    if (busy.size > 0 || below <= trimmed) return
    trimmed = below
    await submit({ do: 'trim', below })
  }

  async function settle(thread: string, seq: number): Promise<void> {
    const before = busy.get(thread) ?? Promise.resolve()
    const mine = before.catch(() => {}).then(() => move(thread, seq))
    busy.set(thread, mine)
    try {
      await mine
    } finally {
      if (busy.get(thread) === mine) busy.delete(thread)
    }
    await trim()
  }

  async function sweep(): Promise<void> {
    for (const thread of journal.threads()) {
      await settle(thread, journal.lastSeq(thread))
      await setImmediate()
    }
  }

  async function clear(): Promise<void> {
    const threads = journal.threads()
    while (threads.length > 0) {
      const some = threads.splice(0, PORTION)
      await Promise.all(some.map((thread) => settle(thread, journal.lastSeq(thread))))
      await setImmediate()
    }
    await trim()
  }

  async function relieve(): Promise<void> {
    while (journal.size > ROOMY / 2) {
      const thread = journal.oldest()
      if (thread === null) return
      await settle(thread, Number.MAX_SAFE_INTEGER)
      await setImmediate()
    }
  }

  return {
    settle,
    sweep: () => void sweep().catch(onError),
    clear,
    relieve: () => {
      if (isRelieving || journal.size <= ROOMY) return
      isRelieving = true
      relieve()
        .catch(onError)
        .finally(() => {
          isRelieving = false
        })
    },
  }
}

/** Shorter bodies gain next to nothing. */
const WORTH_PACKING = 512

/** One row for all, in less space where that is less; what cannot be packed stays as it is. */
async function merge(thread: string, group: readonly Entry[]): Promise<Chunk> {
  const plain = encode(group.flatMap((e) => e.events))
  const packed = plain.length < WORTH_PACKING ? plain : await pack(plain).catch(() => plain)
  const size = group.reduce((sum, e) => sum + e.size, 0)
  const body = packed.length < plain.length ? packed : plain
  const { firstSeq } = group[0] as Entry
  const { lastSeq } = group.at(-1) as Entry
  return { thread, firstSeq, lastSeq, size, body }
}
