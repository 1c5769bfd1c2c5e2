/**
 * Answers to what a run waits for: `resume` for a thread and all that works for it, and the decision
 * on exactly one request. An answer that nobody waits for is refused, never told as done.
 */

import { Fault, isFault } from '../../kernel/fault.ts'
import type { Principal } from '../../kernel/ports.ts'
import type { RunRow } from '../../kernel/rows.ts'
import type { Thread } from '../../kernel/thread.ts'
import { type Answer, decisionOf, type Resume, resumeOf } from './commands.ts'
import { type Context, originOf, reckon } from './context.ts'
import { refusal } from './faults.ts'
import type { ResumeBody } from './schema.ts'
import { type Pending, pendingIn, threadOf } from './scope.ts'
import { isTerminal } from './snapshot.ts'

export async function resume(
  context: Context,
  principal: Principal,
  id: string,
  body: ResumeBody,
): Promise<unknown> {
  const wish = resumeOf(body, originOf(principal))
  const thread = await runningThread(context, principal, id)
  const pending = await pendingIn(context.engine, thread)
  const meant = await meantBy(context, thread, wish, pending)
  await give(context, wish, meant)
  const { action, allow } = wish
  return { threadId: id, action, approved: allow, pendingCount: pending.length - meant.length }
}

async function runningThread(context: Context, who: Principal, id: string): Promise<Thread> {
  const none = new Fault('not_found', `No active runtime for thread "${id}"`)
  const thread = await threadOf(context.engine, who, id).catch((error: unknown) => {
    throw isFault(error) && error.code === 'not_found' ? none : error
  })
  if (!thread.active && thread.queue.length === 0) throw none
  return thread
}

async function meantBy(
  context: Context,
  thread: Thread,
  { action, requestId }: Resume,
  pending: Pending[],
): Promise<Pending[]> {
  const named =
    requestId === null ? pending : pending.filter((p) => p.request.requestId === requestId)
  if (requestId !== null && named.length === 0)
    throw await unknownRequest(context, thread, requestId)
  if (named.length === 0) throw new Fault('not_waiting', 'No pending permission request')
  if (action !== 'answer') return named
  const questions = named.filter((p) => p.ask.body.kind === 'question')
  if (questions.length === 0)
    throw refusal(
      'not_waiting',
      'conflict',
      'No question waits for an answer. Use approve or deny.',
    )
  return questions
}

async function unknownRequest(context: Context, thread: Thread, requestId: string): Promise<Fault> {
  const { runs } = await reckon(context, thread)
  const run = thread.active?.id
  const asked = run === undefined ? undefined : runs.get(run)?.requests.get(requestId)
  return asked?.isDecided ? alreadyDecided() : noRequest(requestId)
}

const alreadyDecided = (): Fault =>
  refusal('conflict', 'permission_already_decided', 'Permission request was already decided')

const noRequest = (requestId: string): Fault =>
  refusal(
    'not_found',
    'permission_request_not_found',
    `Permission request "${requestId}" was not found`,
  )

/** Each by itself: a request that was not among them stays open. */
async function give(context: Context, wish: Resume, meant: Pending[]): Promise<void> {
  let late = 0
  for (const pending of meant) {
    try {
      await answer(context, pending, wish.command, wish.remember)
    } catch (error) {
      if (!isLate(error)) throw error
      late++
    }
  }
  if (late === meant.length) throw new Fault('not_waiting', 'No pending permission request')
}

async function answer(
  { engine }: Context,
  { thread, ask, request }: Pending,
  command: Answer,
  remember: boolean,
): Promise<void> {
  const call = request.call === '' ? {} : { call: request.call }
  await engine.submit(thread, { ...command, ask: ask.ask, ...call }, remember ? { remember } : {})
}

/** Somebody else was quicker. */
const isLate = (error: unknown): boolean =>
  isFault(error) && (error.code === 'not_waiting' || error.code === 'not_active')

export interface Decision {
  requestId: string
  decision: 'approve' | 'deny'
  operationHash: string
}

/** The hash proves that the person saw what is decided on. */
export async function decide(
  context: Context,
  principal: Principal,
  run: RunRow,
  { requestId, decision, operationHash }: Decision,
): Promise<void> {
  const thread = await context.engine.thread(run.thread)
  const waiting = thread.active?.id === run.id ? await pendingIn(context.engine, thread) : []
  const pending = waiting.find((p) => p.request.requestId === requestId)
  if (!pending) throw await undecidable(context, thread, run, { requestId, operationHash })
  if (pending.request.operationHash !== operationHash) throw mismatch()
  const command = decisionOf(decision, originOf(principal))
  try {
    await answer(context, pending, command, false)
  } catch (error) {
    throw isLate(error) ? alreadyDecided() : error
  }
}

const mismatch = (): Fault =>
  refusal('conflict', 'permission_operation_mismatch', 'Permission operation hash does not match')

async function undecidable(
  context: Context,
  thread: Thread,
  run: RunRow,
  asked: { requestId: string; operationHash: string },
): Promise<Fault> {
  const { runs } = await reckon(context, thread)
  const known = runs.get(run.id)?.requests.get(asked.requestId)
  if (!known) return noRequest(asked.requestId)
  if (known.operationHash !== asked.operationHash) return mismatch()
  if (known.isDecided || !isTerminal(run)) return alreadyDecided()
  return refusal('conflict', 'permission_request_stale', 'The run has ended.')
}
