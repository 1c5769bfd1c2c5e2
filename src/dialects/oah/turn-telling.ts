/** What is told of a turn: the words of the model, its calls, and what came of them. Pure. */

import { type EventOf, NO_MODEL } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import { callPart, resultPart, spokenContent } from './content.ts'
import type { Data } from './frame.ts'
import { callMessageId, resultMessageId, runId, turnMessageId } from './id.ts'
import { agentOf, metadataOf, ofRun, type Said } from './said.ts'
import {
  charsOf,
  finishReason,
  hasThinking,
  isWorthShowing,
  type Speaking,
  type SpokenCall,
  say,
  type Telling,
  type Turn,
} from './telling.ts'
import { type ShownCall, shownCall } from './tool.ts'

/** A call begins to be said. */
export const beginCall = (turn: Turn, { data }: EventOf<'call.begun'>): Turn => {
  const { call, tool, part } = data
  const begun = { call, tool, part, input: {}, isStarted: false, blocked: null }
  return { ...turn, calls: [...turn.calls, begun] }
}

/** A later attempt at a turn goes on with the same message. */
export function startTurn(run: Speaking, event: EventOf<'turn.started'>): Speaking {
  const { turn: index, model } = event.data
  if (run.turn?.index === index) return run
  const hasModel = model !== NO_MODEL
  const steps = run.steps + (hasModel ? 1 : 0)
  const turn = { index, step: hasModel ? steps : 0, parts: [], calls: [], shown: 0 }
  return { ...run, steps, turn, agent: run.successor ?? run.agent, successor: null }
}

export function speak(
  state: Telling,
  run: Speaking,
  turn: Turn,
  event: EventOf<'text.delta' | 'thinking.delta'>,
): [Turn, Said[]] {
  const { part, text } = event.data
  const kind = event.type === 'text.delta' ? 'text' : 'thinking'
  const next = say(turn, part, kind, text)
  if (!hasThinking(next)) {
    const shown = charsOf(next)
    return [{ ...next, shown }, [delta(state, run, next, { delta: text })]]
  }
  return isWorthShowing(next) ? show(state, run, next) : [next, []]
}

const show = (state: Telling, run: Speaking, turn: Turn): [Turn, Said[]] => [
  { ...turn, shown: charsOf(turn) },
  [delta(state, run, turn, { content: spokenContent(turn.parts) })],
]

const delta = (state: Telling, run: Speaking, turn: Turn, data: Data): Said => [
  'message.delta',
  {
    runId: runId(run.run),
    messageId: turnMessageId(run.run, turn.index, 0),
    ...data,
    metadata: metadataOf(state, run, turn),
  },
]

/** Text is told once more whole where the turn is the last, or was told in snapshots. */
export function answered(
  state: Telling,
  run: Speaking,
  turn: Turn,
  event: EventOf<'turn.answered'>,
): [Turn, Said[]] {
  const inputs = new Map(event.data.sealed.map((s) => [s.part, s.input]))
  const calls = turn.calls.map((c) => ({ ...c, input: inputs.get(c.part) ?? {} }))
  const content = spokenContent(turn.parts)
  const isFinal = calls.length === 0
  const isPending = hasThinking(turn) && turn.shown < charsOf(turn)
  const shown = content.length > 0 && (isFinal || isPending) ? show(state, run, turn)[1] : []
  const finish = isFinal ? { finishReason: finishReason(event.data.stop) } : {}
  const text: Said[] =
    content.length > 0 || isFinal
      ? [completed(state, run, turn, turnMessageId(run.run, turn.index, 0), { content, ...finish })]
      : []
  const asked = calls.map((c, i) =>
    completed(state, run, turn, callMessageId(run.run, turn.index, i), {
      content: [callPart(shownIn(run, c))],
      metadata: { toolStatus: 'running', toolSourceType: shownIn(run, c).sourceType },
    }),
  )
  return [{ ...turn, calls, shown: charsOf(turn) }, [...shown, ...text, ...asked]]
}

function completed(state: Telling, run: Speaking, turn: Turn, id: string, data: Data): Said {
  const { metadata, ...rest } = data
  return [
    'message.completed',
    {
      runId: runId(run.run),
      messageId: id,
      ...rest,
      metadata: { ...metadataOf(state, run, turn), ...(metadata as object) },
    },
  ]
}

export function toolStarted(
  state: Telling,
  run: Speaking,
  event: EventOf<'tool.started' | 'child.started'>,
): [Speaking, Said[]] {
  const { turn } = run
  const { call: id } = event.data
  const call = turn?.calls.find((c) => c.call === id)
  if (!turn || !call || call.isStarted) return [run, []]
  const calls = turn.calls.map((c) => (c === call ? { ...c, isStarted: true } : c))
  const said: Said = [
    'tool.started',
    {
      ...ofCall(state, run, call),
      input: shownIn(run, call).input,
      metadata: agentOf(state, run),
    },
  ]
  return [{ ...run, steps: run.steps + 1, turn: { ...turn, calls } }, [said]]
}

/** A call that never began - no such tool, wrong input, refused - has a result and no more. */
export function toolEnded(
  state: Telling,
  run: Speaking,
  turn: Turn,
  event: EventOf<'tool.ended'>,
): [Turn, Said[]] {
  const { call: id, outcome, output, durationMs, meta } = event.data
  const index = turn.calls.findIndex((c) => c.call === id)
  const call = turn.calls[index]
  if (!call) return [turn, []]
  const isOk = outcome === 'ok'
  const toolStatus = isOk ? 'completed' : 'failed'
  const shown = shownIn(run, call)
  const { toolCallId, toolName, sourceType } = shown
  const how = { toolStatus, toolSourceType: sourceType, toolDurationMs: durationMs }
  const result = completed(state, run, turn, resultMessageId(run.run, turn.index, index), {
    content: [resultPart(shown, event.data)],
    ...(run.action ? { actionName: run.action.name } : {}),
    ...{ toolName, toolCallId },
    ...(isOk ? {} : { resultType: 'error' }),
    metadata: how,
  })
  if (!call.isStarted && call.blocked === null) return [turn, [result]]
  const facts = { ...ofCall(state, run, call), durationMs }
  const metadata = { ...agentOf(state, run), ...(run.action ? how : { toolStatus }) }
  if (isOk) return [turn, [['tool.completed', { ...facts, output, metadata }], result]]
  const errorMessage = call.blocked ?? output
  const code = call.blocked === null ? errorCode(outcome, meta) : 'hook_blocked'
  const end: Said = ['tool.failed', { ...facts, errorCode: code, errorMessage, metadata }]
  return [turn, [end, result]]
}

export function errorCode(outcome: string, meta: Record<string, Json> = {}): string {
  if (outcome === 'cancelled') return 'native_tool_cancelled'
  return meta.timedOut === true ? 'tool_timed_out' : 'tool_execution_failed'
}

/** A call as this run tells it. */
const shownIn = (run: Speaking, call: SpokenCall): ShownCall =>
  shownCall(call, run.action ? { run: run.run, action: run.action } : null)

function ofCall(state: Telling, run: Speaking, call: SpokenCall): Data {
  const { input: _, ...facts } = shownIn(run, call)
  return { ...ofRun(state, run.run), ...facts }
}
