/** What each event does to a session's resources. The chronicle is changed in place: it is a cache. */

import type { Event, EventOf } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import type { Chronicle, OpenTurn } from './chronicle.ts'
import { callPart, inputContent, messagesIn, resultPart, spokenContent } from './content.ts'
import {
  boundaryMessageId,
  callMessageId,
  historyMessageId,
  inputMessageId,
  resultMessageId,
  runId,
  sessionId,
  stepId,
  summaryMessageId,
  turnMessageId,
} from './id.ts'
import { errorCode } from './project.ts'
import type { MessageRecord, RunRecord, StepRecord } from './record.ts'
import { endOf, finishReason } from './telling.ts'
import { agentName, toolInput, toolName, toolSource } from './tool.ts'

export function note(chronicle: Chronicle, event: Event): void {
  const run = event.run === null ? undefined : chronicle.runs.get(event.run)
  if (run?.startedAt != null && run.endedAt === null) run.heartbeatAt = event.at
  switch (event.type) {
    case 'thread.opened':
      opened(chronicle, event)
      return
    case 'thread.rewound':
      rewound(chronicle, event.data.runs)
      return
    case 'run.created':
      created(chronicle, event)
      return
    case 'run.edited': {
      const waiting = chronicle.waiting.get(event.run as string)
      if (waiting) waiting.content = inputContent(event.data.input)
      return
    }
    case 'run.steered':
      chronicle.messages.push({
        id: inputMessageId(event.data.id),
        run: event.run,
        role: 'user',
        content: inputContent(event.data.input),
        at: event.at,
      })
      return
    default:
      if (run) noteRun(chronicle, run, event)
  }
}

function noteRun(chronicle: Chronicle, run: RunRecord, event: Event): void {
  switch (event.type) {
    case 'run.started':
      started(chronicle, run, event)
      return
    case 'run.cancelling':
      run.cancelRequestedAt ??= event.at
      return
    case 'run.ended':
      ended(chronicle, run, event)
      return
    case 'turn.started':
      startTurn(chronicle, run, event)
      return
    case 'text.delta':
    case 'thinking.delta':
      speak(chronicle, run, event)
      return
    case 'call.begun': {
      const { call, tool, part } = event.data
      chronicle.turn?.calls.push({ call, tool, part, input: {} })
      return
    }
    case 'turn.answered':
      answered(chronicle, run, event)
      return
    case 'turn.interrupted':
      interrupted(chronicle, run, event)
      return
    case 'tool.started':
      toolStarted(chronicle, run, event.data.call, event.at)
      return
    case 'tool.ended':
      toolEnded(chronicle, run, event)
      return
    case 'ask.opened':
    case 'child.asked':
      run.asks.add(event.data.ask)
      setWaiting(run)
      return
    case 'ask.settled':
      if (event.data.open.length === 0) run.asks.delete(event.data.ask)
      setWaiting(run)
      return
    case 'child.settled':
      run.asks.delete(event.data.ask)
      setWaiting(run)
      return
    case 'child.started':
      delegated(chronicle, run, event)
      return
    case 'child.ended':
      returned(run, event)
      return
    case 'context.compacted':
      compacted(chronicle, run, event)
      return
    case 'context.uncompacted':
      run.compaction = {
        reason: event.data.reason === 'nothing' ? 'insufficient_history' : 'summary_empty',
      }
      return
    default:
      return
  }
}

// ---- the session --------------------------------------------------------------------------

function opened(chronicle: Chronicle, event: EventOf<'thread.opened'>): void {
  const { parent, history } = event.data
  chronicle.isChild = parent !== null
  chronicle.parentRun = parent?.run ?? null
  let n = 0
  for (const message of history)
    for (const { role, content } of messagesIn(message))
      chronicle.messages.push({
        id: historyMessageId(event.thread, n++),
        run: null,
        role,
        content,
        at: message.at,
      })
}

function rewound(chronicle: Chronicle, runs: string[]): void {
  const gone = new Set(runs)
  chronicle.messages = chronicle.messages.filter((m) => m.run === null || !gone.has(m.run))
}

function created(chronicle: Chronicle, event: EventOf<'run.created'>): void {
  const { kind, input, origin } = event.data
  const id = event.run as string
  const hints = isRecord(origin.hints) ? origin.hints : {}
  chronicle.runs.set(id, newRun(event, hints))
  if (kind !== 'message') return
  const metadata = isRecord(hints.metadata) ? { metadata: hints.metadata } : {}
  const message: MessageRecord = {
    id: inputMessageId(id),
    run: id,
    role: 'user',
    content: inputContent(input),
    ...metadata,
    at: event.at,
  }
  chronicle.waiting.set(id, message)
}

