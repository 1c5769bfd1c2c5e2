/** What is done to a run: stop it, steer it, do it again with other words. */

import { Fault, isFault } from '../../kernel/fault.ts'
import type { Json } from '../../kernel/part.ts'
import type { Receipt, Request } from '../../kernel/ports.ts'
import type { Call } from '../../wire/dialect.ts'
import { idempotencyOf, messageParts, said } from './chat.ts'
import { type Context, originOf, second } from './context.ts'
import { detail } from './faults.ts'
import { runId, threadId } from './id.ts'
import type { Part } from './parts.ts'
import { isVisible, runItem } from './record.ts'
import type { RunMessage } from './schema.ts'
import { type FoundRun, runOf, toldOf } from './scope.ts'
import { originOfKind, type Told } from './telling.ts'

const MODES = ['immediate', 'next_step', 'next_call']

function checkMode(mode: string): string {
  if (MODES.includes(mode)) return mode
  throw detail('invalid', `unsupported run input mode: ${mode}`)
}

type Asking = Pick<Call, 'path' | 'principal'>
type Id = string | null | undefined

const find = (context: Context, { path, principal }: Asking): Promise<FoundRun> =>
  runOf(context, principal, path.run_id as string)

// ---- stop ---------------------------------------------------------------------------------------

export interface Stop {
  reason?: string | null
  mode: string
  request_id?: Id
}

/** `immediate` interrupts the model; the others let the step that goes on come to its end. */
export async function stopRun(context: Context, call: Asking, stop: Stop) {
  const found = await find(context, call)
  const mode = checkMode(stop.mode)
  const requestId = stop.request_id || undefined
  const request: Request = {
    do: 'cancel',
    run: found.row.id,
    reason: stop.reason ?? null,
    when: mode === 'immediate' ? 'now' : 'step',
    queue: 'keep',
    origin: originOf(call.principal, { mode, ...(requestId ? { requestId } : {}) }),
  }
  const receipt = await unlessOver(context, found, request)
  if (receipt && mode === 'immediate') await settled(context, found)
  const now = await find(context, call)
  const told = receipt ? await inputAt(context, now, 'stop') : null
  return { run: runItem(now.run, now.place), input: told ?? notKept(now, mode, requestId) }
}

/** Null when the run was over before the wish arrived. */
async function unlessOver(
  { engine }: Context,
  { row }: FoundRun,
  request: Request,
): Promise<Receipt | null> {
  try {
    return await engine.submit(row.thread, request)
  } catch (error) {
    if (isFault(error) && (error.code === 'not_active' || error.code === 'conflict')) return null
    throw error
  }
}

const SETTLE_MS = 2_000

/** The answer says `canceled` when the run ends at once, as it does unless a tool resists. */
function settled({ engine }: Context, { row }: FoundRun): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      stop()
      resolve()
    }
    const look = () =>
      void engine.store.run(row.id).then((now) => {
        if (!now || now.endedAt !== null) done()
      }, done)
    const timer = setTimeout(done, SETTLE_MS)
    const stop = engine.onCommit((events) => {
      if (events.some((e) => e.thread === row.thread)) look()
    })
    look()
  })
}

/** Of a run that is over nothing is written; the answer has the form all the same. */
const notKept = ({ run, place }: FoundRun, mode: string, requestId: string | undefined) => ({
  run_id: runId(run.id),
  thread_id: threadId(place.kind, place.thread),
  ref: { kind: 'input', index: 1 },
  action: 'stop',
  created_at: second(run.endedAt ?? run.createdAt),
  mode,
  ...(requestId === undefined ? {} : { request_id: requestId }),
})

/** The last input of that kind, as it was told. */
async function inputAt(context: Context, found: FoundRun, action: string): Promise<Json> {
  const told = await toldOf(context, found)
  const last = told.findLast((t) => t.type === 'run_input' && t.payload.action === action)
  return last ? bare(last) : null
}

function bare({ payload }: Told): Json {
  const { type: _, ...rest } = payload
  return rest
}

// ---- steer --------------------------------------------------------------------------------------

export interface Steer {
  mode: string
  request_id?: Id
  message: RunMessage
}

export async function steerRun(context: Context, call: Asking, steer: Steer) {
  const found = await find(context, call)
  const mode = checkMode(steer.mode)
  const { parts, meta } = messageParts(steer.message)
  const { thread, id } = found.row
  const requestId = steer.request_id || undefined
  const idempotency = idempotencyOf(call.principal, requestId, `steer:${id}`, steer)
  const hints = { mode, ...(requestId ? { requestId } : {}), ...meta }
  const request: Request = { do: 'steer', run: id, ...said(context, call.principal, parts, hints) }
  const options = idempotency ? { idempotency } : {}
  try {
    const { seq } = await context.engine.submit(thread, request, options)
    const now = await find(context, call)
    const told = await toldOf(context, now)
    const inputs = told.filter((t) => t.type === 'run_input' && t.payload.action === 'steer')
    const own = inputs.find((t) => requestId && t.payload.request_id === requestId)
    const last = own ?? inputs.findLast((t) => t.seq <= seq)
    return { input: last ? bare(last) : null }
  } catch (error) {
    if (isFault(error) && error.code === 'not_active')
      throw detail('conflict', `run is not running: ${call.path.run_id}`)
    throw error
  }
}

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
