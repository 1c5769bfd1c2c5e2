/**
 * Index rows: what lists, filters and totals need, computed from the fold and written in the same
 * transaction as the events. They can be thrown away and computed again from the log.
 */

import type { AskBody } from './event.ts'
import { type Event, isDelta } from './event.ts'
import { headOf, textOf } from './part.ts'
import { type Run, type RunStatus, statusOf } from './run.ts'
import { emptyThread, evolve, fold, isDue, type Thread, wakesAt } from './thread.ts'
import { inNanos, type Usage } from './usage.ts'

export interface ThreadRow {
  id: string
  account: string
  principal: string
  /** The dialect it was opened through. */
  dialect: string
  agent: string
  model: string | null
  workspace: string
  title: string | null
  preview: string | null
  parentThread: string | null
  /** `idle`, or the status of the active run. */
  status: 'idle' | RunStatus
  activeRun: string | null
  lastRun: string | null
  queued: number
  runs: number
  messages: number
  seq: number
  usage: Usage
  openedAt: number
  updatedAt: number
  /** Somebody has to work on it. */
  due: boolean
  /** Epoch ms at which it becomes due by itself. */
  wakeAt: number | null
}

export interface RunRow {
  id: string
  thread: string
  account: string
  principal: string
  dialect: string
  agent: string
  model: string | null
  status: RunStatus
  stop: string | null
  troubleCode: string | null
  troubleMessage: string | null
  parentRun: string | null
  /** First words of the input. */
  preview: string
  turns: number
  usage: Usage
  firstSeq: number
  /** Last event of the run that is no delta. */
  lastSeq: number
  /** Null until known. */
  createdAt: number
  startedAt: number | null
  endedAt: number | null
}

export interface AskRow {
  id: string
  thread: string
  run: string
  account: string
  agent: string
  body: AskBody
  /** Calls that still wait. */
  open: string[]
  openedAt: number
  expiresAt: number | null
}

/** One model call. */
export interface UsageRow {
  thread: string
  seq: number
  run: string
  account: string
  agent: string
  model: string
  at: number
  usage: Usage
}

export interface Rows {
  thread: ThreadRow
  runs: RunRow[]
  /** All asks that are open now; rows of other asks of the thread go. */
  asks: AskRow[]
  usage: UsageRow[]
}

/**
 * The rows that `events` changed, given the thread after them and, when there may be several that
 * matter, before them: one run may end and the next begin in one breath. Deltas change only `seq`.
 */
export function rowsOf(thread: Thread, events: readonly Event[], before?: Thread): Rows {
  const runs = new Map<string, RunRow>()
  const usage: UsageRow[] = []
  let state = before ?? thread
  for (const event of events) {
    if (before) state = evolve(state, event)
    if (isDelta(event.type)) continue
    const run = runOf(state, event.run)
    if (run) runs.set(run.id, runRow(state, run))
    usage.push(...usageRow(state, event))
  }
  return { thread: threadRow(thread), runs: [...runs.values()], asks: askRows(thread), usage }
}

const runOf = ({ active, last, queue }: Thread, id: string | null): Run | null =>
  [active, last, ...queue].find((r) => r !== null && r.id === id) ?? null

const askRows = (thread: Thread): AskRow[] =>
  (thread.active?.asks ?? []).map((a) => ({
    id: a.ask,
    thread: thread.id,
    run: thread.active?.id ?? '',
    account: thread.account,
    agent: thread.active?.agent ?? thread.agent,
    body: a.body,
    open: a.open,
    openedAt: a.openedAt,
    expiresAt: a.expiresAt,
  }))

export function threadRow(thread: Thread): ThreadRow {
  const { active } = thread
  const said = thread.messages.findLast((m) => m.role !== 'tool')
  return {
    id: thread.id,
    account: thread.account,
    principal: thread.origin.principal,
    dialect: thread.origin.dialect,
    agent: thread.agent,
    model: thread.model,
    workspace: thread.workspace,
    title: titleOf(thread),
    preview: said ? headOf(textOf(said.parts), 200) : null,
    parentThread: thread.parent?.thread ?? null,
    status: active ? statusOf(active) : thread.queue.length > 0 ? 'queued' : 'idle',
    activeRun: active?.id ?? null,
    lastRun: thread.last?.id ?? null,
    queued: thread.queue.length,
    runs: thread.runs,
    messages: thread.messages.length,
    seq: thread.seq,
    usage: inNanos(thread.usage),
    openedAt: thread.openedAt,
    updatedAt: thread.updatedAt,
    due: isDue(thread),
    wakeAt: wakesAt(thread),
  }
}

/** The first words of the first message, when nobody gave a title. */
export function titleOf(thread: Thread): string | null {
  if (thread.title !== null) return thread.title
  const first = thread.messages.find((m) => m.role === 'user')
  const text = first ? textOf(first.parts).slice(0, 400).trim().replace(/\s+/g, ' ') : ''
  if (text === '') return null
  return text.length > 80 ? `${headOf(text, 80)}...` : headOf(text, 80)
}

const callPreview = ({ tool, input }: NonNullable<Run['call']>): string =>
  headOf(`${tool} ${JSON.stringify(input)}`, 200)

export function runRow(thread: Thread, run: Run): RunRow {
  return {
    id: run.id,
    thread: thread.id,
    account: thread.account,
    principal: run.origin.principal,
    dialect: run.origin.dialect,
    agent: run.agent ?? thread.agent,
    model: run.model ?? thread.model,
    status: statusOf(run),
    stop: run.end?.stop ?? null,
    troubleCode: run.end?.trouble?.code ?? null,
    troubleMessage: run.end?.trouble?.message ?? null,
    parentRun: thread.parent?.run ?? null,
    preview: run.call ? callPreview(run.call) : headOf(textOf(run.input), 200),
    turns: run.turns,
    usage: inNanos(run.usage),
    firstSeq: run.firstSeq,
    lastSeq: run.lastSeq,
    createdAt: run.createdAt,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
  }
}

function usageRow(thread: Thread, event: Event): UsageRow[] {
  if (
    event.type !== 'turn.answered' &&
    event.type !== 'turn.interrupted' &&
    event.type !== 'context.compacted' &&
    event.type !== 'context.uncompacted'
  )
    return []
  if (event.type === 'context.uncompacted' && event.data.reason === 'nothing') return []
  const run = runOf(thread, event.run)
  if (run?.kind === 'call') return []
  return [
    {
      thread: thread.id,
      seq: event.seq,
      run: event.run ?? '',
      account: thread.account,
      agent: run?.agent ?? thread.agent,
      model: run?.model ?? thread.model ?? '',
      at: event.at,
      usage: inNanos(event.data.usage),
    },
  ]
}

/** All rows of a thread from its log alone; what appending them one by one has left. */
export function rebuild(id: string, events: readonly Event[]): Rows {
  const before = emptyThread(id)
  return rowsOf(fold(before, events), events, before)
}
