/** The agent's own list of what is to be done in a thread. Given whole each time. */

import { z } from 'zod'
import type { Tool } from '../kernel/ports.ts'
import { defineTool, done } from './define.ts'

const Input = z.strictObject({
  items: z
    .array(
      z.strictObject({
        text: z.string().min(1).max(500),
        status: z.enum(['pending', 'in_progress', 'done']),
      }),
    )
    .max(100)
    .describe('The whole list; it replaces the one before.'),
})

const BOXES = { pending: '[ ]', in_progress: '[>]', done: '[x]' } as const

export const createTodo = (): Tool =>
  defineTool({
    name: 'todo',
    about: 'Keep a list of the steps of a larger task. Send the whole list each time it changes.',
    input: Input,
    access: 'none',
    replayable: true,
    run: async ({ items }, { memory }) => {
      await memory.put('items', items)
      const lines = items.map((item) => `${BOXES[item.status]} ${item.text}`)
      return done(lines.join('\n') || 'The list is empty.', { items })
    },
  })
