/**
 * Clotho's events of a run, as a fold over the kernel's. Results are told in the order of their
 * calls, and none before everything that was asked about a reply has been settled.
 */

import type { AskBody, Event, EventOf, Stop } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import type { Usage } from '../../kernel/usage.ts'
import type { Projection } from '../../wire/projection.ts'
import { toWire, wireText } from './tool-name.ts'

export interface Told {
  type: string
  data: Record<string, Json>
  /** Epoch milliseconds. */
  at: number
  /** The run it is about, and the place in the log it comes from; neither goes over the wire. */
  run: string
  seq: number
  /** The ask that it puts before a person. */
  ask?: string
}

type Said = Pick<Told, 'type' | 'data' | 'ask'>

export interface Telling {
  /** Runs that have not ended: how each is to be told. */
  runs: Record<string, Manner>
  active: Active | null
}

interface Manner {
  isStreamed: boolean
  /** A run that only compacts is told by nobody. */
  isSilent: boolean
}

interface Active extends Manner {
  run: string
  /** What a run that is not streamed has said and not yet told, by part. */
  unsaid: { part: number; text: string }[]
  begun: { part: number; call: string; tool: string }[]
  calls: Reply[]
  /** How many results have been told. */
  toldResults: number
  /** Asks about calls of this turn that are open. */
  asks: { ask: string; calls: string[] }[]
  /** Calls that were put before a person; all other refusals are the policy's. */
  asked: string[]
  /** Refused by the policy, and not said yet: more may follow in the same breath. */
  denied: string[]
  /** The context before the compaction that is going on. */
  tokens: number
  model: string
  usage: Usage | null
}

interface Reply {
  call: string
  tool: string
  input: Json
  /** `isTold` is false for what a cancel left undone: the run's own end says that. */
  result: { output: string; isError: boolean; isTold: boolean } | null
}

export const projection: Projection<Telling, Told> = {
  open: () => ({ runs: {}, active: null }),
  tell(state, event) {
    const [next, frames] = step(state, event)
    const run = event.run ?? ''
    return [next, frames.map((f) => ({ ...f, at: event.at, run, seq: event.seq }))]
  },
}

type Step = [Telling, Said[]]

function step(state: Telling, event: Event): Step {
  switch (event.type) {
    case 'run.created': {
      const manner = { isStreamed: isStreamed(event), isSilent: event.data.kind === 'compact' }
      return [{ ...state, runs: { ...state.runs, [event.run ?? '']: manner } }, []]
    }
    case 'run.started':
      return [{ ...state, active: begin(state, event) }, []]
    case 'run.ended':
      return end(state, event)
    case 'thread.opened':
    case 'thread.changed':
    case 'thread.rewound':
    case 'run.edited':
    case 'run.moved':
    case 'run.steered':
    case 'run.cancelling':
    case 'note':
      return [state, []]
    default: {
      const { active } = state
      if (!active || active.run !== event.run || active.isSilent) return [state, []]
      const [next, frames] = advance(active, event)
      return [{ ...state, active: next }, frames]
    }
  }
}

/** The hint is this dialect's own; everybody else's runs are streamed. */
function isStreamed({ data }: EventOf<'run.created'>): boolean {
  const { dialect, hints } = data.origin
  if (dialect !== 'clotho' || typeof hints !== 'object' || hints === null) return true
  return Array.isArray(hints) || hints.stream !== false
}

const begin = (state: Telling, event: EventOf<'run.started'>): Active => ({
  ...(state.runs[event.run ?? ''] ?? { isStreamed: true, isSilent: false }),
  run: event.run ?? '',
  ...NEW_TURN,
  tokens: 0,
  model: event.data.model,
  usage: null,
})

const NEW_TURN = {
  unsaid: [],
  begun: [],
  calls: [],
  toldResults: 0,
  asks: [],
  asked: [],
  denied: [],
}

type Inner = Exclude<
  Event['type'],
  | 'run.created'
  | 'run.started'
  | 'run.ended'
  | 'thread.opened'
  | 'thread.changed'
  | 'thread.rewound'
  | 'run.edited'
  | 'run.moved'
  | 'run.steered'
  | 'run.cancelling'
  | 'note'
>

