/**
 * A thread's log as an OAH session's stream. Pure. The order is causal: what was said is complete
 * before its tools begin, and a tool begins before it ends.
 */

import type { AskBody, Event, EventOf } from '../../kernel/event.ts'
import { type Json, textOf } from '../../kernel/part.ts'
import type { Projection } from '../../wire/projection.ts'
import { callPart, resultPart, spokenContent } from './content.ts'
import { type Data, type Frame, iso } from './frame.ts'
import {
  callMessageId,
  inputMessageId,
  resultMessageId,
  runId,
  sessionId,
  stepId,
  turnMessageId,
} from './id.ts'
import {
  charsOf,
  emptyTelling,
  endOf,
  finishReason,
  hasThinking,
  isWorthShowing,
  type Speaking,
  say,
  type Telling,
  type Turn,
  type Waiting,
} from './telling.ts'
import { agentName, toolInput, toolName, toolSource } from './tool.ts'

/** A frame before it has its number. */
type Said = [event: string, data: Data]

export const projection: Projection<Telling, Frame> = {
  open: emptyTelling,
  tell(state, event) {
    const [told, said] = tell(state, event)
    if (said.length === 0) return [told, []]
    const frames = said.map(
      ([name, data], i): Frame => ({
        id: state.next + i,
        run: event.run,
        event: name,
        at: event.at,
        data,
      }),
    )
    return [{ ...told, next: state.next + said.length }, frames]
  },
}

function tell(state: Telling, event: Event): [Telling, Said[]] {
  switch (event.type) {
    case 'thread.opened':
      return [{ ...state, isChild: event.data.parent !== null }, []]
    case 'thread.changed':
      return [state, []]
    case 'thread.rewound':
      return [state, [log(state, event, 'info', 'run', 'Earlier runs were taken back.')]]
    case 'run.created':
      return created(state, event)
    case 'run.edited':
      return edited(state, event)
    case 'run.moved':
      return moved(state, event)
    case 'run.started':
      return started(state, event)
    case 'run.ended':
      return ended(state, event)
    case 'turn.started':
      return onRun(state, event, (run) => [startTurn(run, event), []])
    case 'text.delta':
    case 'thinking.delta':
      return onTurn(state, event, (run, turn) => speak(state, run, turn, event))
    case 'call.begun':
      return onTurn(state, event, (_, turn) => {
        const { call, tool, part } = event.data
        const begun = { call, tool, part, input: {}, isStarted: false }
        return [{ ...turn, calls: [...turn.calls, begun] }, []]
      })
    case 'turn.answered':
      return onTurn(state, event, (run, turn) => answered(state, run, turn, event))
    case 'turn.interrupted':
      return onTurn(state, event, (_, turn) => [
        { ...turn, calls: [] },
        event.data.trouble
          ? [log(state, event, 'warn', 'model', event.data.trouble.message, event.data.trouble)]
          : [],
      ])
    case 'tool.started':
      return onRun(state, event, (run) => toolStarted(state, run, event))
    case 'tool.ended':
      return onTurn(state, event, (run, turn) => toolEnded(state, run, turn, event))
    case 'ask.opened':
      return [state, [waits(state, event, event.data.body)]]
    case 'child.asked':
      return [state, [waits(state, event, event.data.body)]]
    case 'ask.settled':
    case 'child.settled':
      return [
        state,
        [log(state, event, 'info', 'run', 'What the run waited for was settled.', event.data)],
      ]
    case 'child.started':
      return onRun(state, event, (run) => delegated(state, run, event))
    case 'child.ended':
      return onRun(state, event, (run) => [run, [returned(state, run, event)]])
    case 'context.compacting':
      return [state, [log(state, event, 'info', 'run', 'The context is being compacted.')]]
    case 'context.compacted':
      return onRun(state, event, (run) => [
        { ...run, steps: run.steps + 1 },
        [log(state, event, 'info', 'run', 'The context was compacted.')],
      ])
    case 'context.uncompacted':
      return [state, [log(state, event, 'info', 'run', 'The context stayed as it was.')]]
    case 'note':
      return [state, [log(state, event, event.data.level, 'system', event.data.text)]]
    case 'run.switched': {
      const { from, agent } = event.data
      const text = `The agent ${agentName(from)} hands over to ${agentName(agent)}.`
      return [state, [log(state, event, 'info', 'agent', text)]]
    }
    case 'hook.ended': {
      const { hook, outcome, reason } = event.data
      if (outcome === 'passed') return [state, []]
      const text = `The hook ${hook} ${outcome}: ${reason ?? 'it gave no reason'}`
      return [state, [log(state, event, 'warn', 'hook', text)]]
    }
    case 'run.steered':
    case 'run.cancelling':
    case 'call.delta':
    case 'tool.progressed':
    case 'turn.ended':
      return [state, []]
    default:
      return event satisfies never
  }
}

// ---- the queue ----------------------------------------------------------------------------

/** Who was about to begin and now stands behind another waits like everybody else. */
const behindTold = (queue: Waiting[]): Waiting[] =>
  queue.map((w, i) => (i > 0 && !w.isTold ? { ...w, isTold: true } : w))

