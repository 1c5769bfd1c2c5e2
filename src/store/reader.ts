/**
 * Reading the log: a thread from any seq, and all threads in the order of their commits. A packed
 * row holds thousands of events; the last ones that were opened are kept, so that reading on from
 * the middle does not open the same row again for every page.
 */

import { type Event, isDelta } from '../kernel/event.ts'
import type { Store } from '../kernel/ports.ts'
import { decode } from './codec.ts'
import type { Row, Statement } from './db.ts'
import type { Entry, Journal } from './journal.ts'
import * as sql from './sql.ts'

/** Rows with fewer events are decoded again, and how many of the others are kept. */
const KEPT_FROM = 256
const KEPT_ROWS = 4

export function createReader(
  all: (statement: Statement) => Promise<Row[]>,
  journal?: Journal,
): Pick<Store, 'read' | 'feed' | 'feedEnd'> {
  const opened = new Map<string, Event[]>()

  /** What a range of a thread says never changes, so its name is enough to know it by. */
  function open(thread: string, row: Row): Event[] {
    const first = row.first_seq as number
    const count = (row.last_seq as number) - first + 1
    if (count < KEPT_FROM) return decode(thread, first, row.body as string)
    const name = `${thread} ${first} ${count}`
    const events = opened.get(name) ?? decode(thread, first, row.body as string)
    opened.delete(name)
    opened.set(name, events)
    for (const old of opened.keys()) {
      if (opened.size <= KEPT_ROWS) break
      opened.delete(old)
    }
    return events
  }

  return {
    read: async (thread, from, limit) => {
      const after = Math.max(0, Math.floor(from))
      const upTo = after + Math.max(1, Math.ceil(limit))
      // The journal is looked at first: what leaves it meanwhile is in the log by then.
      const said = journal?.between(thread, after, upTo) ?? []
      const rows = await all(sql.chunksAfter(thread, after, upTo))
      const items = inOrder(rows, said)
      // The thread has just been erased: the log is gone, and the memory of the journal is about to.
      if (items[0] && spanOf(items[0]).first > after + 1) return []
      return items.flatMap((item) => {
        const events = isEntry(item) ? item.events : open(thread, item)
        const first = (events[0] as Event).seq
        return events.slice(Math.max(0, after + 1 - first), Math.max(0, upTo + 1 - first))
      })
    },
    feed: async (after, limit) => {
      const rows = await all(sql.feedAfter(after, Math.max(1, limit)))
      const events: Event[] = []
      const places: number[] = []
      let cursor = after
      for (const row of rows) {
        const chunk = decode(row.thread as string, row.first_seq as number, row.body as string)
        events.push(...chunk.filter((e) => !isDelta(e.type)))
        cursor = row.pos as number
        while (places.length < events.length) places.push(cursor)
        if (events.length >= limit) break
      }
      return { cursor, events, places }
    },
    feedEnd: async () => {
      const [row] = await all(sql.topPos())
      return (row?.top as number | null) ?? 0
    },
  }
}

const isEntry = (item: Row | Entry): item is Entry => 'events' in item

/** Rows and entries by their seqs; an entry that a row has already does not count. */
function inOrder(rows: Row[], entries: Entry[]): (Row | Entry)[] {
  if (entries.length === 0) return rows
  const spans = [...rows, ...entries].map((item) => ({ item, ...spanOf(item) }))
  spans.sort((a, b) => a.first - b.first || b.last - a.last)
  let end = 0
  return spans.flatMap(({ item, last }) => {
    if (last <= end) return []
    end = last
    return [item]
  })
}

const spanOf = (item: Row | Entry): { first: number; last: number } =>
  isEntry(item)
    ? { first: item.firstSeq, last: item.lastSeq }
    : { first: item.first_seq as number, last: item.last_seq as number }
