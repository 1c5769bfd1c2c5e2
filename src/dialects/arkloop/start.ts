/**
 * A run is asked for. A thread that has one refuses another, an account that has too many refuses
 * one more.
 */

import type { RunRow } from '../../kernel/rows.ts'
import type { Thread } from '../../kernel/thread.ts'
import type { Context } from './context.ts'
import { originOf } from './hints.ts'
import {
  askedOf,
  choose,
  continuation,
  type From,
  inputOf,
  inTurn,
  make,
  type Started,
} from './making.ts'
import { type Posted, transcriptOf } from './message.ts'
import { statusOf } from './run-view.ts'
import type { RunBody } from './schema.ts'

/** The messages that wait become the input; without any, the model is told to go on. */
export async function startRun(
  context: Context,
  from: From,
  thread: Thread,
  body: RunBody,
): Promise<Started> {
  return inTurn(context, thread.id, async (current) => {
    const { engine } = context
    const { pending, shown } = await transcriptOf(engine, current)
    const tail = shown.at(-1)
    const resumed = await resumable(context, current, pending)
    const asked = {
      ...askedOf(body),
      ...(tail ? { thread_tail_message_id: tail.id } : {}),
      ...continuation(resumed),
    }
    const { hints, choice } = await choose(context, from, body, asked)
    const origin = originOf(from.actor, hints)
    const input = inputOf(pending, current)
    const submit = { do: 'submit' as const, busy: 'reject' as const, input, origin, ...choice }
    return make(context, from, current, { request: submit, messages: pending.map((m) => m.id) })
  })
}

/** A run that broke off, when somebody has said something since. */
async function resumable(
  { engine }: Context,
  thread: Thread,
  pending: readonly Posted[],
): Promise<RunRow | null> {
  const { last } = thread
  if (!last || pending.length === 0 || thread.rewound.includes(last.id)) return null
  const row = await engine.store.run(last.id)
  if (!row || row.startedAt === null) return null
  return ['cancelled', 'interrupted'].includes(statusOf(row)) ? row : null
}
