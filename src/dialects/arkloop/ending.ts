/** How runs and calls end in this dialect's words. Lists and streams say the same by this. */

import type { RunOutcome, Trouble } from '../../kernel/event.ts'
import type { Outcome } from '../../kernel/part.ts'
import type { RunStatus } from '../../kernel/run.ts'

export type ArkStatus =
  | 'running'
  | 'cancelling'
  | 'completed'
  | 'failed'
  | 'cancelled'
  | 'interrupted'

/** What a provider may do better the next time. */
const RETRYABLE = new Set(['rate_limited', 'overloaded', 'unreachable', 'timed_out', 'cut_off'])

/** There is no queued and no waiting: such a run is running. */
export function arkStatus(status: RunStatus, stop: string | null, code: string | null): ArkStatus {
  if (status === 'queued' || status === 'waiting') return 'running'
  return status === 'failed' && isInterrupted(stop, code) ? 'interrupted' : status
}

/** A provider failed that may yet answer: the run can be continued. */
export const isInterrupted = (stop: string | null, code: string | null): boolean =>
  stop === 'error' && code !== null && (RETRYABLE.has(code) || code === 'no_progress')

export function endType(outcome: RunOutcome, stop: string, trouble: Trouble | undefined): string {
  if (outcome !== 'failed') return `run.${outcome}`
  return isInterrupted(stop, trouble?.code ?? null) ? 'run.interrupted' : 'run.failed'
}

const CLASSES: Record<string, string> = {
  unknown_agent: 'persona.not_found',
  unknown_model: 'routing.model_not_found',
  no_credentials: 'config.missing',
  turn_limit: 'agent.reasoning_iterations_exceeded',
  token_limit: 'budget.exceeded',
  cost_limit: 'budget.exceeded',
  no_progress: 'provider.retryable',
  unauthorized: 'provider.non_retryable',
  invalid_request: 'provider.non_retryable',
  context_too_long: 'provider.non_retryable',
  provider_error: 'provider.non_retryable',
  model_failed: 'provider.non_retryable',
  tool_failed: 'tool.execution_failed',
  tool_denied: 'policy.denied',
  tool_cancelled: 'tool.cancelled',
  unknown_outcome: 'tool.outcome_unknown',
  hook_blocked: 'policy.denied',
}

export function errorClass(stop: string, trouble: Trouble | undefined): string {
  if (stop === 'time') return 'run.deadline_exceeded'
  const code = trouble?.code ?? ''
  return CLASSES[code] ?? (RETRYABLE.has(code) ? 'provider.retryable' : 'internal.error')
}

const CALL_CLASSES: Record<Exclude<Outcome, 'ok'>, string> = {
  failed: 'tool.execution_failed',
  denied: 'policy.denied',
  cancelled: 'tool.cancelled',
  unknown: 'tool.outcome_unknown',
}

export const callErrorClass = (outcome: Exclude<Outcome, 'ok'>): string => CALL_CLASSES[outcome]
