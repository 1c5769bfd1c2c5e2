/** One run whole: its inputs and its finished steps, collected from what it has told. Pure. */

import type { Json } from '../../kernel/part.ts'
import { second, secondOrNull } from './context.ts'
import { runId, type ThreadKind, threadId } from './id.ts'
import type { Part } from './parts.ts'
import type { Sketch } from './sketch.ts'
import { originOfKind, type Told } from './telling.ts'

type Fields = Record<string, Json>

/** Whose run it is, as answers say it. */
export interface Place {
  kind: ThreadKind
  thread: string
}

export const supersededOf = ({ replacedBy }: Sketch): Json => {
  if (replacedBy === undefined) return null
  if (replacedBy === null) return { type: 'rewound', by: null }
  return { type: 'replaced', by: runId(replacedBy) }
}

export const isVisible = ({ replacedBy }: Sketch): boolean => replacedBy === undefined

/** Why the run failed, and at which step. */
export function failureOf({ status, error, failed }: Sketch): Json {
  if (status !== 'failed' && error === null) return null
  const step: Fields =
    failed && status === 'failed'
      ? { step_index: failed.index, step_kind: failed.kind, step_error: failed.error }
      : {}
  return { reason: error ?? 'The run failed.', ...step }
}

const summaryOf = (run: Sketch): string =>
  run.said || (run.status === 'failed' && run.error !== null ? run.error : run.inputText)

const timesOf = ({ createdAt, startedAt, endedAt }: Sketch) => ({
  created_at: second(createdAt),
  started_at: secondOrNull(startedAt),
  finished_at: secondOrNull(endedAt),
  updated_at: second(endedAt ?? startedAt ?? createdAt),
})

export const runItem = (run: Sketch, { kind, thread }: Place): Fields => ({
  id: runId(run.id),
  origin: originOfKind(kind),
  thread_id: threadId(kind, thread),
  input_text: run.inputText,
  summary: summaryOf(run),
  status: run.status,
  type: 'run',
  error: run.error,
  superseded: supersededOf(run),
  failure: failureOf(run),
  ...timesOf(run),
})

/** What threads show of a run. */
export const runRef = (run: Sketch, kind: ThreadKind): Fields => ({
  id: runId(run.id),
  origin: originOfKind(kind),
  status: run.status,
  ...timesOf(run),
})

// ---- detail -------------------------------------------------------------------------------------

/** What a run has told, as far as its detail needs it. */
export interface Tale {
  inputs: Told[]
  /** Ends of steps, each with what its beginning said it reads. */
  steps: Told[]
}

export function collect(told: readonly Told[]): Tale {
  const reads = new Map<Json | undefined, Json>()
  for (const { type, payload } of told)
    if (type === 'step_start') reads.set(payload.step_index, payload.input ?? [])
  const whole = (t: Told): Told => {
    const input = reads.get(t.payload.step_index) ?? []
    return { ...t, payload: { ...t.payload, input } }
  }
  return {
    inputs: told.filter((t) => t.type === 'run_input'),
    steps: told.filter((t) => t.type === 'step_end').map(whole),
  }
}

export function runDetail(run: Sketch, place: Place, { inputs, steps }: Tale): Fields {
  const names = { thread_id: threadId(place.kind, place.thread), run_id: runId(run.id) }
  const read = inputs.map((t) => inputOf(t, names))
  return {
    info: {
      id: names.run_id,
      origin: originOfKind(place.kind),
      thread_id: names.thread_id,
      superseded: supersededOf(run),
      ...timesOf(run),
    },
    input: read[0]?.message ?? null,
    inputs: read,
    output: {
      status: run.status,
      error: run.error,
      failure: failureOf(run),
      steps: [...steps.map((t) => stepOf(t, names)), ...virtualStep(run, steps, names)],
    },
  }
}

type Names = { thread_id: string; run_id: string }

const indexOf = (payload: Fields): number => (payload.ref as { index: number }).index

