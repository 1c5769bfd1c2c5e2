/** What is done to a run that goes on: stop it, steer it. */

import { isFault } from '../../kernel/fault.ts'
import type { Json } from '../../kernel/part.ts'
import type { Receipt, Request } from '../../kernel/ports.ts'
import type { Call } from '../../wire/dialect.ts'
import { idempotencyOf, messageParts, said } from './chat.ts'
import { type Context, originOf, second } from './context.ts'
import { detail } from './faults.ts'
import { runId, threadId } from './id.ts'
import { runItem } from './record.ts'
import type { RunMessage } from './schema.ts'
import { type FoundRun, runOf, toldOf } from './scope.ts'
import type { Told } from './telling.ts'

const MODES = ['immediate', 'next_step', 'next_call']

function checkMode(mode: string): string {
  if (MODES.includes(mode)) return mode
  throw detail('invalid', `unsupported run input mode: ${mode}`)
}

export type Asking = Pick<Call, 'path' | 'principal'>
export type Id = string | null | undefined

export const find = (context: Context, { path, principal }: Asking): Promise<FoundRun> =>
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
  const input = told ?? (await notKept(context, now, { mode, requestId }))
  return { run: runItem(now.run, now.place), input }
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
export function settled({ engine }: Context, { row }: FoundRun): Promise<void> {
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
async function notKept(
  context: Context,
  found: FoundRun,
  { mode, requestId }: { mode: string; requestId: string | undefined },
): Promise<Json> {
  const { run, place } = found
  const inputs = (await toldOf(context, found)).filter((t) => t.type === 'run_input')
  return {
    run_id: runId(run.id),
    thread_id: threadId(place.kind, place.thread),
    ref: { kind: 'input', index: inputs.length },
    action: 'stop',
    created_at: second(context.settings.now()),
    mode,
    ...(requestId === undefined ? {} : { request_id: requestId }),
  }
}

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
