/** What a turn adds to a session's resources: messages of the model, its calls and their results. */

import { type EventOf, NO_MODEL } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import type { Chronicle, OpenTurn } from './chronicle.ts'
import { callPart, resultPart, spokenContent } from './content.ts'
import { callMessageId, resultMessageId, stepId, turnMessageId } from './id.ts'
import type { RunRecord, StepRecord } from './record.ts'
import { addStep } from './step.ts'
import { finishReason } from './telling.ts'
import { type ShownCall, shownCall } from './tool.ts'
import { errorCode } from './turn-telling.ts'

export function startTurn(
  chronicle: Chronicle,
  run: RunRecord,
  event: EventOf<'turn.started'>,
): void {
  const { turn: index, model } = event.data
  if (chronicle.turn?.run === run.id && chronicle.turn.index === index) return
  run.agent = run.successor ?? run.agent
  run.successor = null
  const step = model === NO_MODEL ? null : startModelCall(chronicle, run, event)
  const metadata = {
    agentName: run.agent ?? '',
    effectiveAgentName: run.agent ?? '',
    agentMode: chronicle.isChild ? 'subagent' : 'primary',
    ...(step === null ? {} : { modelCallStepId: stepId(run.id, step), modelCallStepSeq: step }),
  }
  const open = { spoken: [], message: null, calls: [], metadata, step: step ?? 0 }
  chronicle.turn = { run: run.id, index, ...open }
}

/** The number of its step. */
function startModelCall(
  chronicle: Chronicle,
  run: RunRecord,
  { data, at }: EventOf<'turn.started'>,
): number {
  const prompt = { instructions: data.instructions, messages: chronicle.messages.length }
  return addStep(run, { type: 'model_call', name: data.model, startedAt: at, prompt }).seq
}

export function turnOf(chronicle: Chronicle, run: RunRecord): OpenTurn | null {
  return chronicle.turn?.run === run.id ? chronicle.turn : null
}

export function speak(
  chronicle: Chronicle,
  run: RunRecord,
  event: EventOf<'text.delta' | 'thinking.delta'>,
): void {
  const turn = turnOf(chronicle, run)
  if (!turn) return
  const { part, text } = event.data
  const slot = turn.spoken.findLast((s) => s.part === part)
  if (slot) slot.text += text
  else turn.spoken.push({ part, kind: event.type === 'text.delta' ? 'text' : 'thinking', text })
  if (turn.message === null) {
    const id = turnMessageId(run.id, turn.index, 0)
    const { metadata } = turn
    turn.message = { id, run: run.id, role: 'assistant', content: [], metadata, at: event.at }
    chronicle.messages.push(turn.message)
  }
  turn.message.content = spokenContent(turn.spoken)
}

export function answered(
  chronicle: Chronicle,
  run: RunRecord,
  event: EventOf<'turn.answered'>,
): void {
  const turn = turnOf(chronicle, run)
  if (!turn) return
  const inputs = new Map(event.data.sealed.map((s) => [s.part, s.input]))
  turn.calls.forEach((call, i) => {
    call.input = inputs.get(call.part) ?? {}
    chronicle.messages.push({
      id: callMessageId(run.id, turn.index, i),
      run: run.id,
      role: 'assistant',
      content: [callPart(shownIn(run, call))],
      metadata: turn.metadata,
      at: event.at,
    })
  })
  endModelCall(run, turn, event)
}

function endModelCall(run: RunRecord, turn: OpenTurn, event: EventOf<'turn.answered'>): void {
  const step = run.steps[turn.step - 1]
  if (!step) return
  const { usage, stop, model } = event.data
  const content = spokenContent(turn.spoken)
  const calls = turn.calls.map((c) => callPart(shownIn(run, c)))
  const text = turn.spoken.map((s) => (s.kind === 'text' ? s.text : '')).join('')
  step.status = 'completed'
  step.endedAt = event.at
  step.output = {
    response: {
      text,
      content: [...content, ...calls],
      usage: {
        inputTokens: usage.inputTokens,
        outputTokens: usage.outputTokens,
        totalTokens: usage.inputTokens + usage.outputTokens,
      },
      response: { timestamp: new Date(event.at).toISOString(), modelId: model },
      finishReason: calls.length > 0 ? 'tool-calls' : finishReason(stop),
      toolCalls: calls,
      toolResults: [],
    },
    runtime: { toolCallsCount: calls.length, toolResultsCount: 0, toolErrorsCount: 0 },
  }
}