function inputOf({ payload }: Told, names: Names): { record: Json; message: Json } {
  const { action, mode = null, request_id = null, message = null, created_at = null } = payload
  const record = {
    run_id: names.run_id,
    index: indexOf(payload),
    ...{ action: action ?? null, mode, request_id },
    message: message === null ? null : rawMessage(message as Fields),
    created_at,
  }
  return { record, message: message === null ? null : inputMessage(payload, names) }
}

/** As the real server keeps it: the type last. */
function rawMessage({ role, parts, meta = {} }: Fields): Json {
  const raw = (parts as Part[]).map(({ type, ...rest }) => ({ ...rest, type }))
  return { role: role ?? 'user', parts: raw, meta }
}

export function inputMessage(payload: Fields, { thread_id, run_id }: Names): Fields {
  const { action, mode, request_id, created_at } = payload
  const message = payload.message as { role: string; parts: Part[]; meta?: Fields }
  const index = indexOf(payload)
  return {
    id: `${run_id}:input:${index}`,
    ...{ thread_id, run_id, step_index: 0, role: message.role, parts: message.parts },
    created_at: created_at ?? null,
    meta: {
      ...message.meta,
      action: action ?? null,
      input_index: index,
      ...(mode === undefined || action === 'start' ? {} : { mode }),
      ...(request_id === undefined ? {} : { request_id }),
    },
  }
}

const STEP_KEYS = ['kind', 'status', 'input', 'output', 'payload', 'error'] as const

function stepOf({ payload }: Told, names: Names): Fields {
  const record: Fields = { run_id: names.run_id, step_index: payload.step_index ?? 0 }
  for (const key of STEP_KEYS) record[key] = payload[key] ?? (key === 'input' ? [] : null)
  record.started_at = payload.started_at ?? null
  record.finished_at = payload.finished_at ?? null
  return { record, message: stepMessage(payload, names) }
}

export function stepMessage(payload: Fields, { thread_id, run_id }: Names): Fields {
  const { step_index = 0, kind, output, error } = payload
  return {
    id: `${run_id}:step:${step_index}`,
    ...{ thread_id, run_id, step_index },
    role: kind === 'model_call' ? 'assistant' : 'tool',
    parts: output ?? [],
    created_at: payload.finished_at ?? null,
    meta: error === null || error === undefined ? {} : ({ error } as Fields),
  }
}

/** A failed run ends with a step that says so. */
function virtualStep(run: Sketch, steps: readonly Told[], { run_id }: Names): Fields[] {
  if (run.status !== 'failed' || run.endedAt === null) return []
  const last = steps.at(-1)?.payload.step_index
  const record = {
    run_id,
    step_index: (typeof last === 'number' ? last : 0) + 1,
    ...{ kind: 'runtime', status: 'failed', input: [] },
    output: [{ type: 'text', text: run.error ?? 'The run failed.' }],
    ...{ payload: {}, error: run.error },
    ...{ started_at: second(run.endedAt), finished_at: second(run.endedAt) },
  }
  return [{ record, message: null, virtual: true }]
}

/** The answer to a chat: what the model said last, or why it said nothing. */
export function assistantOf(run: Sketch, place: Place, { steps }: Tale): Fields {
  const names = { thread_id: threadId(place.kind, place.thread), run_id: runId(run.id) }
  const last = steps.findLast((t) => t.payload.kind === 'model_call')?.payload
  const stopped = run.status === 'canceled' ? 'canceled' : null
  const error = run.error ?? (run.status === 'failed' ? 'The run failed.' : stopped)
  const meta: Fields = error === null ? {} : { error }
  if (last && (last.output as Json[]).length > 0) return { ...stepMessage(last, names), meta }
  const step_index = last?.step_index ?? 1
  return {
    id: `${names.run_id}:step:${step_index}`,
    ...names,
    step_index,
    role: 'assistant',
    parts: error === null ? [] : [{ type: 'text', text: error }],
    created_at: second(run.endedAt ?? run.createdAt),
    meta,
  }
}
