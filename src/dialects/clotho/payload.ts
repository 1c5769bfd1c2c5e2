/** The frames of this dialect, each from what the kernel knows of it. Pure, and without a memory. */

import type { AskBody, EventOf, Stop } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import type { Usage } from '../../kernel/usage.ts'
import { toWire } from './tool-name.ts'

export interface Told {
  type: string
  data: Record<string, Json>
  /** Epoch milliseconds. */
  at: number
  /** The run it is about, and the place in the log it comes from; neither goes over the wire. */
  run: string
  seq: number
  /** The ask that it puts before a person. */
  ask?: string | undefined
}

/** A frame before it is known where in the log it stands. */
export type Said = Pick<Told, 'type' | 'data' | 'ask'>

/** A call as a client is shown it. */
export interface Shown {
  call: string
  tool: string
  input: Json
}

const shown = ({ call, tool, input }: Shown): Json => ({
  id: call,
  name: toWire(tool),
  arguments: input,
})

export function deniedFrame(refused: readonly Shown[]): Said {
  const names = refused.map((c) => `'${toWire(c.tool)}'`).join(', ')
  const reason = `Tools denied by permission policy: [${names}]`
  return { type: 'agent.tool_denied', data: { tool_calls: refused.map(shown), reason } }
}

export const requestFrame = (id: string, wanted: Shown[]): Said => ({
  type: 'agent.tool_request',
  data: { tool_calls: wanted.map(shown) },
  ask: id,
})

/** Everything a person is asked has the form of calls that want to be allowed. */
export function wantedOf(calls: readonly Shown[], id: string, body: AskBody): Shown[] {
  switch (body.kind) {
    case 'approval':
    case 'recovery':
      return body.calls
    case 'question': {
      const call = calls.find((c) => c.call === body.call)
      const { text, options } = body.question
      const asked = { question: text, ...(options ? { options: options.map((o) => o.label) } : {}) }
      return [{ call: body.call, tool: call?.tool ?? 'ask_user', input: call?.input ?? asked }]
    }
    case 'limit': {
      const input = { limit_usd: body.limitUsd, spent_usd: body.spentUsd }
      return [{ call: id, tool: 'raise_limit', input }]
    }
  }
}

export function resultFrame(
  { call, tool }: Shown,
  { output, isError }: { output: string; isError: boolean },
): Said {
  const about = { tool_use_id: call, tool_name: toWire(tool) }
  return { type: 'agent.tool_result', data: { ...about, content: output, is_error: isError } }
}

export const LATE: Said = {
  type: 'agent.error',
  data: { code: 'approval_timeout', message: 'Tool approval timed out' },
}

export const compactionStarted = ({
  tokens,
  window,
}: EventOf<'context.compacting'>['data']): Said => ({
  type: 'agent.compaction_started',
  data: { tokens_before: tokens, context_window: window },
})

/** Clients that show that something is being compacted must learn that it is over. */
export const nothingCompacted = (tokens: number): Said => ({
  type: 'agent.context_compacted',
  data: { tokens_before: tokens, tokens_after: tokens, turns_removed: 0 },
})

export const compacted = (data: EventOf<'context.compacted'>['data']): Said => ({
  type: 'agent.context_compacted',
  data: figuresOf(data),
})

export const figuresOf = (data: EventOf<'context.compacted'>['data']) => ({
  tokens_before: data.tokensBefore,
  tokens_after: data.tokensAfter,
  turns_removed: data.messagesBefore - data.messagesAfter,
})

/** What is known of the last answer of a run. */
export interface Last {
  model: string
  usage: Usage | null
}

export const runFailed = (message: string): Said => ({
  type: 'agent.error',
  data: { code: 'internal_error', message },
})

/** The real clients wait for `turn_complete` and know nothing of `cancelled`: both are said. */
export const cancelled = (last: Last | null): Said[] => [
  { type: 'agent.cancelled', data: { message: 'Run was cancelled' } },
  complete(last, 'cancelled'),
]

export const complete = (last: Last | null, stop_reason: string): Said => ({
  type: 'agent.turn_complete',
  data: { stop_reason, model: last?.model ?? '', usage: usageOf(last?.usage ?? null) },
})

/** The prompt is what the provider counted of it, from its cache or not. */
export const usageOf = (usage: Usage | null) => ({
  input_tokens: usage ? usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens : 0,
  output_tokens: usage?.outputTokens ?? 0,
})

const STOPS: Record<Stop | 'denied', string> = {
  end: 'end_turn',
  calls: 'tool_use',
  length: 'max_tokens',
  filter: 'content_filter',
  sequence: 'stop_sequence',
  other: 'end_turn',
  denied: 'tool_use',
}

export const stopReason = (stop: string): string =>
  Object.hasOwn(STOPS, stop) ? STOPS[stop as Stop] : 'end_turn'
