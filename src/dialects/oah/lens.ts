/** What OAH's clients read of a thread: the stream of its session. */

import { lens } from '../../wire/lens.ts'
import { writeFrame } from './frame.ts'
import { projection } from './project.ts'

export const oahLens = lens({
  stream: 'GET /api/v1/sessions/{sessionId}/events',
  carrier: 'sse',
  projection,
  write: writeFrame,
})
