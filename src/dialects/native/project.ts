/**
 * How native tells things. A frame is the event itself, so the cursor is the log's own seq and the
 * fold has nothing to remember; the views are the kernel's folds and rows with names for clients.
 */

import type { Event } from '../../kernel/event.ts'
import { type AskRow, type RunRow, type ThreadRow, titleOf } from '../../kernel/rows.ts'
import { type Run, statusOf } from '../../kernel/run.ts'
import { answerParts, contextTokens, type Thread } from '../../kernel/thread.ts'
import type { Turn } from '../../kernel/turn.ts'
import type { Feed, Goodbye, Projection } from '../../wire/projection.ts'
import { sseComment, sseFrame } from '../../wire/sse.ts'

export const projection: Projection<null, Event> = {
  open: () => null,
  tell: (state, event) => [state, [event]],
}

const RETRY_MS: Record<Goodbye, number | null> = {
  shutdown: 1000,
  slow: 5000,
  failed: 5000,
  erased: null,
}

/** The last words of a stream. `retryAfterMs` is null when coming back is of no use. */
export const bye = (reason: Goodbye): string =>
  sseFrame({ event: 'bye', data: { reason, retryAfterMs: RETRY_MS[reason] } })

export const HEARTBEAT = { everyMs: 15_000, text: sseComment('ping') }

/** Sent first: EventSource waits this long before it comes back. */
export const OPENING = 'retry: 1000\n\n'

export interface Wanted {
  thread: string
  after: number
  /** Only this run's events; the stream ends with its last. */
  run?: { id: string; isEnded: boolean }
  /** False: end when everything stored has been told. */
  follow: boolean
}

/** An event as it goes over the wire. */
export const writeEvent = (event: Event): string =>
  sseFrame({ id: event.seq, event: event.type, data: event })

export const feedOf = ({ thread, after, run, follow }: Wanted): Feed<null, Event> => ({
  thread,
  projection,
  seed: { seq: after, state: null },
  wants: (event) => run === undefined || event.run === run.id,
  write: writeEvent,
  opening: () => OPENING,
  caughtUp: (_, sent) => sseFrame({ event: 'ready', data: { seq: sent?.seq ?? after } }),
  goodbye: bye,
  ...(run ? { isLast: (event: Event) => event.type === 'run.ended' } : {}),
  endsWhenCaughtUp: !follow || run?.isEnded === true,
  heartbeat: HEARTBEAT,
})

export const threadSummary = (row: ThreadRow) => {
  const { account: _, principal: __, parentThread: parent, due: ___, wakeAt: ____, ...rest } = row
  return { ...rest, parent }
}

export function runView(row: RunRow) {
  const { account: _, principal: __, troubleCode, troubleMessage, ...rest } = row
  const trouble = troubleCode === null ? null : { code: troubleCode, message: troubleMessage ?? '' }
  return { ...rest, trouble }
}

export const askView = ({ account: _, ...ask }: AskRow) => ask

/** The fold of a thread, with its newest messages. */
export function threadView(thread: Thread, messages: number) {
  const { active, last } = thread
  return {
    id: thread.id,
    agent: thread.agent,
    model: thread.model,
    title: titleOf(thread),
    workspace: thread.workspace,
    policy: thread.policy,
    dialect: thread.origin.dialect,
    status: active ? statusOf(active) : thread.queue.length > 0 ? 'queued' : 'idle',
    seq: thread.seq,
    openedAt: thread.openedAt,
    updatedAt: thread.updatedAt,
    parent: thread.parent,
    forkedFrom: thread.forkedFrom,
    runs: thread.runs,
    usage: thread.usage,
    contextTokens: contextTokens(thread),
    summary: thread.summary && { text: thread.summary.text, at: thread.summary.at },
    active: active && activeView(active),
    lastRun: last && { id: last.id, ...last.end, endedAt: last.endedAt },
    queue: queueView(thread),
    asks: asksOf(thread),
    messages: messages === 0 ? [] : thread.messages.slice(-messages),
    totalMessages: thread.messages.length,
  }
}

export const queueView = (thread: Thread) =>
  thread.queue.map(({ id, input, agent, model, kind, createdAt }, place) => ({
    run: id,
    place,
    kind,
    input,
    agent,
    model,
    createdAt,
  }))

const asksOf = (thread: Thread) =>
  (thread.active?.asks ?? []).map(({ ask, body, open, openedAt, expiresAt }) => ({
    id: ask,
    thread: thread.id,
    run: thread.active?.id ?? '',
    agent: thread.active?.agent ?? thread.agent,
    body,
    open,
    openedAt,
    expiresAt,
  }))

const activeView = (run: Run) => ({
  id: run.id,
  kind: run.kind,
  status: statusOf(run),
  agent: run.agent,
  model: run.model,
  input: run.input,
  createdAt: run.createdAt,
  startedAt: run.startedAt,
  turns: run.turns,
  usage: run.usage,
  spentUsd: run.spentUsd,
  limitUsd: run.limitUsd,
  steers: run.steers.map(({ id, input, at }) => ({ id, input, at })),
  turn: run.turn && turnView(run.turn),
})

/** What is being said at the moment: it becomes a message when the turn ends. */
const turnView = (turn: Turn) => ({
  index: turn.index,
  attempt: turn.attempt,
  phase: turn.phase,
  model: turn.model,
  parts: answerParts(turn),
  calls: turn.calls.map(({ call, tool, input, ruling, started, result }) => ({
    call,
    tool,
    input,
    ruling,
    startedAt: started?.at ?? null,
    outcome: result?.outcome ?? null,
  })),
})
