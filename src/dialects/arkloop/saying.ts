/**
 * What a run and its turns say at each of their events. Each takes what was remembered, puts what is
 * told into `said`, and gives what is remembered from now on.
 */

import type { EventOf, Origin } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import { callErrorClass, endType, errorClass } from './ending.ts'
import { costView, type Data, type Said, usageView } from './frame.ts'
import { type CancelHints, hintsIn, type InputHints, type RunHints } from './hints.ts'
import { accountId, derivedId } from './id.ts'
import { requestId, requestOf } from './question.ts'
import type { CallTelling, RunScope, Telling } from './telling.ts'

// ---- the run ------------------------------------------------------------------------------------

export function created(state: Telling, { data }: EventOf<'run.created'>, said: Said[]): Telling {
  const hints = hintsIn<RunHints>(data.origin)
  const isRetry = data.retryOf !== undefined ? { source: 'retry' } : {}
  const none = { continuation_source: 'none', continuation_loop: false, ...isRetry }
  said.push({ type: 'run.started', data: hints?.asked ?? none })
  const isCall = data.kind === 'call'
  return { ...state, hints, isCall, trace: hints?.trace_id ?? state.trace }
}

export function started(
  { run, account }: RunScope,
  state: Telling,
  { data }: EventOf<'run.started'>,
  said: Said[],
): Telling {
  const job = { job_id: derivedId(run, 'job', 0), job_type: 'run.execute' }
  said.push({ type: 'worker.job.received', data: { ...job, account_id: accountId(account) } })
  const persona = state.hints?.persona ?? data.agent
  said.push({ type: 'run.route.selected', data: routeOf(state, data.model, persona) })
  return { ...state, isCurrent: true }
}

/** Another agent takes the run over, with a model of its own. */
export function switched(state: Telling, { data }: EventOf<'run.switched'>, said: Said[]): Telling {
  said.push({ type: 'run.route.selected', data: routeOf(state, data.model, data.agent) })
  return state
}

function routeOf({ hints }: Telling, model: string, persona: string): Data {
  const route = hints?.asked.route_id
  return {
    route_id: typeof route === 'string' ? route : 'default',
    model: modelOf(model),
    provider_kind: providerOf(model),
    persona_id: persona,
  }
}

/** `provider:model` as this dialect tells it. */
export const modelOf = (model: string): string => model.slice(model.indexOf(':') + 1)
const providerOf = (model: string): string => model.split(':', 1)[0] as string

/** Of the request that an event comes from; nothing when it came through another dialect. */
export function traceIn(origin: Origin): { trace_id?: string } {
  const trace = hintsIn<CancelHints | InputHints>(origin)?.trace_id
  return trace === undefined ? {} : { trace_id: trace }
}

export function ended(state: Telling, { data }: EventOf<'run.ended'>, said: Said[]): Telling {
  const { outcome, stop, trouble, usage, turns } = data
  const type = endType(outcome, stop, trouble)
  const spent = turns === 0 ? {} : { usage: usageView(usage), ...costView(usage) }
  const next = { ...state, isOver: true, asks: {}, calls: {} }
  if (type === 'run.completed') {
    said.push({ type, data: { ...spent, stop_reason: stop, ...assistantMessage(state.text) } })
  } else if (type === 'run.cancelled') {
    said.push({ type, data: { reason: 'cancel_signal', ...spent } })
  } else {
    const failure = failureOf(state.hints, stop, trouble)
    said.push({ type, data: { ...failure, ...spent }, errorClass: failure.error_class })
  }
  return next
}

type Failure = { error_class: string; message: string; code: string; details?: Json }

function failureOf(
  hints: RunHints | null,
  stop: string,
  trouble: EventOf<'run.ended'>['data']['trouble'],
): Failure {
  const code = trouble?.code ?? stop
  const plain = { message: trouble?.message ?? `The run ended: ${stop}.`, code }
  const wanted = hints?.asked.persona_id
  if (code === 'unknown_agent' && typeof wanted === 'string') {
    const [persona, version] = wanted.split('@') as [string, string | undefined]
    const known = hints?.available_version
    if (version === undefined || known === undefined)
      return { ...plain, error_class: 'persona.not_found', details: { persona_id: wanted } }
    return {
      code,
      error_class: 'persona.version_mismatch',
      message: 'persona version mismatch',
      details: { persona_id: persona, requested_version: version, available_version: known },
    }
  }
  if (code === 'unknown_model' && hints?.missing === 'route')
    return { ...plain, error_class: 'routing.not_found', message: 'The route does not exist.' }
  return { ...plain, error_class: errorClass(stop, trouble) }
}

// ---- turns --------------------------------------------------------------------------------------

const ATTEMPTS = 1000

const callId = ({ run }: RunScope, turn: number, attempt: number): string =>
  derivedId(run, 'call', turn * ATTEMPTS + attempt)