const place = (queue: Waiting[], run: string): number => queue.findIndex((w) => w.run === run)

function created(state: Telling, event: EventOf<'run.created'>): [Telling, Said[]] {
  const { kind, input, place: at, origin } = event.data
  const run = event.run as string
  const isBusy = state.run !== null || state.queue.length > 0
  const isMessage = kind === 'message'
  const item = {
    runId: runId(run),
    messageId: inputMessageId(run),
    content: textOf(input),
    createdAt: iso(event.at),
  }
  const waiting = { run, isMessage, item, isTold: isBusy }
  const next = { ...state, queue: behindTold(state.queue.toSpliced(at, 0, waiting)) }
  if (!isMessage) return [next, []]
  const queued: Said = ['run.queued', { ...ofRun(state, run), status: 'queued' }]
  if (!isBusy) return [next, [queued]]
  const hints = origin.hints as { behavior?: unknown } | undefined
  const isAhead = at < state.queue.length || hints?.behavior === 'interrupt'
  return [next, [queued, queueUpdated(next, run, isAhead ? 'promoted' : 'enqueued')]]
}

function edited(state: Telling, event: EventOf<'run.edited'>): [Telling, Said[]] {
  const content = textOf(event.data.input)
  const queue = state.queue.map((w) =>
    w.run === event.run ? { ...w, item: { ...w.item, content } } : w,
  )
  const next = { ...state, queue }
  return [next, [queueUpdated(next, event.run as string, 'enqueued')]]
}

function moved(state: Telling, event: EventOf<'run.moved'>): [Telling, Said[]] {
  const run = event.run as string
  const waiting = state.queue[place(state.queue, run)]
  if (!waiting) return [state, []]
  const rest = state.queue.filter((w) => w !== waiting)
  const queue = behindTold(rest.toSpliced(event.data.place, 0, { ...waiting, isTold: true }))
  const next = { ...state, queue }
  return [next, [queueUpdated(next, run, 'promoted')]]
}

function queueUpdated(state: Telling, run: string, action: string): Said {
  const items = queueItems(state.queue)
  const at = items.findIndex((item) => item.runId === runId(run))
  return [
    'queue.updated',
    {
      runId: runId(run),
      action,
      items,
      ...(at < 0 && action === 'removed' ? {} : { queuedPosition: at + 1 }),
    },
  ]
}

/** Runs that wait behind another one, in their order. */
export const queueItems = (queue: readonly Waiting[]): { [key: string]: Json }[] =>
  queue.filter((w) => w.isMessage && w.isTold).map(({ item }, i) => ({ ...item, position: i + 1 }))

function started(state: Telling, event: EventOf<'run.started'>): [Telling, Said[]] {
  const id = event.run as string
  const waiting = state.queue[place(state.queue, id)]
  const agent = agentName(event.data.agent)
  const run: Speaking = { run: id, agent, steps: 1, turn: null, children: {} }
  const next = { ...state, run, queue: state.queue.filter((w) => w.run !== id) }
  const dequeued = waiting?.isTold ? [queueUpdated(next, id, 'dequeued')] : []
  return [next, [...dequeued, ['run.started', { ...ofRun(state, id), status: 'running' }]]]
}

function ended(state: Telling, event: EventOf<'run.ended'>): [Telling, Said[]] {
  const id = event.run as string
  const waiting = state.queue[place(state.queue, id)]
  const next = {
    ...state,
    run: state.run?.run === id ? null : state.run,
    queue: state.queue.filter((w) => w.run !== id),
  }
  const removed = waiting?.isTold ? [queueUpdated(next, id, 'removed')] : []
  const { outcome, stop, trouble } = event.data
  const { status, ...error } = endOf(outcome, stop, trouble)
  const name = outcome === 'failed' ? 'run.failed' : `run.${outcome}`
  return [next, [...removed, [name, { ...ofRun(state, id), status, ...error }]]]
}

// ---- a turn -------------------------------------------------------------------------------

function onRun(
  state: Telling,
  event: Event,
  then: (run: Speaking) => [Speaking, Said[]],
): [Telling, Said[]] {
  if (state.run === null || state.run.run !== event.run) return [state, []]
  const [run, said] = then(state.run)
  return [{ ...state, run }, said]
}

const onTurn = (
  state: Telling,
  event: Event,
  then: (run: Speaking, turn: Turn) => [Turn, Said[]],
): [Telling, Said[]] =>
  onRun(state, event, (run) => {
    if (!run.turn) return [run, []]
    const [turn, said] = then(run, run.turn)
    return [{ ...run, turn }, said]
  })

/** A later attempt at a turn goes on with the same message. */
function startTurn(run: Speaking, event: EventOf<'turn.started'>): Speaking {
  if (run.turn?.index === event.data.turn) return run
  const steps = run.steps + 1
  const turn = { index: event.data.turn, step: steps, parts: [], calls: [], shown: 0 }
  return { ...run, steps, turn }
}

