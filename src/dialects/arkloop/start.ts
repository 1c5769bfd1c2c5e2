/**
 * The ways a run begins: asked for, repeated, continued, or with a message rewritten. A thread that
 * has a run refuses another, an account that has too many refuses one more.
 */

import type { InputPart, Json } from '../../kernel/part.ts'
import type { Engine, Receipt, Request } from '../../kernel/ports.ts'
import type { RunRow } from '../../kernel/rows.ts'
import type { Thread } from '../../kernel/thread.ts'
import type { Asked, Context } from './context.ts'
import { invalidState, refusal } from './faults.ts'
import { originOf, type RunHints } from './hints.ts'
import {
  assign,
  dropMessage,
  type Posted,
  postMessage,
  type Shown,
  transcriptOf,
  unassign,
} from './message.ts'
import { cast } from './persona.ts'
import { routingOf } from './provider.ts'
import { statusOf } from './run-view.ts'
import type { RunBody } from './schema.ts'
import { noMessage } from './scope.ts'

export interface Started {
  run_id: string
  trace_id: string
}

type From = Pick<Asked, 'actor' | 'trace'>

/** The messages that wait become the input; without any, the model is told to go on. */
export async function startRun(
  context: Context,
  from: From,
  thread: Thread,
  body: RunBody,
): Promise<Started> {
  return inTurn(context, thread.id, async () => {
    const { engine } = context
    const current = await engine.thread(thread.id)
    refuseBusy(current)
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

/** The last run is done again, without what came of it. */
export async function retryRun(
  context: Context,
  from: From,
  thread: Thread,
  body: RunBody,
): Promise<Started> {
  return inTurn(context, thread.id, async () => {
    const { engine } = context
    const current = await engine.thread(thread.id)
    refuseBusy(current)
    const { shown, pending } = await transcriptOf(engine, current)
    const last = shown.at(-1)
    if (!last) throw invalidState('there is nothing to retry')
    const given: Told = body.model ? { model: body.model } : {}
    const asked = { source: 'retry', ...given, ...continuation(null) }
    const chosen = await choose(context, from, { model: body.model }, asked)
    const { choice } = chosen
    const persona = await personaOf(context, last.run)
    const origin = originOf(from.actor, { ...chosen.hints, ...persona })
    if (last.run === null) {
      const input = inputOf(pending, current)
      const submit = { do: 'submit' as const, busy: 'reject' as const, input, origin, ...choice }
      return make(context, from, current, { request: submit, messages: pending.map((m) => m.id) })
    }
    const of = last.run
    const messages = ownMessages(shown, of)
    const { model } = choice
    const other = model === undefined ? {} : { model }
    const retry = {
      do: 'retry' as const,
      of,
      reason: 'retry' as const,
      busy: 'reject' as const,
      origin,
      ...other,
    }
    return make(context, from, current, { request: retry, messages })
  })
}

/** A user's message is rewritten; it and the new run take the place of all that came after it. */
export async function editMessage(
  context: Context,
  from: From,
  thread: Thread,
  edit: { id: string; change: Pick<Posted, 'content' | 'parts' | 'input'> },
): Promise<Started> {
  return inTurn(context, thread.id, async () => {
    const { engine } = context
    const current = await engine.thread(thread.id)
    refuseBusy(current)
    const { shown } = await transcriptOf(engine, current)
    const at = shown.findIndex((m) => m.id === edit.id && m.role === 'user')
    const old = shown[at]
    if (!old) throw noMessage()
    const user = old.user ?? from.actor.id
    const edited: Posted = { id: old.id, at: old.at, user, ...edit.change }
    const kept = shown.slice(0, at).filter((m) => m.run === old.run && m.role === 'user')
    const input = [...kept.flatMap((m) => m.input), ...edited.input]
    const messages = [...kept.map((m) => m.id), edited.id]
    const asked = { source: 'edit', thread_tail_message_id: edited.id, ...continuation(null) }
    const persona = await personaOf(context, old.run)
    const hints: RunHints = { trace_id: from.trace, asked, ...persona }
    const origin = originOf(from.actor, hints)
    const request: Making['request'] =
      old.run === null
        ? { do: 'submit', busy: 'reject', input, origin }
        : { do: 'retry', of: old.run, input, reason: 'edit', busy: 'reject', origin }
    await postMessage(engine, thread.id, edited)
    try {
      return await make(context, from, current, { request, messages })
    } catch (error) {
      await restore(engine, thread.id, old)
      throw error
    }
  })
}

/** What was not answered anew says again what it said before. */
async function restore(engine: Engine, thread: string, old: Shown): Promise<void> {
  const { id, at, user, content, parts, input } = old
  if (parts === null || user === null) return dropMessage(engine, thread, id)
  await postMessage(engine, thread, { id, at, user, content, parts, input })
}

/** A run that broke off is taken up again: what it said stays, and the model goes on from there. */
export async function continueRun(
  context: Context,
  from: From,
  thread: Thread,
  runId: string,
): Promise<Started> {
  return inTurn(context, thread.id, async () => {
    const { engine } = context
    const current = await engine.thread(thread.id)
    refuseBusy(current)
    const run = await engine.store.run(runId.toLowerCase())
    if (!run || !canContinue(current, run)) throw invalidState('this run cannot be continued')
    const old = await context.hints.of(run)
    const asked = { ...(old ? inherited(old.asked) : {}), ...continuation(run) }
    const hints: RunHints = {
      trace_id: from.trace,
      asked,
      ...(old?.persona ? { persona: old.persona } : {}),
    }
    const { agent, model } = run
    const chosen = { agent, ...(model === null ? {} : { model }) }
    const input = [GO_ON]
    const origin = originOf(from.actor, hints)
    const request = { do: 'submit' as const, busy: 'reject' as const, input, origin, ...chosen }
    return make(context, from, current, { request, messages: [] })
  })
}

/** The model reads this; the thread's messages do not show it. */
const GO_ON: InputPart = {
  kind: 'text',
  text: 'Your last answer broke off. Continue exactly where it ended, and repeat nothing.',
}

function canContinue(thread: Thread, run: RunRow): boolean {
  if (run.thread !== thread.id || thread.rewound.includes(run.id)) return false
  const brokeOff = ['cancelled', 'failed', 'interrupted'].includes(statusOf(run))
  return brokeOff && thread.messages.some((m) => m.run === run.id && m.role === 'assistant')
}

// ---- what a run is made of ----------------------------------------------------------------------

interface Making {
  request: Extract<Request, { do: 'submit' | 'retry' }>
  messages: string[]
}

/** The claim on the messages comes first; it counts when the run is there. */
async function make(
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

function refuseBusy(thread: Thread): void {
  if (thread.active || thread.queue.length > 0)
    throw refusal('busy', 'runs.thread_busy', 'thread already running')
}

/** Alone in the thread, as far as this process goes; the engine decides again. */
const inTurn = (
  { turns }: Context,
  thread: string,
  work: () => Promise<Started>,
): Promise<Started> => turns.run(`thread:${thread}`, work)

/** Never nothing where something was said before: a model answers somebody. */
function inputOf(pending: readonly Posted[], thread: Thread): InputPart[] {
  const input = pending.flatMap((m) => m.input)
  return input.length > 0 || thread.messages.length === 0 ? input : [GO_ON]
}

/** What is done again is done by whom it was done before. */
async function personaOf(context: Context, run: string | null): Promise<{ persona?: string }> {
  const row = run === null ? null : await context.engine.store.run(run)
  const persona = row ? (await context.hints.of(row))?.persona : undefined
  return persona === undefined ? {} : { persona }
}

const ownMessages = (shown: readonly Shown[], run: string): string[] =>
  shown.filter((m) => m.run === run && m.role === 'user' && m.parts !== null).map((m) => m.id)

const ASKED = [
  'route_id',
  'persona_id',
  'output_route_id',
  'output_model_key',
  'model',
  'work_dir',
  'reasoning_mode',
] as const

type Told = { [key: string]: Json }

const askedOf = (body: Partial<RunBody>): Told =>
  Object.fromEntries(
    ASKED.flatMap((name) => {
      const value = body[name]
      return typeof value === 'string' ? [[name, value]] : []
    }),
  )

const inherited = (asked: Told): Told =>
  Object.fromEntries(
    Object.entries(asked).filter(([k]) => (ASKED as readonly string[]).includes(k)),
  )

async function choose(
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

const continuation = (run: RunRow | null): Told =>
  run === null
    ? { continuation_source: 'none', continuation_loop: false }
    : {
        continuation_source: 'user_followup',
        continuation_loop: true,
        continuation_response: true,
        resume_from_run_id: run.id,
      }
