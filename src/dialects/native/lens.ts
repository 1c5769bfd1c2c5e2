/** What native clients read of a thread: every event is one frame. */

import { lens } from '../../wire/lens.ts'
import { projection, writeEvent } from './project.ts'

export const nativeLens = lens({
  stream: 'GET /manifold/v1/threads/{thread}/stream',
  carrier: 'sse',
  projection,
  write: writeEvent,
})