/** What was said stays; calls that were begun never happened. */
export function interrupted(
  chronicle: Chronicle,
  run: RunRecord,
  event: EventOf<'turn.interrupted'>,
): void {
  const turn = turnOf(chronicle, run)
  if (!turn) return
  turn.calls = []
  const step = run.steps[turn.step - 1]
  if (step && event.data.trouble) step.output = { error: { ...event.data.trouble } }
}

export function toolStarted(chronicle: Chronicle, run: RunRecord, id: string, at: number): void {
  const call = turnOf(chronicle, run)?.calls.find((c) => c.call === id)
  if (!call || stepOf(run, shownIn(run, call))) return
  const { toolName: name, ...input } = shownIn(run, call)
  addStep(run, {
    ...{ type: 'tool_call', name, startedAt: at },
    input: { ...input, ...(run.action ? { actionName: name } : {}) },
  })
}

const shownIn = (run: RunRecord, call: { call: string; tool: string; input: Json }): ShownCall =>
  shownCall(call, run.action ? { run: run.id, action: run.action } : null)

const stepOf = (run: RunRecord, { toolCallId }: ShownCall): StepRecord | undefined =>
  run.steps.find((s) => s.type === 'tool_call' && s.input?.toolCallId === toolCallId)

export function toolEnded(
  chronicle: Chronicle,
  run: RunRecord,
  event: EventOf<'tool.ended'>,
): void {
  const { call: id, outcome, durationMs, meta = {} } = event.data
  const turn = turnOf(chronicle, run)
  const index = turn?.calls.findIndex((c) => c.call === id) ?? -1
  const call = turn?.calls[index]
  if (!turn || !call) return
  const isOk = outcome === 'ok'
  const shown = shownIn(run, call)
  if (run.action) run.result = meta
  endStep(run, shown, event)
  countResult(run.steps[turn.step - 1], isOk)
  const metadata = {
    ...turn.metadata,
    toolStatus: isOk ? 'completed' : 'failed',
    toolSourceType: shown.sourceType,
    toolDurationMs: durationMs,
  }
  const asked = callMessageId(run.id, turn.index, index)
  const message = chronicle.messages.findLast((m) => m.id === asked)
  if (message) message.metadata = metadata
  chronicle.messages.push({
    id: resultMessageId(run.id, turn.index, index),
    run: run.id,
    role: 'tool',
    content: [resultPart(shown, event.data)],
    metadata,
    at: event.at,
  })
}

function endStep(run: RunRecord, shown: ShownCall, { data, at }: EventOf<'tool.ended'>): void {
  const step = stepOf(run, shown)
  if (!step) return
  const { outcome, output, durationMs, meta = {} } = data
  const { sourceType, retryPolicy } = shown
  const isOk = outcome === 'ok'
  const told: { [key: string]: Json } = { sourceType, retryPolicy, durationMs }
  if (run.action) {
    const { exitCode = null, stdout = '', stderr = '' } = meta
    Object.assign(told, { actionName: run.action.name, exitCode, stdout, stderr })
  } else if (isOk) told.output = output
  if (!isOk) Object.assign(told, { errorCode: errorCode(outcome, meta), errorMessage: output })
  step.status = isOk ? 'completed' : outcome === 'cancelled' ? 'cancelled' : 'failed'
  step.endedAt = at
  step.output = told
}

function countResult(step: StepRecord | undefined, isOk: boolean): void {
  const runtime = step?.output?.runtime
  if (!isRecord(runtime)) return
  const key = isOk ? 'toolResultsCount' : 'toolErrorsCount'
  runtime[key] = Number(runtime[key]) + 1
}

const isRecord = (value: Json | undefined): value is { [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