function speak(
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
function answered(
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
      content: [callPart(c.call, c.tool, c.input)],
      metadata: { toolStatus: 'running', toolSourceType: toolSource(c.tool).sourceType },
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

function toolStarted(
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
      input: toolInput(call.tool, call.input),
      metadata: agentOf(state, run),
    },
  ]
  return [{ ...run, steps: run.steps + 1, turn: { ...turn, calls } }, [said]]
}

/** A call that never began - no such tool, wrong input, refused - has a result and no more. */
function toolEnded(
  state: Telling,
  run: Speaking,
  turn: Turn,
  event: EventOf<'tool.ended'>,
): [Turn, Said[]] {
  const { call: id, outcome, output, durationMs } = event.data
  const index = turn.calls.findIndex((c) => c.call === id)
  const call = turn.calls[index]
  if (!call) return [turn, []]
  const isOk = outcome === 'ok'
  const toolStatus = isOk ? 'completed' : 'failed'
  const result = completed(state, run, turn, resultMessageId(run.run, turn.index, index), {
    content: [resultPart(event.data)],
    toolName: toolName(call.tool),
    toolCallId: id,
    ...(isOk ? {} : { resultType: 'error' }),
    metadata: {
      toolStatus,
      toolSourceType: toolSource(call.tool).sourceType,
      toolDurationMs: durationMs,
    },
  })
  if (!call.isStarted) return [turn, [result]]
  const facts = { ...ofCall(state, run, call), durationMs }
  const metadata = { ...agentOf(state, run), toolStatus }
  const end: Said = isOk
    ? ['tool.completed', { ...facts, output, metadata }]
    : ['tool.failed', { ...facts, errorCode: errorCode(outcome), errorMessage: output, metadata }]
  return [turn, [end, result]]
}

export const errorCode = (outcome: string): string =>
  outcome === 'cancelled' ? 'native_tool_cancelled' : 'tool_execution_failed'

const ofCall = (state: Telling, run: Speaking, call: { call: string; tool: string }): Data => ({
  ...ofRun(state, run.run),
  toolCallId: call.call,
  toolName: toolName(call.tool),
  ...toolSource(call.tool),
})

// ---- other agents, and words for people ---------------------------------------------------

const ofRun = (state: Telling, run: string): Data => ({
  runId: runId(run),
  sessionId: sessionId(state.thread),
})

const agentOf = ({ isChild }: Telling, { agent }: Speaking): { [key: string]: Json } => ({
  agentName: agent,
  effectiveAgentName: agent,
  agentMode: isChild ? 'subagent' : 'primary',
})

const metadataOf = (state: Telling, run: Speaking, turn: Turn): { [key: string]: Json } => ({
  ...agentOf(state, run),
  modelCallStepId: stepId(run.run, turn.step),
  modelCallStepSeq: turn.step,
})

/** A task that is given is a tool that begins, and a step of its own. */
function delegated(
  state: Telling,
  run: Speaking,
  event: EventOf<'child.started'>,
): [Speaking, Said[]] {
  const { agent, thread, run: child } = event.data
  const [next, begun] = toolStarted(state, run, event)
  const targetAgent = agentName(agent)
  const said: Said = [
    'agent.delegate.started',
    {
      ...ofRun(state, run.run),
      agentName: run.agent,
      targetAgent,
      childSessionId: sessionId(thread),
      childRunId: runId(child),
    },
  ]
  const children = { ...run.children, [child]: targetAgent }
  return [{ ...next, steps: next.steps + 1, children }, [...begun, said]]
}

function returned(state: Telling, parent: Speaking, event: EventOf<'child.ended'>): Said {
  const { thread, run, outcome, output } = event.data
  const facts = {
    ...ofRun(state, parent.run),
    agentName: parent.agent,
    targetAgent: parent.children[run] ?? '',
    childSessionId: sessionId(thread),
    childRunId: runId(run),
    childStatus: outcome,
  }
  if (outcome === 'completed') return ['agent.delegate.completed', { ...facts, output }]
  return ['agent.delegate.failed', { ...facts, errorMessage: output }]
}

/** OAH has no approvals, so a run that waits says so where people look. */
function waits(state: Telling, event: EventOf<'ask.opened' | 'child.asked'>, body: AskBody): Said {
  const what =
    body.kind === 'question'
      ? `an answer: ${body.question.text}`
      : body.kind === 'limit'
        ? `its limit of ${body.limitUsd} USD to be raised`
        : `permission for ${body.calls.map((c) => toolName(c.tool)).join(', ')}`
  const text = `The run waits for ${what}. Answer it in the inbox of any API that has approvals.`
  return log(state, event, 'warn', 'run', text, { askId: event.data.ask, body })
}

function log(
  state: Telling,
  event: Event,
  level: string,
  category: string,
  message: string,
  details?: object,
): Said {
  const context = {
    sessionId: sessionId(state.thread),
    ...(event.run === null ? {} : { runId: runId(event.run) }),
  }
  const facts = details === undefined ? {} : { details: details as { [key: string]: Json } }
  const timestamp = iso(event.at)
  return [
    'engine.log',
    { level, category, message, ...facts, context, source: 'server', timestamp },
  ]
}
