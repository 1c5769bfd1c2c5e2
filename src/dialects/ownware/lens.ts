/** What Ownware's clients read of a thread: the stream of its root agent. */

import { lens } from '../../wire/lens.ts'
import { writeFrame } from './frame.ts'
import { projection } from './project.ts'

export const ownwareLens = lens({
  stream: 'GET /api/v1/threads/{threadId}/agents/root/events',
  carrier: 'sse',
  projection,
  write: writeFrame,
})
