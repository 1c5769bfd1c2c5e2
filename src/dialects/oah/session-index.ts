/**
 * Which folder each thread works in. A thread never changes its folder, so what was once read stays
 * true; only a cache of the first event of each log.
 */

import { resolve } from 'node:path'
import type { EventOf } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import type { Engine } from '../../kernel/ports.ts'
import type { ThreadRow } from '../../kernel/rows.ts'

export interface Opening {
  /** Absolute. */
  root: string
  /** What the request that opened it said, when it came through this dialect. */
  hints: { [key: string]: Json }
}

export interface SessionIndex {
  opening(thread: string): Promise<Opening>
  /** The account's threads, those that changed last first. */
  rows(account: string): AsyncGenerator<{ row: ThreadRow; opening: Opening }>
  close(): void
}

const PAGE = 500
const MAX_KNOWN = 100_000

export function createSessionIndex({
  store,
  onCommit,
}: {
  store: Pick<Engine['store'], 'read' | 'threads'>
  onCommit: Engine['onCommit']
}): SessionIndex {
  const known = new Map<string, Opening>()

  const keep = (thread: string, opening: Opening): Opening => {
    known.set(thread, opening)
    const oldest = known.keys().next().value
    if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest)
    return opening
  }

  const opening = async (thread: string): Promise<Opening> => {
    const found = known.get(thread)
    if (found) return found
    const [first] = await store.read(thread, 0, 1)
    return first?.type === 'thread.opened'
      ? keep(thread, openingOf(first.data))
      : { root: '', hints: {} }
  }

  const close = onCommit((events) => {
    for (const event of events)
      if (event.type === 'thread.opened') keep(event.thread, openingOf(event.data))
  })

  return {
    opening,
    async *rows(account) {
      for (let offset = 0; ; offset += PAGE) {
        const { items } = await store.threads({ account, limit: PAGE, offset })
        for (const row of items) yield { row, opening: await opening(row.id) }
        if (items.length < PAGE) return
      }
    },
    close,
  }
}

function openingOf({ workspace, origin }: EventOf<'thread.opened'>['data']): Opening {
  const { dialect, hints } = origin
  const isOurs = dialect === 'oah' && typeof hints === 'object' && !Array.isArray(hints)
  return { root: resolve(workspace), hints: isOurs ? (hints ?? {}) : {} }
}
