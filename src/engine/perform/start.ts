/** The head of the queue gets the thread; from here on it is known who works on it and with what. */

import type { Agent } from '../../kernel/agent.ts'
import { type Draft, draft, type Event, NO_MODEL } from '../../kernel/event.ts'
import { next } from '../../kernel/next.ts'
import type { Run } from '../../kernel/run.ts'
import { advance, type Thread } from '../../kernel/thread.ts'
import { endRun } from '../../kernel/unwind.ts'
import type { Context } from '../context.ts'
import type { LiveThread } from '../live.ts'
import { type Equipment, equip, rulesFor } from '../rules.ts'
import { type Opening, openTurn, promptOf } from './model.ts'

/** A turn that began together with its run; what is left of the step is the model's answer. */
export interface Begun {
  equipment: Equipment
  opening: Opening
}

/**
 * When the first thing the run owes is a call of the model, its turn begins in the same append: one
 * wait for the disk less before the first word. Null: whatever is owed comes with the next step.
 */
export async function performStart(
  context: Context,
  live: LiveThread,
  head: Run,
): Promise<Begun | null> {
  const name = head.agent ?? live.state.agent
  const agent = context.catalog.agent(name)
  const model =
    head.kind === 'call'
      ? NO_MODEL
      : await modelFor(context, live.state, head, agent?.model ?? null)
  const revision = agent?.revision ?? ''
  const start = (thread: Thread): Draft[] => {
    const next = thread.queue[0]
    if (thread.active || next?.id !== head.id) return []
    const started = draft('run.started', head.id, { agent: name, model, revision })
    if (agent) return [started]
    const message = `There is no agent ${name}. Add it to the agents folder, or name another.`
    return [started, endRun(next, 'failed', 'error', { code: 'unknown_agent', message })]
  }
  const { seq } = live
  const begun = agent && (await firstTurn(context, live.state, agent, start(live.state)))
  // What was worked out holds for the log it was worked out on, and for no other.
  const holds = (thread: Thread): boolean => begun !== null && thread.seq === seq
  const { events } = await live.commit(
    (thread) => [...start(thread), ...(begun && holds(thread) ? [begun.opening.started] : [])],
    {
      isDriver: true,
      documents: ({ events }) => (begun && hasTurn(events) ? promptOf(live, begun.opening) : []),
    },
  )
  return hasTurn(events) ? begun : null
}

const hasTurn = (events: readonly Event[]): boolean => events.some((e) => e.type === 'turn.started')

/** Null when something else comes first, or when tools may take their time to be there. */
async function firstTurn(
  context: Context,
  thread: Thread,
  agent: Agent,
  drafts: Draft[],
): Promise<Begun | null> {
  if (drafts.length === 0 || Object.keys(agent.servers).length > 0) return null
  const started = advance(thread, drafts, context.clock())
  if (started.active?.kind !== 'message') return null
  const equipment = await equip(context, started)
  if (!equipment) return null
  const step = next(started, await rulesFor(context, started, equipment))
  if (step.do !== 'model') return null
  return { equipment, opening: openTurn(context, equipment.agent, started, step) }
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
