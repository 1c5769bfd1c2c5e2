/**
 * The projection: kernel events to the frames of one thread as one Ownware agent. Pure; the
 * numbering (from 1 in the thread, no gap) is part of the fold, so replay and live are the same.
 */

import type { Event, EventOf } from '../../kernel/event.ts'
import { addUsage, type Usage } from '../../kernel/usage.ts'
import type { Projection } from '../../wire/projection.ts'
import { askPerson, settleRequests } from './asking.ts'
import { breakCalls, childUsage, closeTurn, complete, endCall, endRun, read } from './closing.ts'
import { type Body, type Frame, recoveryReason, saidIn, stopReason } from './frame.ts'
import { agentId } from './id.ts'
import {
  emptyTelling,
  newTurn,
  type OpenCall,
  type RunTelling,
  spoken,
  type Telling,
} from './telling.ts'

export const projection: Projection<Telling, Frame> = { open: emptyTelling, tell }

function tell(state: Telling, event: Event): [Telling, Frame[]] {
  if (isWord(event)) return tellWord(state, event)
  const said: Body[] = []
  const next = change(state, event, said)
  const frames = said.map((body, i) => ({
    seq: state.seq + i + 1,
    run: event.run,
    at: event.at,
    body,
  }))
  return [{ ...next, seq: state.seq + frames.length, log: event.seq }, frames]
}

export type Word = EventOf<'text.delta' | 'thinking.delta' | 'call.delta'>

/** The state after telling the words, for those who do not want to hear them. */
export function skim(state: Telling, words: readonly Word[]): Telling {
  let { seq, log, text, thinking } = state
  for (const event of words) {
    log = event.seq
    if (state.run?.id !== event.run) continue
    seq++
    if (event.type === 'text.delta') text += event.data.text
    else if (event.type === 'thinking.delta') thinking += event.data.text
  }
  return spoken(state, { seq, log, text, thinking })
}

export const isWord = (event: Event): event is Word =>
  event.type === 'text.delta' || event.type === 'thinking.delta' || event.type === 'call.delta'

/** Nearly all events are words, so they take the short way: one frame, one new record. */
function tellWord(state: Telling, event: Word): [Telling, Frame[]] {
  const { run, data, at, seq: log } = event
  const { seq, text, thinking } = state
  if (state.run?.id !== run) return [spoken(state, { seq, log, text, thinking }), []]
  const next = spoken(state, {
    seq: seq + 1,
    log,
    text: event.type === 'text.delta' ? text + data.text : text,
    thinking: event.type === 'thinking.delta' ? thinking + data.text : thinking,
  })
  return [next, [{ seq: seq + 1, run, at, body: wordBody(event) }]]
}

function wordBody(event: Word): Body {
  const { text, turn: turnIndex } = event.data
  if (event.type !== 'call.delta') return { type: event.type, text, turnIndex }
  const toolCallId = event.data.call
  return { type: 'tool.call.args_delta', toolCallId, delta: text, turnIndex }
}

function change(state: Telling, event: Exclude<Event, Word>, said: Body[]): Telling {
  switch (event.type) {
    case 'thread.opened':
      return openThread(state, event)
    case 'run.created': {
      const { kind, input } = event.data
      return queue(state, event.run as string, { kind, said: saidIn(input), steers: [] })
    }
    case 'run.edited': {
      const waiting = state.queue[event.run as string]
      if (!waiting) return state
      return queue(state, event.run as string, { ...waiting, said: saidIn(event.data.input) })
    }
    case 'run.steered': {
      const waiting = state.queue[event.run as string]
      if (!waiting) return steerActive(state, event)
      const steers = [...waiting.steers, { ...saidIn(event.data.input), at: event.at }]
      return queue(state, event.run as string, { ...waiting, steers })
    }
    case 'run.started':
      return startRun(state, event, said)
    case 'run.ended': {
      const { [event.run as string]: _, ...rest } = state.queue
      if (state.run?.id !== event.run) return { ...state, queue: rest }
      endRun(state, state.run, event, said)
      return { ...state, run: null }
    }
    case 'run.moved':
    case 'run.recovered':
    case 'thread.changed':
    case 'thread.rewound':
    case 'note':
      return state
    default: {
      if (!state.run || state.run.id !== event.run) return state
      const run = inRun(state, state.run, event, said)
      const isNewTurn = run.turns !== state.run.turns
      return isNewTurn ? { ...state, run, text: '', thinking: '' } : { ...state, run }
    }
  }
}

function openThread(state: Telling, event: EventOf<'thread.opened'>): Telling {
  const { parent } = event.data
  if (!parent) return state
  const agent = agentId(state.thread)
  return { ...state, agent, isChild: true, session: `${parent.thread}:${agent}` }
}

