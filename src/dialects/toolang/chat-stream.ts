/**
 * One run as a stream of the AI SDK's UI messages, which is how `/chat/stream` speaks. Pure. Whatever
 * way the run ends, what was opened is closed, and `finish` and `[DONE]` come last.
 */

import type { AskBody, Event, EventOf } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import type { Reply } from '../../wire/dialect.ts'
import type { Feed, Goodbye, Projection } from '../../wire/projection.ts'
import { runId } from './id.ts'
import { outputOf } from './tool-step.ts'

type Frame = { type: string; [key: string]: Json }

/** What a client must hear to know the conversation it is in. */
export interface Chat {
  /** The thread and the run inside. */
  thread: string
  run: string
  /** The thread's id as it is told. */
  threadId: string
  /** Of the run's first fact. */
  firstSeq: number
  /** Its place in the queue, 0 for none; told first, and only to clients that know the frame. */
  position?: number
}

interface State {
  isText: boolean
  isStep: boolean
  /** Calls of the answer that goes on, by id. */
  calls: Record<string, { tool: string; part: number }>
}

const START: State = { isText: false, isStep: false, calls: {} }

export function chatProjection({ run, threadId }: Chat): Projection<State, Frame> {
  const id = runId(run)
  const messageMetadata = { id, threadId, runId: id, role: 'assistant' }
  return {
    open: () => START,
    tell(state, event) {
      if (event.run !== run) return [state, []]
      const said: Frame[] = []
      return [change({ id, messageMetadata, said }, state, event), said]
    },
  }
}

interface Mouth {
  id: string
  messageMetadata: Json
  said: Frame[]
}

function change(mouth: Mouth, state: State, event: Event): State {
  const { id, messageMetadata, said } = mouth
  switch (event.type) {
    case 'run.started':
      said.push({ type: 'start', messageId: id, messageMetadata })
      said.push({ type: 'message-metadata', messageMetadata })
      return state
    case 'turn.started':
      if (state.isStep) return state
      said.push({ type: 'start-step' })
      return { isStep: true, isText: false, calls: {} }
    case 'text.delta':
      if (!state.isText) said.push({ type: 'text-start', id })
      said.push({ type: 'text-delta', id, delta: event.data.text })
      return { ...state, isText: true }
    case 'call.begun':
      return beginCall(mouth, state, event)
    case 'call.delta': {
      const { call, text } = event.data
      said.push({ type: 'tool-input-delta', id, toolCallId: call, inputTextDelta: text })
      return state
    }
    case 'turn.answered':
      return answer(mouth, state, event)
    case 'turn.interrupted':
      return voidCalls(mouth, state)
    case 'tool.ended':
      said.push(toolEnded(id, event))
      return state
    case 'ask.opened':
      said.push(waiting(event.data.ask, event.data.body))
      return state
    case 'child.asked':
      said.push(waiting(event.data.ask, event.data.body))
      return state
    case 'run.ended':
      return finish(mouth, state, event)
    default:
      return state
  }
}

function closeText({ id, said }: Mouth, state: State): void {
  if (state.isText) said.push({ type: 'text-end', id })
}

function beginCall(mouth: Mouth, state: State, { data }: EventOf<'call.begun'>): State {
  closeText(mouth, state)
  const { call, tool, part } = data
  mouth.said.push({ type: 'tool-input-start', id: mouth.id, toolCallId: call, toolName: tool })
  return { ...state, isText: false, calls: { ...state.calls, [call]: { tool, part } } }
}

const family = (tool: string): Json => ({ toolang: { toolFamily: tool, toolName: tool } })

function answer(mouth: Mouth, state: State, { data }: EventOf<'turn.answered'>): State {
  const { id, said } = mouth
  closeText(mouth, state)
  const inputs = new Map(data.sealed.map((s) => [s.part, s.input]))
  for (const [toolCallId, { tool: toolName, part }] of Object.entries(state.calls))
    said.push({
      type: 'tool-input-available',
      ...{ id, toolCallId, toolName },
      input: inputs.get(part) ?? {},
      providerMetadata: family(toolName),
    })
  said.push({ type: 'finish-step' })
  return START
}

/** Calls that never became whole. A client that shows them must hear of it. */
function voidCalls({ said }: Mouth, state: State): State {
  for (const [toolCallId, { tool: toolName }] of Object.entries(state.calls))
    said.push({
      type: 'tool-input-error',
      ...{ toolCallId, toolName, input: {} },
      errorText: 'The answer broke off before this call was complete. It did not run.',
    })
  return { ...state, calls: {} }
}

function toolEnded(id: string, { data }: EventOf<'tool.ended'>): Frame {
  const { call: toolCallId, tool: toolName, outcome, output } = data
  if (outcome !== 'ok')
    return { type: 'tool-output-error', toolCallId, toolName, errorText: output }
  return {
    type: 'tool-output-available',
    ...{ id, toolCallId, toolName },
    output: outputOf(output, true),
    providerMetadata: family(toolName),
  }
}

/** Toolang has no approvals; another dialect can answer, and this stream says that one is waited for. */
function waiting(ask: string, body: AskBody): Frame {
  const tools = 'calls' in body ? body.calls.map((c) => c.tool) : []
  const reason = 'calls' in body ? (body.calls[0]?.reason ?? '') : ''
  const text = body.kind === 'question' ? body.question.text : reason
  const data = { kind: body.kind, ask, tools, text }
  return { type: 'data-waiting', id: ask, data, transient: true }
}

const REASONS: Record<string, string> = { length: 'length', filter: 'content-filter' }

function finish(mouth: Mouth, state: State, { data }: EventOf<'run.ended'>): State {
  const { said, messageMetadata } = mouth
  voidCalls(mouth, state)
  closeText(mouth, state)
  if (data.outcome === 'failed')
    said.push({ type: 'error', errorText: data.trouble?.message ?? 'The run failed.' })
  else if (state.isStep) said.push({ type: 'finish-step' })
  if (data.outcome === 'completed')
    said.push({ type: 'finish', finishReason: REASONS[data.stop] ?? 'stop', messageMetadata })
  else said.push({ type: 'finish' })
  return START
}

// ---- as a stream --------------------------------------------------------------------------------

const DONE = 'data: [DONE]\n\n'
const frame = (value: Frame): string => `data: ${JSON.stringify(value)}\n\n`

const queued = ({ run, threadId, position = 0 }: Chat): Frame => {
  const payload = { run_id: runId(run), thread_id: threadId, position }
  return { type: 'run_queued', event_type: 'run_queued', payload }
}

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no',
  'x-vercel-ai-ui-message-stream': 'v1',
}

export function chatReply(chat: Chat): Reply {
  const feed: Feed<State, Frame> = {
    thread: chat.thread,
    projection: chatProjection(chat),
    seed: { seq: chat.firstSeq - 1, state: START },
    wants: () => true,
    ...(chat.position === undefined ? {} : { opening: () => frame(queued(chat)) }),
    write: (value) => (value.type === 'finish' ? frame(value) + DONE : frame(value)),
    isLast: (value) => value.type === 'finish',
    goodbye: (reason) => frame({ type: 'error', errorText: GOODBYE[reason] }) + DONE,
    heartbeat: { everyMs: 15_000, text: ': ping\n\n' },
  }
  return { status: 200, headers: HEADERS, feed }
}

const GOODBYE: Record<Goodbye, string> = {
  shutdown: 'The server is stopping. The run goes on when it is back.',
  slow: 'This stream was read too slowly. The run goes on.',
  erased: 'The thread was deleted.',
  failed: 'The stream failed. The run goes on.',
}
