/**
 * What the ways to begin a run have in common: who does it by which model, what it reads, and the
 * claim on the messages that it takes.
 */

import type { InputPart, Json } from '../../kernel/part.ts'
import type { Receipt, Request } from '../../kernel/ports.ts'
import type { RunRow } from '../../kernel/rows.ts'
import type { Thread } from '../../kernel/thread.ts'
import type { Asked, Context } from './context.ts'
import { refusal } from './faults.ts'
import type { RunHints } from './hints.ts'
import { assign, type Posted, unassign } from './message.ts'
import { cast } from './persona.ts'
import { routingOf } from './provider.ts'
import type { RunBody } from './schema.ts'

export interface Started {
  run_id: string
  trace_id: string
}

export type From = Pick<Asked, 'actor' | 'trace'>

export interface Making {
  request: Extract<Request, { do: 'submit' | 'retry' }>
  messages: string[]
}

/** The claim on the messages comes first; it counts when the run is there. */
export async function make(
  { engine, settings }: Context,
  { trace }: From,
  thread: Thread,
  { request, messages }: Making,
): Promise<Started> {
  const run = settings.newId()
  await assign(engine, thread.id, run, messages)
  let receipt: Receipt
  try {
    const max = settings.maxConcurrentRuns ?? null
    const options = max === null ? {} : { maxRuns: max }
    receipt = await engine.submit(thread.id, { ...request, run }, options)
  } catch (error) {
    await unassign(engine, thread.id, run)
    throw error
  }
  return { run_id: receipt.run ?? run, trace_id: trace }
}

/** In a thread that is idle, and alone there as far as this process goes; the engine decides again. */
export const inTurn = (
  { engine, turns }: Context,
  thread: string,
  work: (current: Thread) => Promise<Started>,
): Promise<Started> =>
  turns.run(`thread:${thread}`, async () => {
    const current = await engine.thread(thread)
    if (current.active || current.queue.length > 0)
      throw refusal('busy', 'runs.thread_busy', 'thread already running')
    return work(current)
  })

/** Never nothing where something was said before: a model answers somebody. */
export function inputOf(pending: readonly Posted[], thread: Thread): InputPart[] {
  const input = pending.flatMap((m) => m.input)
  return input.length > 0 || thread.messages.length === 0 ? input : [GO_ON]
}

const ASKED = [
  'route_id',
  'persona_id',
  'output_route_id',
  'output_model_key',
  'model',
  'work_dir',
  'reasoning_mode',
] as const

export type Told = { [key: string]: Json }

export const askedOf = (body: Partial<RunBody>): Told =>
  Object.fromEntries(
    ASKED.flatMap((name) => {
      const value = body[name]
      return typeof value === 'string' ? [[name, value]] : []
    }),
  )

export const inherited = (asked: Told): Told =>
  Object.fromEntries(
    Object.entries(asked).filter(([k]) => (ASKED as readonly string[]).includes(k)),
  )

export async function choose(
  { engine }: Context,
  { actor, trace }: From,
  body: Partial<RunBody>,
  asked: Told,
): Promise<{ hints: RunHints; choice: { agent?: string; model?: string } }> {
  const persona = body.persona_id ?? null
  const casting = persona === null ? null : cast(engine.catalog, actor.account, persona)
  const wanted = { route: body.output_route_id ?? body.route_id ?? null, model: body.model ?? null }
  const { model, missing } = await routingOf(engine, actor, wanted)
  return {
    hints: {
      trace_id: trace,
      asked,
      ...(persona === null ? {} : { persona: persona.split('@')[0] as string }),
      ...(casting?.available ? { available_version: casting.available } : {}),
      ...(missing ? { missing } : {}),
    },
    choice: { ...(casting ? { agent: casting.agent } : {}), ...(model ? { model } : {}) },
  }
}

export const continuation = (run: RunRow | null): Told =>
  run === null
    ? { continuation_source: 'none', continuation_loop: false }
    : {
        continuation_source: 'user_followup',
        continuation_loop: true,
        continuation_response: true,
        resume_from_run_id: run.id,
      }

/** The model reads this; the thread's messages do not show it. */
export const GO_ON: InputPart = {
  kind: 'text',
  text: 'Your last answer broke off. Continue exactly where it ended, and repeat nothing.',
}