/** What the policy refused is said in one frame, as soon as it is clear that nothing more follows. */
function advance(active: Active, event: EventOf<Inner>): [Active, Said[]] {
  const isMoreDenied = event.type === 'tool.ended' && isPolicyDenial(active, event)
  const before: Said[] = []
  let now = active
  if (active.denied.length > 0 && !isMoreDenied) {
    before.push(deniedFrame(active))
    now = { ...active, denied: [] }
  }
  const [next, frames] = inner(now, event)
  const [settled, results] = tellResults(next)
  return [settled, [...before, ...frames, ...results]]
}

function inner(active: Active, event: EventOf<Inner>): [Active, Said[]] {
  switch (event.type) {
    case 'turn.started':
      return [event.data.attempt === 1 ? { ...active, ...NEW_TURN } : active, []]
    case 'text.delta':
      return sayText(active, event.data)
    case 'call.begun': {
      const { part, call, tool } = event.data
      const next = { ...active, begun: [...active.begun, { part, call, tool }] }
      const data = { tool_call_id: call, tool_call_name: toWire(tool) }
      return [next, active.isStreamed ? [{ type: 'agent.tool_use_start', data }] : []]
    }
    case 'call.delta': {
      const data = { text: event.data.text, tool_call_id: event.data.call }
      return [active, active.isStreamed ? [{ type: 'agent.tool_use_delta', data }] : []]
    }
    case 'turn.answered':
      return answered(active, event.data)
    case 'turn.interrupted':
      return [{ ...active, begun: [] }, []]
    case 'ask.opened':
      return ask(active, event.data)
    case 'ask.settled':
      return settle(active, event.data)
    case 'child.asked': {
      const { ask: id, body } = event.data
      return [active, [requestFrame(id, wantedOf([], id, body))]]
    }
    case 'child.settled':
      return [active, event.data.how === 'expired' ? [LATE] : []]
    case 'tool.ended':
      return [endTool(active, event), []]
    case 'context.compacting':
      return [{ ...active, tokens: event.data.tokens }, [compactionStarted(event.data)]]
    case 'context.compacted':
      return [active, [compacted(event.data)]]
    case 'context.uncompacted':
      return [active, [nothingCompacted(active)]]
    case 'thinking.delta':
    case 'turn.ended':
    case 'tool.started':
    case 'tool.progressed':
    case 'child.started':
    case 'child.ended':
      return [active, []]
    default:
      return event satisfies never
  }
}

function sayText(active: Active, { part, text }: { part: number; text: string }): [Active, Said[]] {
  if (active.isStreamed) return [active, [{ type: 'agent.text_delta', data: { text } }]]
  const last = active.unsaid.at(-1)
  const unsaid =
    last?.part === part
      ? [...active.unsaid.slice(0, -1), { part, text: last.text + text }]
      : [...active.unsaid, { part, text }]
  return [{ ...active, unsaid }, []]
}

const textFrames = ({ unsaid }: Active): Said[] =>
  unsaid
    .filter(({ text }) => text !== '')
    .map(({ text }) => ({ type: 'agent.text', data: { text } }))

function answered(
  active: Active,
  { sealed, usage, model }: EventOf<'turn.answered'>['data'],
): [Active, Said[]] {
  const inputs = new Map(sealed.map((s) => [s.part, s.input]))
  const calls = active.begun.map(
    ({ part, call, tool }): Reply => ({ call, tool, input: inputs.get(part) ?? {}, result: null }),
  )
  return [{ ...active, calls, usage, model, unsaid: [] }, textFrames(active)]
}

interface Shown {
  call: string
  tool: string
  input: Json
}

const shown = ({ call, tool, input }: Shown): Json => ({
  id: call,
  name: toWire(tool),
  arguments: input,
})

function deniedFrame({ denied, calls }: Active): Said {
  const refused = calls.filter((c) => denied.includes(c.call))
  const names = refused.map((c) => `'${toWire(c.tool)}'`).join(', ')
  return {
    type: 'agent.tool_denied',
    data: {
      tool_calls: refused.map(shown),
      reason: `Tools denied by permission policy: [${names}]`,
    },
  }
}

function ask(active: Active, { ask: id, body }: EventOf<'ask.opened'>['data']): [Active, Said[]] {
  const wanted = wantedOf(active.calls, id, body)
  const calls = wanted.map((w) => w.call)
  const next = {
    ...active,
    asks: [...active.asks, { ask: id, calls }],
    asked: [...active.asked, ...calls],
  }
  return [next, [requestFrame(id, wanted)]]
}

const requestFrame = (id: string, wanted: Shown[]): Said => ({
  type: 'agent.tool_request',
  data: { tool_calls: wanted.map(shown) },
  ask: id,
})

