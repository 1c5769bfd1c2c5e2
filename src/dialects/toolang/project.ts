/**
 * Kernel facts as Toolang's execution events, numbered per thread and per run. Pure. A turn is a step
 * of kind `model_call`, each of its calls a step of kind `tool_call`; steps count from 1 in a run.
 */

import type { Event, EventOf } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import type { Projection } from '../../wire/projection.ts'
import { hintsOf, type InputHints, second, type ThreadHints } from './context.ts'
import { runId, THREAD_KINDS, type ThreadKind, threadId } from './id.ts'
import { answer, breakOff, closeModel, speak, startModel } from './model-step.ts'
import { fromInput, type Part } from './parts.ts'
import { emptyTelling, type RunTelling, STATUS, type Telling, type Told } from './telling.ts'
import { endTool, startTool } from './tool-step.ts'
import { type Payload, Voice } from './voice.ts'

export const projection: Projection<Telling, Told> = {
  open: emptyTelling,
  tell(state, event) {
    if (event.type === 'thread.opened') return [{ ...state, kind: kindOf(event) }, []]
    if (event.type === 'run.created') return create(state, event)
    const run = event.run === null ? undefined : state.runs[event.run]
    if (!run || event.run === null) return [state, []]
    const voice = new Voice(state, event.run, run, event)
    change(voice, event)
    return voice.end(event.type === 'run.ended')
  },
}

/** Threads of other dialects are conversations with nobody in particular. */
export function kindOf({ data }: EventOf<'thread.opened'>): ThreadKind {
  const { client } = hintsOf<ThreadHints>(data.origin)
  return THREAD_KINDS.find((k) => k === client) ?? 'chat'
}

function create(state: Telling, event: EventOf<'run.created'>): [Telling, Told[]] {
  const id = event.run as string
  const { kind, input, origin, retryOf, call } = event.data
  const hints = hintsOf<InputHints>(origin)
  const words = call ? [{ type: 'text', text: `${call.tool} ${JSON.stringify(call.input)}` }] : null
  const parts = (hints.parts as Part[] | undefined) ?? words ?? fromInput(input)
  const run: RunTelling = {
    kind,
    cursor: 0,
    parts,
    meta: hints.meta ?? {},
    requestId: hints.requestId ?? null,
    createdAt: event.at,
    inputs: 1,
    step: 0,
    reads: [{ kind: 'input', index: 0 }],
    model: null,
    tools: {},
    error: null,
  }
  const next = { ...state, runs: { ...state.runs, [id]: run } }
  if (retryOf === undefined) return [next, []]
  const payload: Payload = {
    run_id: runId(retryOf),
    replacement_run_id: runId(id),
    thread_id: threadId(state.kind, state.thread),
    superseded: { type: 'replaced', by: runId(id) },
    message: { role: 'user', parts },
  }
  const cursor = state.cursor + 1
  const place = { cursor, run: retryOf, runCursor: 0, seq: event.seq, index: 0, at: event.at }
  return [{ ...next, cursor }, [{ ...place, type: 'run_restart', payload }]]
}

/** A compaction answers nobody: it is told as nothing. */
function change(voice: Voice, event: Event): void {
  if (voice.run.kind === 'compact') return
  switch (event.type) {
    case 'run.edited':
      voice.run = { ...voice.run, parts: fromInput(event.data.input) }
      break
    case 'run.started':
      begin(voice, event.at)
      break
    case 'run.steered':
      steer(voice, event)
      break
    case 'run.cancelling':
      stop(voice, event)
      break
    case 'run.ended':
      endRun(voice, event)
      break
    case 'turn.started':
      startModel(voice, event)
      break
    case 'text.delta':
    case 'thinking.delta':
    case 'call.begun':
    case 'call.delta':
      speak(voice, event)
      break
    case 'turn.answered':
      answer(voice, event)
      break
    case 'turn.interrupted':
      breakOff(voice, event)
      break
    case 'tool.started':
      startTool(voice, event.data.call, event.at)
      break
    case 'tool.ended':
      endTool(voice, event)
      break
    case 'thread.opened':
    case 'thread.changed':
    case 'thread.rewound':
    case 'run.created':
    case 'run.moved':
    case 'run.recovered':
    case 'run.switched':
    case 'hook.ended':
    case 'turn.ended':
    case 'ask.opened':
    case 'ask.settled':
    case 'tool.progressed':
    case 'child.started':
    case 'child.asked':
    case 'child.settled':
    case 'child.ended':
    case 'context.compacting':
    case 'context.compacted':
    case 'context.uncompacted':
    case 'note':
      break
    default:
      event satisfies never
  }
}

// ---- the run ------------------------------------------------------------------------------------

const messageOf = ({ parts, meta }: { parts: Part[]; meta: { [key: string]: Json } }): Json => ({
  role: 'user',
  parts,
  ...(Object.keys(meta).length > 0 ? { meta } : {}),
})

function begin(voice: Voice, at: number): void {
  const { run, names } = voice
  const { run_id, thread_id } = names
  const created_at = second(run.createdAt)
  const message = messageOf(run)
  voice.say('run_start', {
    run_id,
    origin: voice.origin,
    thread_id,
    input: message,
    created_at,
    started_at: second(at),
    request_id: run.requestId,
    type: 'run_start',
  })
  voice.say('run_input', {
    ...names,
    ref: { kind: 'input', index: 0 },
    action: 'start',
    ...(run.requestId === null ? {} : { request_id: run.requestId }),
    message,
    created_at,
    type: 'run_input',
  })
}

function steer(voice: Voice, { data, at }: EventOf<'run.steered'>): void {
  const hints = hintsOf<InputHints>(data.origin)
  const parts = (hints.parts as Part[] | undefined) ?? fromInput(data.input)
  const ref = { kind: 'input', index: voice.run.inputs }
  voice.say('run_input', {
    ...voice.names,
    ref,
    action: 'steer',
    created_at: second(at),
    mode: hints.mode ?? 'next_step',
    ...(hints.requestId === undefined ? {} : { request_id: hints.requestId }),
    message: messageOf({ parts, meta: hints.meta ?? {} }),
  })
  const { run } = voice
  voice.run = { ...run, inputs: run.inputs + 1, reads: [...run.reads, ref] }
}

function stop(voice: Voice, { data, at }: EventOf<'run.cancelling'>): void {
  const hints = hintsOf<InputHints>(data.origin)
  voice.say('run_input', {
    ...voice.names,
    ref: { kind: 'input', index: voice.run.inputs },
    action: 'stop',
    created_at: second(at),
    mode: hints.mode ?? (data.when === 'now' ? 'immediate' : 'next_step'),
    ...(hints.requestId === undefined ? {} : { request_id: hints.requestId }),
  })
  voice.run = { ...voice.run, inputs: voice.run.inputs + 1, error: reasonOf(data.reason) }
}

/** Also of a run that never began: whoever waits for it must hear that much. */
function endRun(voice: Voice, { data, at }: EventOf<'run.ended'>): void {
  const status = STATUS[data.outcome]
  const error = data.trouble?.message ?? (data.outcome === 'completed' ? null : voice.run.error)
  if (voice.run.model?.isOpen) closeModel(voice, status, error, at)
  voice.say('run_end', {
    ...voice.names,
    status,
    finished_at: second(at),
    error: data.outcome === 'failed' ? (error ?? 'The run failed.') : error,
    type: 'run_end',
  })
}

const reasonOf = (reason: string | null): string | null =>
  reason === 'restart' ? 'Run was restarted.' : reason
