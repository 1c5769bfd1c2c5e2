/** What is told of a run at events that nothing has to be remembered of. */

import type { EventOf } from '../../kernel/event.ts'
import { type Data, type Said, usageView } from './frame.ts'
import { type CancelHints, hintsIn } from './hints.ts'
import { traceIn } from './saying.ts'

type Aside = EventOf<
  | 'run.cancelling'
  | 'thinking.delta'
  | 'tool.progressed'
  | 'child.started'
  | 'child.ended'
  | 'context.compacting'
  | 'context.compacted'
  | 'context.uncompacted'
  | 'hook.ended'
  | 'note'
>

/** Null when there is nothing to tell. */
export function asideOf(event: Aside): Said | null {
  switch (event.type) {
    case 'run.cancelling':
      return { type: 'run.cancel_requested', data: cancelData(event) }
    case 'thinking.delta': {
      const { text } = event.data
      const data = { content_delta: text, role: 'assistant', channel: 'thinking' }
      return { type: 'message.delta', data }
    }
    case 'tool.progressed': {
      const { call, text } = event.data
      if (text === '') return null
      return { type: 'terminal.stdout_delta', data: { process_ref: call, chunk: text } }
    }
    case 'child.started': {
      const { agent, name, task } = event.data
      const data = { ...childOf(event), persona_id: agent, nickname: name, input: task }
      return { type: 'agent.parallel_dispatch', data }
    }
    case 'child.ended': {
      const { outcome, output, usage } = event.data
      const ending = { status: outcome, output, child_usage: usageView(usage) }
      return { type: 'agent.parallel_complete', data: { ...childOf(event), ...ending } }
    }
    case 'context.compacting':
    case 'context.compacted':
    case 'context.uncompacted':
      return { type: 'run.context_compact', data: { op: 'persist', ...compaction(event) } }
    case 'hook.ended':
      return hookEnded(event)
    case 'note': {
      const { level, code, text } = event.data
      return { type: 'run.note', data: { level, code, message: text } }
    }
  }
}

function cancelData({ data }: EventOf<'run.cancelling'>): Data {
  const hints = hintsIn<CancelHints>(data.origin)
  const seen = hints?.last_seen_seq ?? 0
  return {
    last_seen_seq: seen,
    visible_seq_cutoff: seen,
    ...(data.origin.dialect === 'arkloop' ? { requested_by_user_id: data.origin.principal } : {}),
    ...(hints?.client_cancelled_at ? { client_cancelled_at: hints.client_cancelled_at } : {}),
    ...(data.reason ? { reason: data.reason } : {}),
    ...traceIn(data.origin),
  }
}

const childOf = ({ data: { call, thread, run } }: EventOf<'child.started' | 'child.ended'>) => ({
  tool_call_id: call,
  child_thread_id: thread,
  child_run_id: run,
})

function compaction(
  event: EventOf<'context.compacting' | 'context.compacted' | 'context.uncompacted'>,
): Data {
  switch (event.type) {
    case 'context.compacting': {
      const { tokens, window } = event.data
      return { phase: 'started', context_tokens: tokens, context_window: window }
    }
    case 'context.compacted': {
      const { messagesBefore, messagesAfter, tokensBefore, tokensAfter } = event.data
      const dropped = messagesBefore - messagesAfter
      const tokens = { tokens_before: tokensBefore, tokens_after: tokensAfter }
      return { phase: 'completed', dropped_prefix: dropped, ...tokens }
    }
    case 'context.uncompacted': {
      const { reason, trouble } = event.data
      const phase = reason === 'failed' ? 'llm_failed' : reason === 'nothing' ? 'noop' : 'cancelled'
      return { phase, ...(trouble ? { message: trouble.message } : {}) }
    }
  }
}

/** A hook that let things go on is nobody's news. */
function hookEnded({ data }: EventOf<'hook.ended'>): Said | null {
  const { hook, moment, outcome, reason } = data
  if (outcome === 'passed') return null
  const message = `The hook ${hook} at ${moment} ${outcome}${reason ? `: ${reason}` : '.'}`
  return { type: 'run.note', data: { level: 'warn', code: `hook_${outcome}`, message } }
}
