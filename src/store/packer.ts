/**
 * Packing: neighbouring rows that hold nothing but deltas become one row in less space. What is
 * told of them stays as it was: every event, with its own seq and time. The work is done here, in
 * small portions; the writer only swaps the rows, in one transaction.
 */

import { setImmediate } from 'node:timers/promises'
import type { Event } from '../kernel/event.ts'
import { decode, encode, pack } from './codec.ts'
import type { Row, Statement } from './db.ts'
import type { Answer, Job } from './job.ts'
import * as sql from './sql.ts'

/** About how many characters of text go into one packed row. */
export const PACKED_SIZE = 65_536

const SEEN_LIMIT = 10_000

/** Rows that are opened before others get their turn. */
const PORTION = 500

export interface Span {
  firstSeq: number
  lastSeq: number
  size: number
}

/** Which rows become one: neighbours, `least` or more, together not larger than a packed row may be. */
export function groupsOf<S extends Span>(spans: readonly S[], least = 2): S[][] {
  const groups: S[][] = []
  let group: S[] = []
  let size = 0
  for (const span of spans) {
    const last = group.at(-1)
    const fits = last && last.lastSeq + 1 === span.firstSeq && size + span.size <= PACKED_SIZE
    if (!fits) {
      groups.push(group)
      group = []
      size = 0
    }
    group.push(span)
    size += span.size
  }
  groups.push(group)
  return groups.filter((g) => g.length >= least)
}

export function createPacker(
  all: (statement: Statement) => Promise<Row[]>,
  submit: (job: Job) => Promise<Answer>,
): (thread: string, seq: number) => Promise<void> {
  /** Up to where a thread was packed, so that a long one is not looked through from the beginning. */
  const seen = new Map<string, number>()

  function note(thread: string, seq: number): void {
    if (seen.size >= SEEN_LIMIT) seen.clear()
    seen.set(thread, seq)
  }

  async function eventsOf(thread: string, group: Span[]): Promise<Event[]> {
    const events: Event[] = []
    for (let i = 0; i < group.length; i += PORTION) {
      const after = (group[i] as Span).firstSeq - 1
      const upTo = (group[Math.min(i + PORTION, group.length) - 1] as Span).lastSeq
      for (const row of await all(sql.chunksAfter(thread, after, upTo)))
        events.push(...decode(thread, row.first_seq as number, row.body as string))
      await setImmediate()
    }
    return events
  }

  return async (thread, seq) => {
    const rows = await all(sql.deltaChunks(thread, seen.get(thread) ?? 0, seq))
    for (const group of groupsOf(rows.map(spanOf))) {
      const firstSeq = (group[0] as Span).firstSeq
      const lastSeq = (group.at(-1) as Span).lastSeq
      const events = await eventsOf(thread, group)
      // The thread was erased, or another packer was here first.
      if (events.length !== lastSeq - firstSeq + 1) return
      const size = group.reduce((sum, s) => sum + s.size, 0)
      const body = await pack(encode(events))
      const chunk = { thread, firstSeq, lastSeq, size, body }
      await submit({ do: 'repack', chunk, count: group.length })
    }
    note(thread, seq)
  }
}

const spanOf = (row: Row): Span => ({
  firstSeq: row.first_seq as number,
  lastSeq: row.last_seq as number,
  size: row.size as number,
})
