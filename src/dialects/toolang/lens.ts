/** What Toolang's clients read of a thread: the events of its runs, in the thread's order. */

import { lens } from '../../wire/lens.ts'
import { sseFrame } from '../../wire/sse.ts'
import { threadId } from './id.ts'
import { projection } from './project.ts'
import { threadEvent } from './stream.ts'
import type { Telling, Told } from './telling.ts'

interface Seen {
  telling: Telling
}

/** A frame names its thread in the dress of its kind, which only the fold knows. */
interface Shown {
  told: Told
  thread: string
}

export const toolangLens = lens<Seen, Shown>({
  stream: 'GET /api/v1/threads/{thread_id}/stream',
  carrier: 'sse',
  projection: {
    open: (thread) => ({ telling: projection.open(thread) }),
    tell({ telling }, event) {
      const [next, told] = projection.tell(telling, event)
      const thread = threadId(next.kind, next.thread)
      return [{ telling: next }, told.map((one) => ({ told: one, thread }))]
    },
  },
  write: ({ told, thread }) =>
    sseFrame({ id: told.cursor, event: 'event', data: threadEvent(told, thread) }),
})
