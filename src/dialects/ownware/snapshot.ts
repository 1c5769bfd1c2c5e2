/** A run as a resource: its index row, the numbers of its frames, and an honest status. */

import type { RunRow } from '../../kernel/rows.ts'
import { threadId } from './id.ts'
import type { RunSpan } from './journal.ts'
import { iso } from './messages.ts'

export function runStatus(run: RunRow): string {
  switch (run.status) {
    case 'queued':
      return 'accepted'
    case 'running':
    case 'waiting':
    case 'cancelled':
      return run.status
    case 'cancelling':
      return 'cancel_requested'
    case 'completed':
      return 'succeeded'
    case 'failed':
      return run.stop === 'time' ? 'timed_out' : 'failed'
  }
}

export const isTerminal = (run: RunRow): boolean =>
  run.status === 'completed' || run.status === 'failed' || run.status === 'cancelled'

function codeOf(run: RunRow): string | null {
  if (run.status !== 'failed') return null
  return run.stop === 'time' ? 'run_timed_out' : 'run_failed'
}

export interface RunFacts {
  /** Null for a run that never began. */
  span: RunSpan | null
  /** Frames of the thread up to now. */
  maxSeq: number
  updatedAt: number
  /** For a run that has not been given one yet. */
  model: string
  timeoutMs: number
}

export function snapshotOf(run: RunRow, facts: RunFacts) {
  const { span, maxSeq } = facts
  const startSeq = span?.startSeq ?? maxSeq
  return {
    runId: run.id,
    threadId: threadId(run.thread),
    workspaceId: null,
    profileId: run.agent,
    candidateId: null,
    model: run.model ?? facts.model,
    timeoutMs: facts.timeoutMs,
    status: runStatus(run),
    terminal: isTerminal(run),
    outcomeKnown: true,
    acceptedAt: run.createdAt,
    startedAt: run.startedAt,
    updatedAt: run.endedAt ?? facts.updatedAt,
    terminalAt: run.endedAt,
    cancelRequestedAt: span?.cancelRequestedAt ?? null,
    startSeq,
    endSeq: isTerminal(run) ? (span?.endSeq ?? startSeq) : null,
    code: codeOf(run),
    earliestRetainedCursor: 0,
  }
}

export const activeRun = (run: RunRow, lastSeq: number) => ({
  threadId: threadId(run.thread),
  profileId: run.agent,
  model: run.model,
  status: runStatus(run),
  startedAt: iso(run.startedAt ?? run.createdAt),
  lastSeq,
  turnCount: run.turns,
  costUsd: run.usage.costUsd ?? 0,
})