const queue = (state: Telling, run: string, waiting: Telling['queue'][string]): Telling => ({
  ...state,
  queue: { ...state.queue, [run]: waiting },
})

/** The task that a sub-agent begins with is in the parent's stream already. */
function startRun(state: Telling, event: EventOf<'run.started'>, said: Body[]): Telling {
  const { [event.run as string]: waiting, ...rest } = state.queue
  const { model } = event.data
  const kind = waiting?.kind ?? 'message'
  const isTask = state.isChild && state.runs === 0
  if (waiting && kind === 'message' && !isTask)
    said.push({ type: 'user.message', ...waiting.said, timestamp: event.at })
  said.push({ type: 'session.start', sessionId: state.session, model, timestamp: event.at })
  const run: RunTelling = {
    id: event.run as string,
    kind,
    model,
    steers: waiting?.steers ?? [],
    cancelling: false,
    turn: null,
    turns: 0,
    knownUsd: 0,
    contextTokens: 0,
    asks: {},
    closed: false,
  }
  return { ...state, queue: rest, run, runs: state.runs + 1 }
}

function steerActive(state: Telling, { run: id, data, at }: EventOf<'run.steered'>): Telling {
  const { run } = state
  if (run?.id !== id) return state
  return { ...state, run: { ...run, steers: [...run.steers, { ...saidIn(data.input), at }] } }
}

type InRun = Exclude<
  Event,
  | Word
  | EventOf<
      | 'thread.opened'
      | 'thread.changed'
      | 'thread.rewound'
      | 'run.created'
      | 'run.edited'
      | 'run.moved'
      | 'run.recovered'
      | 'run.started'
      | 'run.steered'
      | 'run.ended'
      | 'note'
    >
>

function inRun(state: Telling, run: RunTelling, event: InRun, said: Body[]): RunTelling {
  const { turn } = run
  const turnIndex = 'turn' in event.data ? event.data.turn : (turn?.index ?? run.turns)
  switch (event.type) {
    case 'call.begun':
      return beginCall(run, event, said)
    case 'run.cancelling':
      return { ...run, cancelling: true }
    case 'turn.started':
      return startTurn(run, event, said)
    case 'turn.answered':
      return answered(state, run, event, said)
    case 'turn.interrupted':
      return interrupted(run, event, said)
    case 'turn.ended':
      return endTurn(state, run, event, said)
    case 'ask.opened':
    case 'child.asked':
      return askPerson(run, event, said)
    case 'ask.settled':
      return settleRequests(run, event.data, said)
    case 'child.settled':
      return settleRequests(run, { ...event.data, open: [] }, said)
    case 'tool.started':
    case 'hook.ended':
      return run
    case 'run.switched':
      return { ...run, model: event.data.model }
    case 'tool.progressed': {
      const { call, text } = event.data
      if (text !== '')
        said.push({ type: 'tool.call.progress', toolCallId: call, progress: text, turnIndex })
      return run
    }
    case 'tool.ended':
      return endCall(run, event, said)
    case 'child.started':
      return startChild(state, run, event, said)
    case 'child.ended':
      return endChild(run, event, said)
    case 'context.compacting': {
      const { tokens } = event.data
      said.push({ type: 'compaction.start', ...SUMMARY, preTokenCount: tokens, turnIndex })
      return { ...run, contextTokens: tokens }
    }
    case 'context.compacted': {
      const { tokensBefore, tokensAfter, usage } = event.data
      said.push(compactionEnd(tokensBefore, tokensAfter, turnIndex))
      return { ...run, knownUsd: run.knownUsd + (usage.costUsd ?? 0) }
    }
    case 'context.uncompacted': {
      said.push(compactionEnd(run.contextTokens, run.contextTokens, turnIndex))
      return { ...run, knownUsd: run.knownUsd + (event.data.usage.costUsd ?? 0) }
    }
    default:
      return event satisfies never
  }
}

const SUMMARY = { strategy: 'summarize' }

const compactionEnd = (before: number, after: number, turnIndex: number): Body => ({
  type: 'compaction.end',
  ...SUMMARY,
  preTokenCount: before,
  postTokenCount: after,
  savedPercent: before > 0 ? Math.max(0, Math.round((1 - after / before) * 100)) : 0,
  turnIndex,
})

/** A later attempt at a turn goes on with it and is not announced. */
function startTurn(run: RunTelling, event: EventOf<'turn.started'>, said: Body[]): RunTelling {
  const { turn: index, attempt, model } = event.data
  if (run.turn && run.turn.index === index && attempt > 1)
    return { ...run, turn: { ...run.turn, model } }
  read(run, said)
  said.push({ type: 'turn.start', turnIndex: index, timestamp: event.at })
  const turn = newTurn(index, model)
  return { ...run, steers: [], turn, turns: run.turns + 1, closed: false }
}

