/**
 * One run as it is told: a fold over what happens in it. Results come in the order of their calls,
 * and none before everything that was asked about a reply has been settled.
 */

import type { Event, EventOf } from '../../kernel/event.ts'
import type { Usage } from '../../kernel/usage.ts'
import {
  compacted,
  compactionStarted,
  deniedFrame,
  LATE,
  nothingCompacted,
  requestFrame,
  resultFrame,
  type Said,
  type Shown,
  wantedOf,
} from './payload.ts'
import { toWire, wireText } from './tool-name.ts'

export interface Manner {
  isStreamed: boolean
  /** A run that only compacts is told by nobody. */
  isSilent: boolean
}

export interface Active extends Manner {
  run: string
  /** What a run that is not streamed has said and not yet told, by part. */
  unsaid: { part: number; text: string }[]
  begun: { part: number; call: string; tool: string }[]
  calls: Reply[]
  /** How many results have been told. */
  toldResults: number
  /** Asks about calls of this turn that are open. */
  asks: string[]
  /** Calls that were put before a person; all other refusals are the policy's. */
  asked: string[]
  /** Refused by the policy, and not said yet: more may follow in the same breath. */
  denied: string[]
  /** The context before the compaction that is going on. */
  tokens: number
  model: string
  usage: Usage | null
}

interface Reply extends Shown {
  /** `isTold` is false for what a cancel left undone: the run's own end says that. */
  result: { output: string; isError: boolean; isTold: boolean } | null
}

/** The run has the thread, and has said nothing yet. Clients know models without their provider. */
export const begin = (run: string, model: string, manner: Manner): Active => ({
  ...manner,
  run,
  ...NEW_TURN,
  tokens: 0,
  model: model.slice(model.indexOf(':') + 1),
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

/** What happens inside of a run. */
export type Inner = Exclude<
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
export function advance(active: Active, event: EventOf<Inner>): [Active, Said[]] {
  const isMoreDenied = event.type === 'tool.ended' && isPolicyDenial(active, event)
  const before: Said[] = []
  let now = active
  if (active.denied.length > 0 && !isMoreDenied) {
    before.push(deniedFrame(refusedBy(active)))
    now = { ...active, denied: [] }
  }
  const [next, frames] = inner(now, event)
  // As with nearly all events, the words of an answer: nothing is ready that was not before.
  if (next === active) return [active, frames]
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
      return [{ ...active, begun: [], usage: event.data.usage }, []]
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
      return [active, [nothingCompacted(active.tokens)]]
    case 'thinking.delta':
    case 'turn.ended':
    case 'run.recovered':
    case 'run.switched':
    case 'hook.ended':
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

function ask(active: Active, { ask: id, body }: EventOf<'ask.opened'>['data']): [Active, Said[]] {
  const wanted = wantedOf(active.calls, id, body)
  const calls = wanted.map((w) => w.call)
  const next = {
    ...active,
    asks: [...active.asks, id],
    asked: [...active.asked, ...calls],
  }
  return [next, [requestFrame(id, wanted)]]
}

function settle(
  active: Active,
  { ask: id, how, open }: EventOf<'ask.settled'>['data'],
): [Active, Said[]] {
  const asks = open.length > 0 ? active.asks : active.asks.filter((a) => a !== id)
  return [{ ...active, asks }, how === 'expired' ? [LATE] : []]
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
  if (ready.length === 0) return [active, []]
  const frames = ready.flatMap((c) => (c.result?.isTold ? [resultFrame(c, c.result)] : []))
  return [{ ...active, toldResults: active.toldResults + ready.length }, frames]
}

/** Whatever was held back, when the run ends and nothing more can come. */
export function release(active: Active): Said[] {
  const before = active.denied.length > 0 ? [deniedFrame(refusedBy(active))] : []
  const [, results] = tellResults({ ...active, asks: [], denied: [] })
  return [...before, ...textFrames(active), ...results]
}

const refusedBy = ({ denied, calls }: Active): Shown[] =>
  calls.filter((c) => denied.includes(c.call))
