/**
 * Threads, runs and turns with changes. They are copied field by field, because V8 copies a record
 * that was spread from a record that was spread, and so on, ten times slower. The compiler names the
 * field that a copy lacks.
 */

import type { Run } from './run.ts'
import type { Thread } from './thread.ts'
import type { Turn } from './turn.ts'

export const alterThread = (thread: Thread, changes: Partial<Thread>): Thread =>
  Object.assign(copyThread(thread), changes)

export const alterRun = (run: Run, changes: Partial<Run>): Run =>
  Object.assign(copyRun(run), changes)

export const alterTurn = (turn: Turn, changes: Partial<Turn>): Turn =>
  Object.assign(copyTurn(turn), changes)

const copyThread = (thread: Thread): Thread => ({
  id: thread.id,
  seq: thread.seq,
  openedAt: thread.openedAt,
  updatedAt: thread.updatedAt,
  agent: thread.agent,
  model: thread.model,
  title: thread.title,
  workspace: thread.workspace,
  account: thread.account,
  policy: thread.policy,
  parent: thread.parent,
  forkedFrom: thread.forkedFrom,
  origin: thread.origin,
  messages: thread.messages,
  summary: thread.summary,
  rewound: thread.rewound,
  wishes: thread.wishes,
  active: thread.active,
  queue: thread.queue,
  last: thread.last,
  runs: thread.runs,
  usage: thread.usage,
  measured: thread.measured,
})

const copyRun = (run: Run): Run => ({
  id: run.id,
  kind: run.kind,
  phase: run.phase,
  input: run.input,
  origin: run.origin,
  agent: run.agent,
  model: run.model,
  revision: run.revision,
  instructions: run.instructions,
  sampling: run.sampling,
  call: run.call,
  retryOf: run.retryOf,
  wantedModel: run.wantedModel,
  successor: run.successor,
  hooked: run.hooked,
  blocked: run.blocked,
  remarks: run.remarks,
  createdAt: run.createdAt,
  startedAt: run.startedAt,
  endedAt: run.endedAt,
  firstSeq: run.firstSeq,
  lastSeq: run.lastSeq,
  turn: run.turn,
  turns: run.turns,
  refusedTurns: run.refusedTurns,
  asks: run.asks,
  childAsks: run.childAsks,
  steers: run.steers,
  cancelling: run.cancelling,
  compacting: run.compacting,
  compaction: run.compaction,
  usage: run.usage,
  spentUsd: run.spentUsd,
  limitUsd: run.limitUsd,
  limitStepUsd: run.limitStepUsd,
  refusedLimit: run.refusedLimit,
  waitedMs: run.waitedMs,
  waitingSince: run.waitingSince,
  heardAt: run.heardAt,
  messages: run.messages,
  end: run.end,
})

const copyTurn = (turn: Turn): Turn => ({
  index: turn.index,
  attempt: turn.attempt,
  phase: turn.phase,
  model: turn.model,
  slots: turn.slots,
  calls: turn.calls,
  voided: turn.voided,
  stop: turn.stop,
  usage: turn.usage,
  interruption: turn.interruption,
  barren: turn.barren,
  said: turn.said,
  startedAt: turn.startedAt,
})
