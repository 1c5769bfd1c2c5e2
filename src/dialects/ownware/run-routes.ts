/** Runs: start, look, watch, stop, decide. */

import { isFault } from '../../kernel/fault.ts'
import type { RunRow } from '../../kernel/rows.ts'
import { type Reply, type Route, route } from '../../wire/dialect.ts'
import { decide, resume } from './answering.ts'
import { cancelOf, cursorOf } from './commands.ts'
import { type Context, originOf, reckon } from './context.ts'
import { refusal } from './faults.ts'
import { isRunId, isThreadId, ROOT, threadId } from './id.ts'
import {
  AnyBody,
  DecisionBody,
  Problem,
  ResumeBody,
  RunAnswer,
  RunBody,
  SinceQuery,
} from './schema.ts'
import { runOf, threadOf } from './scope.ts'
import { activeRun, isTerminal, runStatus, snapshotOf } from './snapshot.ts'
import { startRun } from './start.ts'
import { feedReply, runFeed } from './stream.ts'

const refused = { about: 'Refused', schema: Problem }
const ownsRun = (path: Record<string, string>): boolean => isRunId(path.run)
const ownsThread = (path: Record<string, string>): boolean => isThreadId(path.thread)

export const runRoutes = (context: Context): Route[] => [
  route({
    method: 'POST',
    path: '/api/v1/run',
    summary: 'Start a run',
    tag: 'runs',
    body: RunBody,
    answers: {
      200: { about: 'The run goes on in the background', schema: RunAnswer },
      400: refused,
      404: refused,
      409: refused,
    },
    handle: (call) => startRun(context, call),
  }),
  route({
    method: 'GET',
    path: '/api/v1/runs/active',
    summary: 'Runs that go on now',
    tag: 'runs',
    answers: { 200: { about: 'The runs' } },
    handle: async ({ principal }) => ({
      status: 200,
      json: await activeRuns(context, principal.account),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/runs/{run}',
    summary: 'A run as it stands',
    tag: 'runs',
    answers: { 200: { about: 'The snapshot' }, 404: refused },
    owns: ownsRun,
    handle: async ({ path, principal }) => {
      const run = await runOf(context.engine, principal, path.run as string)
      return { status: 200, json: await snapshot(context, run) }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/runs/{run}/events',
    summary: 'The frames of one run; ends with it',
    tag: 'runs',
    query: SinceQuery,
    answers: { 200: { about: 'Server-sent events' }, 400: refused, 404: refused, 409: refused },
    owns: ownsRun,
    handle: async ({ path, query, principal }) => {
      const run = await runOf(context.engine, principal, path.run as string)
      return await runEvents(context, run, cursorOf(query.since, 'Run'))
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/runs/{run}/cancel',
    summary: 'Cancel a run',
    tag: 'runs',
    body: AnyBody,
    bodyOptional: true,
    answers: {
      200: { about: 'It had ended already' },
      202: { about: 'It is being cancelled' },
      404: refused,
    },
    owns: ownsRun,
    handle: async ({ path, principal }) => {
      const run = await runOf(context.engine, principal, path.run as string)
      return await cancel(context, run, originOf(principal))
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/runs/{run}/permissions/{request}/decision',
    summary: 'Decide one permission request',
    tag: 'permissions',
    body: DecisionBody,
    answers: { 200: { about: 'Decided' }, 400: refused, 404: refused, 409: refused },
    owns: ownsRun,
    handle: async ({ path, body, principal }) => {
      const run = await runOf(context.engine, principal, path.run as string)
      const requestId = path.request as string
      const { decision, operationHash } = body
      await decide(context, principal, run, { requestId, decision, operationHash })
      return { status: 200, json: { runId: run.id, requestId, operationHash, decision } }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/threads/{thread}/resume',
    summary: 'Answer what a thread waits for',
    tag: 'permissions',
    body: ResumeBody,
    answers: { 200: { about: 'Answered' }, 400: refused, 404: refused, 409: refused },
    owns: ownsThread,
    handle: async ({ path, body, principal }) => ({
      status: 200,
      json: await resume(context, principal, path.thread as string, body),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/threads/{thread}/abort',
    summary: 'Stop what a thread is doing',
    tag: 'runs',
    body: AnyBody,
    bodyOptional: true,
    answers: { 200: { about: 'Nothing goes on any more, or soon' }, 404: refused },
    owns: ownsThread,
    handle: async ({ path, principal }) => {
      const thread = await threadOf(context.engine, principal, path.thread as string)
      const run = thread.active?.id ?? thread.queue[0]?.id
      const cancelRequested =
        run !== undefined && (await tryCancel(context, thread.id, run, originOf(principal)))
      return {
        status: 200,
        json: { aborted: true, cancelRequested, threadId: threadId(thread.id) },
      }
    },
  }),
]

async function activeRuns({ engine, journal }: Context, account: string): Promise<unknown> {
  const status: RunRow['status'][] = ['running', 'waiting', 'cancelling']
  const { items } = await engine.store.runs({ account, status, limit: 500, offset: 0 })
  const own = items.filter((run) => run.parentRun === null)
  const runs = await Promise.all(
    own.map(async (run) => {
      const { state } = await journal.reckon(run.thread, run.lastSeq)
      return activeRun(run, state.seq)
    }),
  )
  return { count: runs.length, runs }
}

async function snapshot(context: Context, run: RunRow): Promise<unknown> {
  const { engine } = context
  const thread = await engine.thread(run.thread)
  const { runs, state } = await reckon(context, thread)
  const agent = engine.catalog.agent(run.agent)
  return snapshotOf(run, {
    span: runs.get(run.id) ?? null,
    maxSeq: state.seq,
    updatedAt: thread.updatedAt,
    model: agent?.model ?? (run.model === null ? await engine.models.preferred() : run.model),
    timeoutMs: agent?.limits.wallMs ?? 1_800_000,
  })
}

async function runEvents(context: Context, run: RunRow, since: number | null): Promise<Reply> {
  const thread = await context.engine.thread(run.thread)
  const at = await reckon(context, thread)
  const span = at.runs.get(run.id)
  const start = span?.startSeq ?? at.state.seq
  const end = isTerminal(run) ? (span?.endSeq ?? start) : (span?.endSeq ?? null)
  const from = since ?? start
  if (from < start)
    throw refusal('conflict', 'cursor_mismatch', 'Run cursor lies before the run', {
      runStartSeq: start,
    })
  const last = end ?? at.state.seq
  if (from > last)
    throw refusal('conflict', 'cursor_ahead', 'Run cursor is ahead of the run', {
      runEndSeq: last,
    })
  const address = { runId: run.id, threadId: threadId(run.thread), agentId: ROOT }
  return feedReply(runFeed(run.thread, address, at, { since: from, start, end }))
}

async function cancel(
  context: Context,
  run: RunRow,
  origin: ReturnType<typeof originOf>,
): Promise<Reply> {
  if (isTerminal(run)) return cancelled(run, 'already_terminal')
  const was = run.status === 'cancelling' ? 'already_requested' : 'requested'
  const isDone = await tryCancel(context, run.thread, run.id, origin)
  const now = (await context.engine.store.run(run.id)) ?? run
  return cancelled(now, isDone ? was : 'already_terminal')
}

function cancelled(run: RunRow, cancellation: string): Reply {
  const isOver = cancellation === 'already_terminal'
  const terminal = isOver || isTerminal(run)
  const status = terminal ? runStatus(run) : 'cancel_requested'
  return {
    status: isOver ? 200 : 202,
    json: { runId: run.id, status, terminal, outcomeKnown: true, cancellation },
  }
}

/** False when the run ended before the wish arrived. */
async function tryCancel(
  { engine }: Context,
  thread: string,
  run: string,
  origin: ReturnType<typeof originOf>,
): Promise<boolean> {
  try {
    await engine.submit(thread, cancelOf(origin, run))
    return true
  } catch (error) {
    if (isFault(error) && error.code === 'not_active') return false
    throw error
  }
}