/** Everything a person is asked has the form of calls that want to be allowed. */
function wantedOf(calls: readonly Reply[], id: string, body: AskBody): Shown[] {
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

function settle(
  active: Active,
  { ask: id, how, open }: EventOf<'ask.settled'>['data'],
): [Active, Said[]] {
  const asks = open.length > 0 ? active.asks : active.asks.filter((a) => a.ask !== id)
  return [{ ...active, asks }, how === 'expired' ? [LATE] : []]
}

const LATE: Said = {
  type: 'agent.error',
  data: { code: 'approval_timeout', message: 'Tool approval timed out' },
}

const isPolicyDenial = (active: Active, { data }: EventOf<'tool.ended'>): boolean =>
  data.outcome === 'denied' && !active.asked.includes(data.call)

function endTool(active: Active, event: EventOf<'tool.ended'>): Active {
  const { call, tool, outcome, output } = event.data
  const result = {
    output: wireText(tool, output),
    isError: outcome !== 'ok',
    isTold: outcome !== 'cancelled',
  }
  const calls = active.calls.map((c) => (c.call === call ? { ...c, result } : c))
  const denied = isPolicyDenial(active, event) ? [...active.denied, call] : active.denied
  return { ...active, calls, denied }
}

/** Those results that all earlier calls have too. */
function tellResults(active: Active): [Active, Said[]] {
  if (active.asks.length > 0 || active.denied.length > 0) return [active, []]
  const rest = active.calls.slice(active.toldResults)
  const open = rest.findIndex((c) => c.result === null)
  const ready = open < 0 ? rest : rest.slice(0, open)
  const frames = ready.flatMap(({ call, tool, result }) => {
    if (!result?.isTold) return []
    const { output, isError } = result
    const about = { tool_use_id: call, tool_name: toWire(tool) }
    return [{ type: 'agent.tool_result', data: { ...about, content: output, is_error: isError } }]
  })
  return [{ ...active, toldResults: active.toldResults + ready.length }, frames]
}

const compactionStarted = ({ tokens, window }: EventOf<'context.compacting'>['data']): Said => ({
  type: 'agent.compaction_started',
  data: { tokens_before: tokens, context_window: window },
})

/** Clients that show that something is being compacted must learn that it is over. */
const nothingCompacted = ({ tokens }: Active): Said => ({
  type: 'agent.context_compacted',
  data: { tokens_before: tokens, tokens_after: tokens, turns_removed: 0 },
})

const compacted = (data: EventOf<'context.compacted'>['data']): Said => ({
  type: 'agent.context_compacted',
  data: figuresOf(data),
})

export const figuresOf = (data: EventOf<'context.compacted'>['data']) => ({
  tokens_before: data.tokensBefore,
  tokens_after: data.tokensAfter,
  turns_removed: data.messagesBefore - data.messagesAfter,
})

function end(state: Telling, event: EventOf<'run.ended'>): Step {
  const { [event.run ?? '']: manner, ...runs } = state.runs
  const active = state.active?.run === event.run ? state.active : null
  const next = { runs, active: active ? null : state.active }
  if (manner?.isSilent || active?.isSilent) return [next, []]
  if (!active) return [next, cancelled(null)]
  const before = active.denied.length > 0 ? [deniedFrame(active)] : []
  const [settled, results] = tellResults({ ...active, asks: [], denied: [] })
  return [next, [...before, ...textFrames(settled), ...results, ...ending(settled, event.data)]]
}

function ending(active: Active, { outcome, stop, trouble }: EventOf<'run.ended'>['data']): Said[] {
  switch (outcome) {
    case 'completed':
      return [complete(active, stopReason(stop))]
    case 'cancelled':
      return cancelled(active)
    case 'failed': {
      const message = trouble?.message ?? 'The run failed.'
      return [{ type: 'agent.error', data: { code: 'internal_error', message } }]
    }
  }
}

/** The real clients wait for `turn_complete` and know nothing of `cancelled`: both are said. */
const cancelled = (active: Active | null): Said[] => [
  { type: 'agent.cancelled', data: { message: 'Run was cancelled' } },
  complete(active, 'cancelled'),
]

const complete = (active: Active | null, stop_reason: string): Said => ({
  type: 'agent.turn_complete',
  data: { stop_reason, model: active?.model ?? '', usage: usageOf(active?.usage ?? null) },
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