const isRecord = (value: Json | undefined): value is { [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function newRun(event: EventOf<'run.created'>, hints: { [key: string]: Json }): RunRecord {
  const { kind, origin, agent, model } = event.data
  return {
    id: event.run as string,
    kind,
    status: 'queued',
    principal: origin.principal,
    hints,
    agent: agent === undefined ? null : agentName(agent),
    model: model ?? null,
    createdAt: event.at,
    startedAt: null,
    heartbeatAt: null,
    endedAt: null,
    cancelRequestedAt: null,
    errorCode: null,
    errorMessage: null,
    steps: [],
    asks: new Set(),
    children: [],
    compaction: null,
  }
}

/** What was said takes its place in the conversation when it is read, and not before. */
function settleInput(chronicle: Chronicle, run: string, at: number): void {
  const message = chronicle.waiting.get(run)
  if (!message) return
  chronicle.waiting.delete(run)
  chronicle.messages.push({ ...message, at })
}

function started(chronicle: Chronicle, run: RunRecord, event: EventOf<'run.started'>): void {
  settleInput(chronicle, run.id, event.at)
  run.status = 'running'
  run.agent = agentName(event.data.agent)
  run.model = event.data.model
  run.startedAt = event.at
  run.heartbeatAt = event.at
  addSystem(run, 'run.started', { status: 'running' }, event.at)
}

function ended(chronicle: Chronicle, run: RunRecord, event: EventOf<'run.ended'>): void {
  const { outcome, stop, trouble } = event.data
  settleInput(chronicle, run.id, run.createdAt)
  const { status, errorCode: code, errorMessage } = endOf(outcome, stop, trouble)
  for (const step of run.steps)
    if (step.endedAt === null) {
      step.status = outcome === 'cancelled' ? 'cancelled' : 'failed'
      step.endedAt = event.at
    }
  run.status = status as RunRecord['status']
  run.errorCode = code ?? null
  run.errorMessage = errorMessage ?? null
  run.endedAt = event.at
  if (outcome === 'cancelled') run.cancelRequestedAt ??= event.at
  const output: { [key: string]: Json } = { status }
  if (code !== undefined) Object.assign(output, { errorCode: code, errorMessage })
  addSystem(run, `run.${status}`, output, event.at)
  if (chronicle.turn?.run === run.id) chronicle.turn = null
}

function setWaiting(run: RunRecord): void {
  if (run.endedAt === null) run.status = run.asks.size > 0 ? 'waiting_tool' : 'running'
}

function addSystem(
  run: RunRecord,
  name: string,
  output: { [key: string]: Json },
  at: number,
): void {
  run.steps.push({
    seq: run.steps.length + 1,
    type: 'system',
    name,
    agent: run.agent ?? '',
    status: 'completed',
    input: null,
    output,
    startedAt: at,
    endedAt: at,
    prompt: null,
  })
}

// ---- a turn -------------------------------------------------------------------------------

function startTurn(chronicle: Chronicle, run: RunRecord, event: EventOf<'turn.started'>): void {
  const { turn: index, model, instructions } = event.data
  if (chronicle.turn?.run === run.id && chronicle.turn.index === index) return
  const seq = run.steps.length + 1
  run.steps.push({
    seq,
    type: 'model_call',
    name: model,
    agent: run.agent ?? '',
    status: 'running',
    input: null,
    output: null,
    startedAt: event.at,
    endedAt: null,
    prompt: { instructions, messages: chronicle.messages.length },
  })
  const metadata = {
    agentName: run.agent ?? '',
    effectiveAgentName: run.agent ?? '',
    agentMode: chronicle.isChild ? 'subagent' : 'primary',
    modelCallStepId: stepId(run.id, seq),
    modelCallStepSeq: seq,
  }
  chronicle.turn = { run: run.id, index, spoken: [], message: null, calls: [], metadata, step: seq }
}

function turnOf(chronicle: Chronicle, run: RunRecord): OpenTurn | null {
  return chronicle.turn?.run === run.id ? chronicle.turn : null
}

function speak(
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

function answered(chronicle: Chronicle, run: RunRecord, event: EventOf<'turn.answered'>): void {
  const turn = turnOf(chronicle, run)
  if (!turn) return
  const inputs = new Map(event.data.sealed.map((s) => [s.part, s.input]))
  turn.calls.forEach((call, i) => {
    call.input = inputs.get(call.part) ?? {}
    chronicle.messages.push({
      id: callMessageId(run.id, turn.index, i),
      run: run.id,
      role: 'assistant',
      content: [callPart(call.call, call.tool, call.input)],
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
  const calls = turn.calls.map((c) => callPart(c.call, c.tool, c.input))
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
function interrupted(
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

function toolStarted(chronicle: Chronicle, run: RunRecord, id: string, at: number): void {
  const call = turnOf(chronicle, run)?.calls.find((c) => c.call === id)
  if (!call || stepOf(run, id)) return
  const { tool } = call
  run.steps.push({
    seq: run.steps.length + 1,
    type: 'tool_call',
    name: toolName(tool),
    agent: run.agent ?? '',
    status: 'running',
    input: { toolCallId: id, ...toolSource(tool), input: toolInput(tool, call.input) },
    output: null,
    startedAt: at,
    endedAt: null,
    prompt: null,
  })
}

/** A task that is given is a tool that begins, and a step of its own. */
function delegated(chronicle: Chronicle, run: RunRecord, event: EventOf<'child.started'>): void {
  const { agent, call, run: child, thread, task } = event.data
  toolStarted(chronicle, run, call, event.at)
  const facts = {
    childRunId: runId(child),
    childSessionId: sessionId(thread),
    targetAgentName: agentName(agent),
    parentAgentName: run.agent ?? '',
  }
  run.children.push(facts)
  run.steps.push({
    seq: run.steps.length + 1,
    type: 'agent_delegate',
    name: facts.targetAgentName,
    agent: run.agent ?? '',
    status: 'running',
    input: { ...facts, task },
    output: null,
    startedAt: event.at,
    endedAt: null,
    prompt: null,
  })
}

function returned(run: RunRecord, { data, at }: EventOf<'child.ended'>): void {
  const child = runId(data.run)
  const step = run.steps.findLast((s) => s.input?.childRunId === child)
  if (!step) return
  step.status = data.outcome
  step.endedAt = at
  step.output = { childStatus: data.outcome, output: data.output }
}

const stepOf = (run: RunRecord, call: string): StepRecord | undefined =>
  run.steps.find((s) => s.type === 'tool_call' && s.input?.toolCallId === call)

function toolEnded(chronicle: Chronicle, run: RunRecord, event: EventOf<'tool.ended'>): void {
  const { call: id, tool, outcome, output, durationMs } = event.data
  const turn = turnOf(chronicle, run)
  const isOk = outcome === 'ok'
  const step = stepOf(run, id)
  if (step) {
    step.status = isOk ? 'completed' : outcome === 'cancelled' ? 'cancelled' : 'failed'
    step.endedAt = event.at
    step.output = isOk
      ? { ...toolSource(tool), output, durationMs }
      : { ...toolSource(tool), errorCode: errorCode(outcome), errorMessage: output, durationMs }
  }
  if (!turn) return
  const index = turn.calls.findIndex((c) => c.call === id)
  if (index < 0) return
  countResult(run.steps[turn.step - 1], isOk)
  const metadata = {
    ...turn.metadata,
    toolStatus: isOk ? 'completed' : 'failed',
    toolSourceType: toolSource(tool).sourceType,
    toolDurationMs: durationMs,
  }
  const asked = callMessageId(run.id, turn.index, index)
  const call = chronicle.messages.findLast((m) => m.id === asked)
  if (call) call.metadata = metadata
  chronicle.messages.push({
    id: resultMessageId(run.id, turn.index, index),
    run: run.id,
    role: 'tool',
    content: [resultPart(event.data)],
    metadata,
    at: event.at,
  })
}

function countResult(step: StepRecord | undefined, isOk: boolean): void {
  const runtime = step?.output?.runtime
  if (!isRecord(runtime)) return
  const key = isOk ? 'toolResultsCount' : 'toolErrorsCount'
  runtime[key] = Number(runtime[key]) + 1
}

// ---- compaction ---------------------------------------------------------------------------

function compacted(
  chronicle: Chronicle,
  run: RunRecord,
  event: EventOf<'context.compacted'>,
): void {
  const n = chronicle.compactions++
  const boundary = boundaryMessageId(run.id, n)
  const summary = summaryMessageId(run.id, n)
  const { tokensBefore, tokensAfter, messagesBefore, messagesAfter } = event.data
  const count = Math.max(0, messagesBefore - messagesAfter + 1)
  const shared = { compactBoundaryId: boundary, eligibleForModelContext: true }
  const extra = {
    compactedBy: run.kind === 'compact' ? 'manual' : 'automatic',
    estimatedTokensBefore: tokensBefore,
    estimatedTokensAfter: tokensAfter,
    summarizedMessageCount: count,
  }
  const base = { run: run.id, role: 'system' as const, at: event.at }
  chronicle.messages.push(
    {
      ...base,
      id: boundary,
      content: 'Conversation compacted',
      metadata: {
        runtimeKind: 'compact_boundary',
        ...shared,
        eligibleForModelContext: false,
        extra,
      },
    },
    {
      ...base,
      id: summary,
      content: event.data.summary,
      metadata: {
        runtimeKind: 'compact_summary',
        ...shared,
        summaryForBoundaryId: boundary,
        extra,
      },
    },
  )
  run.compaction = { boundary, summary, count }
  addSystem(run, 'context_compact', extra, event.at)
}
