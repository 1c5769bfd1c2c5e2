/**
 * What the request that opened a session said, when it came through this dialect. It never changes, so
 * what was once read stays true; only a cache of the first event of each log.
 */

import type { EventOf } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import type { Engine } from '../../kernel/ports.ts'
import { Recent } from '../../wire/recent.ts'

export type Hints = { [key: string]: Json }

export interface SessionIndex {
  hints(thread: string): Promise<Hints>
  close(): void
}

const MAX_KNOWN = 100_000

export function createSessionIndex({
  store,
  onCommit,
}: {
  store: Pick<Engine['store'], 'read'>
  onCommit: Engine['onCommit']
}): SessionIndex {
  const known = new Recent<Hints>(MAX_KNOWN)

  const keep = (thread: string, hints: Hints): Hints => {
    known.set(thread, hints)
    return hints
  }

  const close = onCommit((events) => {
    for (const event of events)
      if (event.type === 'thread.opened') keep(event.thread, hintsOf(event.data))
  })

  return {
    async hints(thread) {
      const found = known.get(thread)
      if (found) return found
      const [first] = await store.read(thread, 0, 1)
      return first?.type === 'thread.opened' ? keep(thread, hintsOf(first.data)) : {}
    },
    close,
  }
}

function hintsOf({ origin }: EventOf<'thread.opened'>['data']): Hints {
  const { dialect, hints } = origin
  const isOurs = dialect === 'oah' && typeof hints === 'object' && !Array.isArray(hints)
  return isOurs ? (hints ?? {}) : {}
}