function beginCall(run: RunTelling, event: EventOf<'call.begun'>, said: Body[]): RunTelling {
  const { call, tool, turn: turnIndex } = event.data
  said.push({ type: 'tool.call.start', toolCallId: call, toolName: tool, input: {}, turnIndex })
  if (!run.turn) return run
  const open = [...run.turn.open, { call, tool, child: null }]
  return { ...run, turn: { ...run.turn, open, calls: run.turn.calls + 1 } }
}

function answered(
  state: Telling,
  run: RunTelling,
  event: EventOf<'turn.answered'>,
  said: Body[],
): RunTelling {
  if (!run.turn) return run
  const { usage, stop } = event.data
  complete(state, run.turn.index, said)
  return spend({ ...run, turn: { ...run.turn, answered: true, stop } }, usage)
}

const spend = (run: RunTelling, usage: Usage): RunTelling => {
  const cost = usage.costUsd ?? 0
  const turn = run.turn && {
    ...run.turn,
    usage: addUsage(run.turn.usage, usage),
    knownUsd: run.turn.knownUsd + cost,
  }
  return { ...run, turn, knownUsd: run.knownUsd + cost }
}

/** Calls that were begun will never run; a client that shows them must hear that. */
function interrupted(
  run: RunTelling,
  event: EventOf<'turn.interrupted'>,
  said: Body[],
): RunTelling {
  if (!run.turn) return run
  const { cause, trouble, retryAt, attempt, usage, turn: turnIndex } = event.data
  breakCalls(run.turn, said)
  if (cause === 'provider' && retryAt !== null) {
    const detail = trouble ? `${trouble.code}: ${trouble.message}` : 'The answer broke off.'
    const reason = recoveryReason(trouble?.code)
    said.push({ type: 'recovery', reason, attempt, detail, turnIndex })
  }
  return spend({ ...run, turn: { ...run.turn, open: [], calls: 0 } }, usage)
}

/**
 * `tool_use` and `pause_turn` tell the official client to read on. A turn that broke off is closed
 * by the end of the run, which knows why.
 */
function endTurn(
  state: Telling,
  run: RunTelling,
  event: EventOf<'turn.ended'>,
  said: Body[],
): RunTelling {
  const { turn } = run
  if (!turn?.answered) return run
  const goesOn = turn.calls > 0 ? 'tool_use' : run.steers.length > 0 ? 'pause_turn' : null
  const reason = run.cancelling ? 'aborted' : (goesOn ?? stopReason(turn.stop))
  closeTurn(turn, reason, event.at, said)
  if (turn.calls > 0)
    said.push({ type: 'checkpoint.saved', checkpointId: state.session, turnIndex: turn.index })
  return { ...run, turn: null, closed: run.cancelling || goesOn === null }
}

function startChild(
  state: Telling,
  run: RunTelling,
  event: EventOf<'child.started'>,
  said: Body[],
): RunTelling {
  const { call, thread, agent: profileName, name, task, turn: turnIndex } = event.data
  const agent = agentId(thread)
  said.push({
    type: 'agent.spawn',
    agentId: agent,
    profileName,
    parentAgentId: state.agent,
    turnIndex,
    name,
    task: task.slice(0, 120),
  })
  const none = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 }
  const child = { agent, turns: 0, usage: { ...none, costUsd: 0 } }
  return onCall(run, call, (c) => ({ ...c, child }))
}

const CHILD_STATUS = { completed: 'completed', failed: 'error', cancelled: 'aborted' } as const

function endChild(run: RunTelling, event: EventOf<'child.ended'>, said: Body[]): RunTelling {
  const { call, thread, output, outcome, turns, usage, durationMs, turn: turnIndex } = event.data
  const agent = agentId(thread)
  said.push({
    type: 'agent.complete',
    agentId: agent,
    result: output,
    durationMs,
    turnIndex,
    status: CHILD_STATUS[outcome],
    usage: childUsage(usage),
    turnCount: turns,
    ...(outcome === 'failed' ? { error: output } : {}),
  })
  const knownUsd = run.knownUsd + (usage.costUsd ?? 0)
  return onCall({ ...run, knownUsd }, call, (c) => ({ ...c, child: { agent, turns, usage } }))
}

function onCall(run: RunTelling, call: string, edit: (call: OpenCall) => OpenCall): RunTelling {
  if (!run.turn) return run
  const open = run.turn.open.map((c) => (c.call === call ? edit(c) : c))
  return { ...run, turn: { ...run.turn, open } }
}
