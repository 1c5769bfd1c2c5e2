/**
 * How things that were announced are closed: calls, requests, turns, runs. Whatever way a run ends,
 * everything that a client was told to be open is told to be over before `session.end`.
 */

import type { EventOf } from '../../kernel/event.ts'
import type { Usage } from '../../kernel/usage.ts'
import { permissionResponse } from './asking.ts'
import { type Body, endReason, errorCode, totalUsage, turnUsage } from './frame.ts'
import type { RunTelling, Telling, TurnTelling } from './telling.ts'

/** The whole text once, when the model will say no more of it: thinking first. */
export function complete(state: Telling, turnIndex: number, said: Body[]): void {
  const { thinking, text } = state
  if (thinking !== '') said.push({ type: 'thinking.complete', text: thinking, turnIndex })
  if (text !== '') said.push({ type: 'text.complete', text, turnIndex })
}

/** Calls that were begun in an answer that broke off. A client that shows them must hear of it. */
export function breakCalls(turn: TurnTelling, said: Body[]): void {
  for (const { call, tool } of turn.open)
    said.push({
      type: 'tool.call.end',
      toolCallId: call,
      toolName: tool,
      result: 'The answer broke off before this call was complete. It did not run.',
      isError: true,
      durationMs: 0,
      turnIndex: turn.index,
    })
}

export function endCall(run: RunTelling, event: EventOf<'tool.ended'>, said: Body[]): RunTelling {
  const { call, tool, outcome, output, rawBytes, durationMs, meta, turn: turnIndex } = event.data
  const child = run.turn?.open.find((c) => c.call === call)?.child
  const facts = child
    ? { agentId: child.agent, turnCount: child.turns, usage: childUsage(child.usage) }
    : {}
  const metadata = { ...facts, ...meta }
  const toModel = Buffer.byteLength(output)
  // A page becomes shorter as text, and a command loses its last line break: only the tool knows.
  const isCut = typeof meta?.truncated === 'boolean' ? meta.truncated : rawBytes > toModel
  const sizes = {
    cacheHit: false,
    outputBytesRaw: rawBytes,
    outputBytesToModel: toModel,
    truncated: isCut,
  }
  said.push({
    type: 'tool.call.end',
    toolCallId: call,
    toolName: tool,
    result: output,
    isError: outcome !== 'ok',
    durationMs,
    turnIndex,
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
    ...(outcome === 'ok' || outcome === 'failed' ? sizes : {}),
  })
  if (!run.turn) return run
  const open = run.turn.open.filter((c) => c.call !== call)
  return { ...run, turn: { ...run.turn, open } }
}

/** Which models a sub-agent used is said on its own stream. */
export function childUsage(usage: Usage) {
  const { model: _, ...rest } = turnUsage(usage, '', usage.costUsd ?? 0)
  return rest
}

export function closeTurn(turn: TurnTelling, stopReason: string, at: number, said: Body[]): void {
  breakCalls(turn, said)
  said.push({
    type: 'turn.end',
    turnIndex: turn.index,
    stopReason,
    usage: turnUsage(turn.usage, turn.model, turn.knownUsd),
    timestamp: at,
  })
}

/** Steering messages become part of the conversation when a turn reads them, or when the run ends. */
export function read(run: RunTelling, said: Body[]): void {
  for (const { at, ...message } of run.steers)
    said.push({ type: 'user.message', ...message, timestamp: at })
}

/**
 * `session.end` is always last. Before it comes something at which the official client stops: a
 * `turn.end`, an `error`, or, when the run ended between two turns, a `turn.interrupted`.
 */
export function endRun(
  state: Telling,
  run: RunTelling,
  event: EventOf<'run.ended'>,
  said: Body[],
): void {
  const { outcome, stop, trouble, usage } = event.data
  const { at } = event
  const reason = endReason(outcome, stop)
  const last = run.turn?.index ?? Math.max(run.turns - 1, 0)
  for (const { isTold, requestId } of Object.values(run.asks).flat())
    if (isTold) said.push(permissionResponse(requestId, false, last))
  if (run.turn && !run.turn.answered && stop !== 'error') complete(state, last, said)
  if (outcome === 'failed')
    said.push({
      type: 'error',
      code: errorCode(stop, trouble?.code ?? 'unknown'),
      message: trouble?.message ?? 'The run failed.',
      recoverable: false,
      turnIndex: last,
    })
  if (run.turn) closeTurn(run.turn, reason, at, said)
  read(run, said)
  if (!run.turn && !run.closed && outcome !== 'failed' && run.kind === 'message')
    said.push(interruption(last, at))
  said.push({
    type: 'session.end',
    sessionId: state.session,
    reason,
    totalUsage: totalUsage(usage, usage.costUsd ?? run.knownUsd, run.model),
    turnCount: run.turns,
    timestamp: at,
  })
}

const interruption = (turnIndex: number, at: number): Body => ({
  type: 'turn.interrupted',
  reason: 'aborted',
  turnIndex,
  hadContent: false,
  hadTools: false,
  hadSubAgents: false,
  hadPendingPermissions: false,
  hadPendingCredentials: false,
  timestamp: at,
})
