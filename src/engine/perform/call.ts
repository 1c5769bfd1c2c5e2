/**
 * The turn of a run that is a call: what a model would have said is said by the command. From here
 * on the call is one like any other, with its permission, its hooks and its result.
 */

import { type Draft, draft, NO_MODEL } from '../../kernel/event.ts'
import type { Run } from '../../kernel/run.ts'
import { NO_USAGE } from '../../kernel/usage.ts'
import { unlessCancelled, type Work } from '../context.ts'

export async function performCall({ live }: Work): Promise<void> {
  await live.commit(unlessCancelled(callFacts), { isDriver: true })
}

function callFacts({ id, call, turn }: Run): Draft[] {
  if (!call || turn) return []
  const { tool, input } = call
  const at = { turn: 0, part: 0 }
  const spoken = { stop: 'calls' as const, usage: NO_USAGE, model: NO_MODEL }
  return [
    draft('turn.started', id, { turn: 0, attempt: 1, model: NO_MODEL, instructions: '' }),
    draft('call.begun', id, { ...at, call: id, tool }),
    draft('call.delta', id, { ...at, call: id, text: JSON.stringify(input) }),
    draft('turn.answered', id, { turn: 0, sealed: [{ part: 0, input }], ...spoken }),
  ]
}
