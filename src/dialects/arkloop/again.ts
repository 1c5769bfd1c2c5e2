/** The ways a run is made once more: repeated, with a message rewritten, or taken up where it broke off. */

import type { Engine } from '../../kernel/ports.ts'
import type { RunRow } from '../../kernel/rows.ts'
import type { Thread } from '../../kernel/thread.ts'
import type { Context } from './context.ts'
import { invalidState } from './faults.ts'
import { originOf, type RunHints } from './hints.ts'
import {
  choose,
  continuation,
  type From,
  GO_ON,
  inherited,
  inputOf,
  inTurn,
  type Making,
  make,
  type Started,
  type Told,
} from './making.ts'
import { dropMessage, type Posted, postMessage, type Shown, transcriptOf } from './message.ts'
import { statusOf } from './run-view.ts'
import type { RunBody } from './schema.ts'
import { noMessage } from './scope.ts'

/** The last run is done again, without what came of it. */
export async function retryRun(
  context: Context,
  from: From,
  thread: Thread,
  body: RunBody,
): Promise<Started> {
  return inTurn(context, thread.id, async (current) => {
    const { engine } = context
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
  return inTurn(context, thread.id, async (current) => {
    const { engine } = context
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
  return inTurn(context, thread.id, async (current) => {
    const { engine } = context
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

function canContinue(thread: Thread, run: RunRow): boolean {
  if (run.thread !== thread.id || thread.rewound.includes(run.id)) return false
  const brokeOff = ['cancelled', 'failed', 'interrupted'].includes(statusOf(run))
  return brokeOff && thread.messages.some((m) => m.run === run.id && m.role === 'assistant')
}

/** What is done again is done by whom it was done before. */
async function personaOf(context: Context, run: string | null): Promise<{ persona?: string }> {
  const row = run === null ? null : await context.engine.store.run(run)
  const persona = row ? (await context.hints.of(row))?.persona : undefined
  return persona === undefined ? {} : { persona }
}

const ownMessages = (shown: readonly Shown[], run: string): string[] =>
  shown.filter((m) => m.run === run && m.role === 'user' && m.parts !== null).map((m) => m.id)