/** The first attempt at a turn has read what was said meanwhile; a later one goes on where it was. */
export function turnStarted(
  scope: RunScope,
  state: Telling,
  { data }: EventOf<'turn.started'>,
  said: Said[],
): Telling {
  const { turn, attempt, model } = data
  const isNew = attempt === 1
  if (isNew)
    for (const content of state.steers)
      said.push({ type: 'run.steering_injected', data: { content } })
  if (state.isCall) return { ...state, turn, attempt }
  said.push({
    type: 'llm.request',
    data: {
      llm_call_id: callId(scope, turn, attempt),
      provider_kind: providerOf(model),
      model: modelOf(model),
      iteration: turn + 1,
      attempt,
    },
  })
  if (!isNew) return { ...state, attempt, calls: {} }
  return { ...state, turn, attempt, text: '', calls: {}, steers: [] }
}

/** Calls are told whole before they run; then the turn, as the model has ended it. */
export function answered(
  scope: RunScope,
  state: Telling,
  { data }: EventOf<'turn.answered'>,
  said: Said[],
): Telling {
  const inputs = data.sealed.filter((s) => s.input !== undefined).map((s) => s.input as Json)
  const calls = Object.entries(state.calls)
  for (const [i, [id, { tool }]] of calls.entries())
    said.push({
      type: 'tool.call',
      data: { tool_call_id: id, tool_name: tool, arguments: inputs[i] ?? {} },
      tool,
    })
  if (state.isCall) return state
  const { usage } = data
  const message = assistantMessage(state.text)
  said.push({
    type: 'llm.turn.completed',
    data: {
      llm_call_id: callId(scope, state.turn, state.attempt),
      usage: usageView(usage),
      ...costView(usage),
      ...message,
      last_request_context_estimate_tokens:
        usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens,
    },
  })
  return state
}

const assistantMessage = (text: string): { assistant_message?: Json } =>
  text === '' ? {} : { assistant_message: { role: 'assistant', content: [{ type: 'text', text }] } }

export function interrupted(
  state: Telling,
  { data, at }: EventOf<'turn.interrupted'>,
  said: Said[],
): Telling {
  const { attempt, retryAt, trouble, cause } = data
  if (cause === 'provider' && retryAt !== null)
    said.push({
      type: 'run.llm.retry',
      data: {
        attempt,
        delay_ms: Math.max(0, retryAt - at),
        error_class: 'provider.retryable',
        ...(trouble ? { message: trouble.message, code: trouble.code } : {}),
      },
    })
  return { ...state, calls: {} }
}

export const onCall = (state: Telling, call: string, change: CallTelling): Telling => ({
  ...state,
  calls: { ...state.calls, [call]: { ...state.calls[call], ...change } },
})

// ---- tools and waiting --------------------------------------------------------------------------

export function toolEnded(state: Telling, { data }: EventOf<'tool.ended'>, said: Said[]): Telling {
  const { call, tool, outcome, output, durationMs } = data
  const head = { tool_call_id: call, tool_name: tool, duration_ms: durationMs }
  const answer = state.calls[call]?.answer
  if (outcome === 'ok') {
    const result = answer === undefined ? resultOf(output) : { user_response: answer }
    said.push({ type: 'tool.result', data: { ...head, result }, tool })
    return state
  }
  const error_class = callErrorClass(outcome)
  const error = { error_class, message: output }
  said.push({ type: 'tool.result', data: { ...head, error }, tool, errorClass: error_class })
  return state
}

/** What a tool said, as an object: its own when it is one. */
function resultOf(output: string): Json {
  if (output.startsWith('{'))
    try {
      return JSON.parse(output) as Json
    } catch {
      // Text that only begins like an object.
    }
  return { output }
}

export function asked(
  state: Telling,
  { data }: EventOf<'ask.opened' | 'child.asked'>,
  said: Said[],
): Telling {
  const request = requestOf(data.ask, data.body)
  const request_id = requestId(data.ask, data.body)
  said.push({ type: 'run.input_requested', data: request })
  said.push({ type: 'run.waiting_for_input', data: request })
  said.push({ type: 'run.paused', data: { reason: 'waiting_user_input', request_id } })
  return { ...state, asks: { ...state.asks, [data.ask]: request_id } }
}

export function settled(
  state: Telling,
  event: EventOf<'ask.settled' | 'child.settled'>,
  said: Said[],
): Telling {
  const { ask, how } = event.data
  const request_id = state.asks[ask] ?? ask
  const isPartly = event.type === 'ask.settled' && event.data.open.length > 0
  if (event.type === 'ask.settled' && how === 'answered') {
    const hints = hintsIn<InputHints>(event.data.origin)
    said.push({
      type: 'run.input_provided',
      data: {
        content: hints?.content ?? contentOf(event),
        request_id,
        ...traceIn(event.data.origin),
      },
    })
  }
  if (isPartly) return state
  const reason = how === 'answered' ? 'user_input_received' : how
  said.push({ type: 'run.resumed', data: { reason, request_id } })
  const { [ask]: _, ...asks } = state.asks
  const next = { ...state, asks }
  if (event.type !== 'ask.settled' || event.data.answer === undefined) return next
  const call = state.calls[request_id]
  return call ? onCall(next, request_id, { ...call, answer: event.data.answer }) : next
}

/** What somebody decided through another dialect, in words. */
function contentOf({ data }: EventOf<'ask.settled'>): string {
  if (data.answer !== undefined)
    return typeof data.answer === 'string' ? data.answer : JSON.stringify(data.answer)
  const rulings = Object.values(data.rulings)
  return rulings.length > 0 && rulings.every((r) => r.allow) ? 'approve' : 'deny'
}
