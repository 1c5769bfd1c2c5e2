/**
 * How a run ends before it is done: everything that is open is closed, in an order that every
 * reader can follow. Pure; what must happen in the world (processes, children) has happened before.
 */

import {
  type Draft,
  draft,
  type Event,
  type Origin,
  type Ruling,
  type RunOutcome,
  type Settled,
  type Trouble,
} from './event.ts'
import type { Outcome } from './part.ts'
import { type ChildAsk, evolveRun, type Run } from './run.ts'
import type { Call } from './turn.ts'
import { NO_USAGE } from './usage.ts'

const ENGINE: Origin = { dialect: 'engine', principal: 'engine' }

type End = NonNullable<Run['end']>

const CANCELLED: End = { outcome: 'cancelled', stop: 'cancelled', trouble: null }

/** The facts that close a run; `children` are those that say how its children ended. */
export function unwind(run: Run, children: Draft[] = [], end: End = CANCELLED): Draft[] {
  const closing = [
    ...closeAnswer(run),
    ...closeCompaction(run),
    ...closeAsks(run),
    ...run.childAsks.map((ask) => settleChild(run, ask, 'cancelled', {})),
    ...children,
    ...closeCalls(run),
  ]
  const { outcome, stop, trouble } = end
  return [...closing, endRun(closing.reduce(after, run), outcome, stop, trouble)]
}

/** The run with one more fact, which is not in the log yet. */
const after = (run: Run, fact: Draft): Run =>
  evolveRun(run, { thread: '', seq: run.lastSeq, at: run.heardAt, ...fact } as Event)

/** The last fact of a run. */
export function endRun(
  run: Run,
  outcome: RunOutcome,
  stop: string,
  trouble: Trouble | null,
): Draft {
  const extra = trouble ? { trouble } : {}
  return draft('run.ended', run.id, { outcome, stop, turns: run.turns, usage: run.usage, ...extra })
}

function closeAnswer({ id, turn }: Run): Draft[] {
  if (turn?.phase !== 'streaming') return []
  const { index, attempt } = turn
  return [
    draft('turn.interrupted', id, {
      turn: index,
      attempt,
      cause: 'cancel',
      retryAt: null,
      usage: NO_USAGE,
    }),
  ]
}

const closeCompaction = ({ id, compacting }: Run): Draft[] =>
  compacting ? [draft('context.uncompacted', id, { reason: 'cancelled', usage: NO_USAGE })] : []

const closeAsks = (run: Run): Draft[] =>
  run.asks.map((ask) =>
    draft('ask.settled', run.id, {
      ask: ask.ask,
      how: 'cancelled',
      rulings: {},
      open: [],
      origin: ENGINE,
    }),
  )

/** What a child waited for, and no longer does. */
export const settleChild = (
  run: Run,
  { call, thread, ask }: Pick<ChildAsk, 'call' | 'thread' | 'ask'>,
  how: Settled,
  rulings: Record<string, Ruling>,
): Draft => {
  const turn = run.turn?.index ?? 0
  return draft('child.settled', run.id, { turn, call, thread, ask, how, rulings })
}

function closeCalls({ id, turn }: Run): Draft[] {
  if (turn?.phase !== 'answered') return []
  const open = turn.calls.filter((c) => c.result === null)
  return [
    ...open.map((c) => endCall(id, turn.index, c, 'cancelled', cancelledText(c))),
    draft('turn.ended', id, { turn: turn.index }),
  ]
}

const cancelledText = (call: Call): string =>
  call.started
    ? 'The run was cancelled while this tool was at work. What it had done by then stays done.'
    : 'The run was cancelled before this tool began.'

/** A result that the engine gives itself, because no tool can. */
export const endCall = (
  run: string,
  turn: number,
  call: Call,
  outcome: Outcome,
  output: string,
): Draft =>
  draft('tool.ended', run, {
    turn,
    call: call.call,
    tool: call.tool,
    outcome,
    output,
    rawBytes: new TextEncoder().encode(output).length,
    durationMs: 0,
  })
