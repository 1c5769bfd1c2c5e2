/** Conversations that go on from somewhere else: a run again with other words, none of it, a fork. */

import { Fault, isFault } from '../../kernel/fault.ts'
import type { Json } from '../../kernel/part.ts'
import type { Receipt, Request } from '../../kernel/ports.ts'
import { idempotencyOf, messageParts, said } from './chat.ts'
import { type Context, originOf } from './context.ts'
import { detail } from './faults.ts'
import { runId, threadId } from './id.ts'
import type { Part } from './parts.ts'
import { isVisible, runItem } from './record.ts'
import type { RunMessage } from './schema.ts'
import { runOf } from './scope.ts'
import { type Asking, find, type Id, settled } from './steering.ts'
import { originOfKind } from './telling.ts'

// ---- restart ------------------------------------------------------------------------------------

export interface Restart {
  request_id?: Id
  message: RunMessage
}

/**
 * The run no longer counts, nor does anything that was said after it; a new one begins on the same
 * thread with the new words.
 */
export async function restartRun(context: Context, call: Asking, restart: Restart) {
  const found = await find(context, call)
  const { run, place, row } = found
  const { parts, meta } = messageParts(restart.message)
  const requestId = restart.request_id || undefined
  const idempotency = idempotencyOf(call.principal, requestId, `restart:${run.id}`, restart)
  const earlier = idempotency ? await context.engine.recall(idempotency) : null
  const receipt = earlier ?? (await begin())
  const before = await runOf(context, call.principal, runId(run.id))
  return {
    run_id: runId(receipt.run as string),
    previous_run: runItem(before.run, before.place),
    message: { role: 'user', parts: parts as Part[] as Json[], ...meta },
  }

  async function begin(): Promise<Receipt> {
    const id = runId(run.id)
    if (originOfKind(place.kind) !== 'chat')
      throw detail('conflict', `run restarts are only supported for chat runs: ${id}`)
    if (run.replacedBy !== undefined) throw detail('conflict', `run is already superseded: ${id}`)
    const hints = { ...(requestId ? { requestId } : {}), ...meta }
    const request: Request = {
      do: 'retry',
      of: run.id,
      reason: 'restart',
      ...said(context, call.principal, parts, hints),
    }
    const options = idempotency ? { idempotency } : {}
    try {
      return await context.engine.submit(row.thread, request, options)
    } catch (error) {
      if (!isFault(error) || error.code !== 'not_found') throw error
      throw new Fault('conflict', `run has not begun and cannot be restarted: ${id}`)
    }
  }
}

// ---- rewind -------------------------------------------------------------------------------------

/** The run and all later ones no longer count; nothing is said instead. Of the next version. */
export async function rewindRun(context: Context, call: Asking) {
  const found = await find(context, call)
  const { row, run, place, at } = found
  if (!isVisible(run)) throw detail('conflict', `run is already superseded: ${runId(run.id)}`)
  const origin = originOf(call.principal)
  await context.engine.submit(row.thread, { do: 'rewind', to: run.id, origin })
  if (run.endedAt === null) await settled(context, found)
  const gone = at.runs.filter((r) => isVisible(r) && r.firstSeq >= run.firstSeq)
  return {
    run_id: null,
    thread_id: threadId(place.kind, place.thread),
    superseded_run_ids: gone.map((r) => runId(r.id)),
    message: null,
  }
}

// ---- fork ---------------------------------------------------------------------------------------

/** A new thread that begins with what was said up to the run, or with it. Of the next version. */
export async function forkRun(context: Context, call: Asking, includeAnchor: boolean) {
  const { row, run, place, at } = await find(context, call)
  if (includeAnchor && run.endedAt === null)
    throw detail('conflict', `run is still running: ${runId(run.id)}`)
  const seq = includeAnchor ? row.lastSeq : run.firstSeq - 1
  const client = place.kind === 'task' || place.kind === 'chore' ? 'chat' : place.kind
  const made = await context.engine.fork(row.thread, seq, originOf(call.principal, { client }))
  return {
    run_id: null,
    thread_id: threadId(client, made.id),
    source_thread_id: threadId(place.kind, place.thread),
    from_run_id: runId(run.id),
    include_anchor: includeAnchor,
    copied_run_ids: at.runs
      .filter((r) => isVisible(r) && r.endedAt !== null && r.firstSeq <= seq)
      .map((r) => runId(r.id)),
    message: null,
  }
}
