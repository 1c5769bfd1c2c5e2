/**
 * The projection: a thread's events to the frames of one of its runs. Pure. Frames are numbered from
 * 1 in the run; whatever the thread says later, such as its title, follows in its last run.
 */

import type { Event, EventOf } from '../../kernel/event.ts'
import { textOf } from '../../kernel/part.ts'
import type { Projection } from '../../wire/projection.ts'
import { asideOf } from './aside.ts'
import type { Data, Frame, Said } from './frame.ts'
import { traceOfRun } from './id.ts'
import {
  answered,
  asked,
  created,
  ended,
  interrupted,
  onCall,
  settled,
  started,
  switched,
  toolEnded,
  traceIn,
  turnStarted,
} from './saying.ts'
import { emptyTelling, type RunScope, type Telling } from './telling.ts'

export const projectionOf = (scope: RunScope): Projection<Telling, Frame> => ({
  open: () => emptyTelling(traceOfRun(scope.run)),
  tell: (state, event) => tell(scope, state, event),
})

function tell(scope: RunScope, state: Telling, event: Event): [Telling, Frame[]] {
  if (event.run === scope.run && event.type === 'text.delta') return tellText(state, event)
  const said: Said[] = []
  const next =
    event.run === scope.run ? inRun(scope, state, event, said) : around(scope, state, event, said)
  if (said.length === 0) return [next, []]
  const frames = said.map(({ data, ...rest }, i) => ({
    seq: state.seq + i + 1,
    at: event.at,
    ...rest,
    data: event.type === 'run.created' ? data : traced(data, next.trace),
  }))
  return [{ ...next, seq: state.seq + frames.length }, frames]
}

/**
 * The first event of a run has no trace: it is the one that the trace begins with. What somebody asked
 * of the run later has the trace of that request.
 */
const traced = (data: Data, trace: string): Data =>
  data.trace_id === undefined ? { ...data, trace_id: trace } : data

/** Nearly all events are words, so they take the short way. */
function tellText(state: Telling, event: EventOf<'text.delta'>): [Telling, Frame[]] {
  const { text } = event.data
  const seq = state.seq + 1
  const data = { content_delta: text, content: text, role: 'assistant', trace_id: state.trace }
  const frame = { seq, at: event.at, type: 'message.delta', data }
  return [{ ...state, seq, text: state.text + text }, [frame]]
}

/** What is not about the run itself. */
function around(scope: RunScope, state: Telling, event: Event, said: Said[]): Telling {
  if (event.type === 'run.started') return { ...state, isCurrent: false }
  if (event.type !== 'thread.changed' || !state.isCurrent) return state
  const { title } = event.data
  if (typeof title === 'string')
    said.push({ type: 'thread.title.updated', data: { thread_id: scope.thread, title } })
  return state
}

function inRun(scope: RunScope, state: Telling, event: Event, said: Said[]): Telling {
  switch (event.type) {
    case 'run.created':
      return created(state, event, said)
    case 'run.started':
      return started(scope, state, event, said)
    case 'run.steered': {
      const { input, origin } = event.data
      const content = textOf(input)
      said.push({ type: 'run.input_provided', data: { content, ...traceIn(origin) } })
      return { ...state, steers: [...state.steers, content] }
    }
    case 'run.ended':
      return ended(state, event, said)
    case 'turn.started':
      return turnStarted(scope, state, event, said)
    case 'call.begun': {
      const index = Object.keys(state.calls).length
      return onCall(state, event.data.call, { tool: event.data.tool, index })
    }
    case 'call.delta': {
      const { call, text } = event.data
      const { tool = '', index = 0 } = state.calls[call] ?? {}
      const data = { tool_call_index: index, arguments_delta: text, tool_call_id: call }
      said.push({ type: 'tool.call.delta', data: { ...data, tool_name: tool }, tool })
      return state
    }
    case 'turn.answered':
      return answered(scope, state, event, said)
    case 'turn.interrupted':
      return interrupted(state, event, said)
    case 'ask.opened':
    case 'child.asked':
      return asked(state, event, said)
    case 'ask.settled':
    case 'child.settled':
      return settled(state, event, said)
    case 'tool.ended':
      return toolEnded(state, event, said)
    case 'run.switched':
      return switched(state, event, said)
    case 'run.edited':
    case 'run.moved':
    case 'run.recovered':
    case 'turn.ended':
    case 'tool.started':
    case 'text.delta':
    case 'thread.opened':
    case 'thread.changed':
    case 'thread.rewound':
      return state
    default: {
      const aside = asideOf(event)
      if (aside) said.push(aside)
      return state
    }
  }
}
