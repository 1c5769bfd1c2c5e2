/**
 * Thread rows that an older program wrote lack columns of today. They are made again from the log
 * before the store is used, so that lists never say less than the log does.
 */

import type { Event } from '../kernel/event.ts'
import { isFault } from '../kernel/fault.ts'
import type { Store } from '../kernel/ports.ts'
import { rebuild } from '../kernel/rows.ts'
import type { Row, Statement } from './db.ts'
import { unfilledThreads } from './sql.ts'

const PAGE = 5_000

export async function fillRows(
  store: Store,
  all: (statement: Statement) => Promise<Row[]>,
): Promise<void> {
  for (const { id } of await all(unfilledThreads())) await fill(store, id as string)
}

async function fill(store: Store, id: string): Promise<void> {
  const events: Event[] = []
  for (let count = PAGE; count >= PAGE; ) {
    const page = await store.read(id, events.at(-1)?.seq ?? 0, PAGE)
    events.push(...page)
    count = page.length
  }
  try {
    await store.reindex(id, rebuild(id, events))
  } catch (error) {
    // Another process writes to the thread, and fills its row by that.
    if (!isFault(error) || error.code !== 'stale') throw error
  }
}
