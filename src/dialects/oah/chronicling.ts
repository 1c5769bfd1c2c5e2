/** What each event does to a session's resources. The chronicle is changed in place: it is a cache. */

import type { Event, EventOf } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import { actionIn } from './action.ts'
import { delegated, hooked, returned, switched } from './agent-chronicling.ts'
import type { Chronicle } from './chronicle.ts'
import { compacted } from './compaction.ts'
import { inputContent, messagesIn, saidIn } from './content.ts'
import { historyMessageId, inputMessageId } from './id.ts'
import type { MessageRecord, RunRecord } from './record.ts'
import { addSystem } from './step.ts'
import { endOf } from './telling.ts'
import { agentName } from './tool.ts'
import {
  answered,
  interrupted,
  speak,
  startTurn,
  toolEnded,
  toolStarted,
} from './turn-chronicling.ts'

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
    case 'run.switched':
      switched(run, event)
      return
    case 'hook.ended':
      hooked(chronicle, run, event)
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
    content: inputContent(saidIn(input, hints)),
    ...metadata,
    at: event.at,
  }
  chronicle.waiting.set(id, message)
}

const isRecord = (value: Json | undefined): value is { [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function newRun(event: EventOf<'run.created'>, hints: { [key: string]: Json }): RunRecord {
  const { kind, origin, agent, model } = event.data
  const action = actionIn(hints)
  return {
    id: event.run as string,
    kind,
    status: 'queued',
    principal: origin.principal,
    hints,
    agent: action?.agent ?? (agent === undefined ? null : agentName(agent)),
    first: null,
    successor: null,
    switches: 0,
    action,
    result: null,
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
  run.agent = run.action?.agent ?? agentName(event.data.agent)
  run.first = run.agent
  run.model = event.data.model
  run.startedAt = event.at
  run.heartbeatAt = event.at
  addSystem(run, 'run.started', { status: 'running' }, event.at)
}

function ended(chronicle: Chronicle, run: RunRecord, event: EventOf<'run.ended'>): void {
  const { outcome, stop, trouble } = event.data
  settleInput(chronicle, run.id, run.createdAt)
  const { status, errorCode: code, errorMessage } = endOf(outcome, stop, trouble, run.action)
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
