/** The head of the queue gets the thread; from here on it is known who works on it and with what. */

import { type Draft, draft, NO_MODEL } from '../../kernel/event.ts'
import type { Run } from '../../kernel/run.ts'
import type { Thread } from '../../kernel/thread.ts'
import { endRun } from '../../kernel/unwind.ts'
import type { Context } from '../context.ts'
import type { LiveThread } from '../live.ts'

export async function performStart(context: Context, live: LiveThread, head: Run): Promise<void> {
  const name = head.agent ?? live.state.agent
  const agent = context.catalog.agent(name)
  const model =
    head.kind === 'call'
      ? NO_MODEL
      : await modelFor(context, live.state, head, agent?.model ?? null)
  const revision = agent?.revision ?? ''
  await live.commit(
    (thread): Draft[] => {
      const next = thread.queue[0]
      if (thread.active || next?.id !== head.id) return []
      const started = draft('run.started', head.id, { agent: name, model, revision })
      if (agent) return [started]
      const message = `There is no agent ${name}. Add it to the agents folder, or name another.`
      return [started, endRun(next, 'failed', 'error', { code: 'unknown_agent', message })]
    },
    { isDriver: true },
  )
}

/**
 * What the run asked for, else the thread, else the agent, else the server. Only an agent's own
 * choice is replaced when it cannot be called now; what a person named is tried as named.
 */
export async function modelFor(
  context: Context,
  thread: Thread,
  run: Run,
  own: string | null,
): Promise<string> {
  const named = run.wantedModel ?? thread.model
  if (named !== null) return named
  if (own !== null && (await context.models.check(own)) === null) return own
  return context.models.preferred()
}
