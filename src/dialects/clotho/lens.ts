/** What Clotho's clients read of a thread: the socket of the chat. */

import { lens } from '../../wire/lens.ts'
import { writeFrame } from './frame.ts'
import { projection } from './project.ts'

export const clothoLens = lens({
  stream: 'WebSocket /ws/{chat_id}',
  carrier: 'socket',
  projection,
  write: writeFrame,
})
