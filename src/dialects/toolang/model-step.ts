/** A turn as a step of kind `model_call`: its parts as they are said, and its end. Pure. */

import type { EventOf } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import { addUsage, NO_USAGE } from '../../kernel/usage.ts'
import { second } from './context.ts'
import type { Part } from './parts.ts'
import type { ModelStep, OpenPart } from './telling.ts'
import type { Payload, Voice } from './voice.ts'

/** A later attempt goes on with the step. */
export function startModel(voice: Voice, { data, at }: EventOf<'turn.started'>): void {
  const { run } = voice
  if (run.model?.isOpen) {
    const { model, instructions } = data
    voice.run = { ...run, model: { ...run.model, model, instructions } }
    return
  }
  const step = run.step + 1
  const { model, instructions } = data
  const open: ModelStep = {
    ...{ step, startedAt: at, model, instructions },
    ...{ parts: [], thinking: '', usage: NO_USAGE, isOpen: true },
  }
  voice.run = { ...run, step, model: open, reads: [] }
  voice.say('step_start', {
    ...voice.names,
    step_index: step,
    kind: 'model_call',
    input: run.reads,
    started_at: second(at),
    instruct: instructions,
    context: instructions,
    type: 'step_start',
  })
}

type Speech = EventOf<'text.delta' | 'thinking.delta' | 'call.begun' | 'call.delta'>

export function speak(voice: Voice, event: Speech): void {
  const { model } = voice.run
  if (!model) return
  if (event.type === 'thinking.delta') {
    const thinking = model.thinking + event.data.text
    voice.run = { ...voice.run, model: { ...model, thinking } }
    return
  }
  const { data } = event
  let at = model.parts.findLastIndex((p) => p.part === data.part && !p.isVoid)
  if (at < 0) {
    at = model.parts.length
    openPart(voice, { part: data.part, body: bodyOf(event), isVoid: false })
  }
  if (event.type === 'call.begun') return
  const place = { ...voice.names, step_index: model.step, part_index: at }
  const text = event.data.text
  if (event.type === 'call.delta') {
    const delta = { type: 'tool_call', text, tool_call_id: event.data.call }
    voice.say('part_delta', { ...place, delta, type: 'part_delta' })
    return
  }
  edit(voice, at, (p) => (p.body.kind === 'text' ? { ...p, body: grown(p.body, text) } : p))
  voice.say('part_delta', { ...place, delta: { type: 'text', text }, type: 'part_delta' })
}

const grown = (body: { kind: 'text'; text: string }, text: string): OpenPart['body'] => ({
  kind: 'text',
  text: body.text + text,
})

function bodyOf({ type, data }: Exclude<Speech, EventOf<'thinking.delta'>>): OpenPart['body'] {
  if (type === 'text.delta') return { kind: 'text', text: '' }
  const tool = type === 'call.begun' ? data.tool : ''
  return { kind: 'call', call: data.call, tool, input: {} }
}

function openPart(voice: Voice, part: OpenPart): void {
  const model = voice.run.model as ModelStep
  const part_index = model.parts.length
  const kind = part.body.kind === 'text' ? 'text' : 'tool_call'
  voice.run = { ...voice.run, model: { ...model, parts: [...model.parts, part] } }
  const place = { ...voice.names, step_index: model.step, part_index }
  voice.say('part_start', { ...place, kind, type: 'part_start' })
}

function edit(voice: Voice, at: number, change: (part: OpenPart) => OpenPart): void {
  const model = voice.run.model as ModelStep
  const parts = model.parts.slice()
  parts[at] = change(parts[at] as OpenPart)
  voice.run = { ...voice.run, model: { ...model, parts } }
}

export const callPart = (call: string, tool: string, input: Json): Part => ({
  type: 'tool_call',
  tool_call_id: call,
  tool_name: tool,
  tool_family: tool,
  input,
  call_id: call,
})

const told = ({ body }: OpenPart): Part =>
  body.kind === 'text'
    ? { type: 'text', text: body.text }
    : callPart(body.call, body.tool, body.input)

export function answer(voice: Voice, { data, at }: EventOf<'turn.answered'>): void {
  const { model } = voice.run
  if (!model) return
  const inputs = new Map(data.sealed.map((s) => [s.part, s.input]))
  const parts = model.parts.map((p): OpenPart => {
    const input = inputs.get(p.part)
    if (p.isVoid || p.body.kind === 'text' || input === undefined) return p
    return { ...p, body: { ...p.body, input } }
  })
  const usage = addUsage(model.usage, data.usage)
  voice.run = { ...voice.run, model: { ...model, parts, usage, model: modelName(model, data) } }
  closeModel(voice, 'finished', null, at)
}

/** The provider stays as it was asked; the name is the provider's. */
const modelName = (model: ModelStep, { model: name }: { model: string }): string =>
  name === '' || name.includes(':') ? model.model : `${model.model.split(':', 1)[0]}:${name}`

export function closeModel(voice: Voice, status: string, error: string | null, at: number): void {
  const model = voice.run.model as ModelStep
  model.parts.forEach((part, part_index) => {
    if (part.isVoid) return
    const place = { ...voice.names, step_index: model.step, part_index }
    voice.say('part_end', { ...place, type: 'part_end', part: told(part) })
  })
  const said = model.parts.filter((p) => !p.isVoid)
  voice.say('step_end', {
    ...voice.names,
    step_index: model.step,
    kind: 'model_call',
    status,
    output: said.map(told),
    payload: modelPayload(model),
    started_at: second(model.startedAt),
    finished_at: second(at),
    error,
    type: 'step_end',
  })
  const { run } = voice
  const reads = said.some((p) => p.body.kind === 'call')
    ? run.reads
    : [{ kind: 'step', index: model.step }, ...run.reads]
  voice.run = { ...run, reads, model: { ...model, isOpen: false } }
}

function modelPayload({ model, usage, instructions, thinking }: ModelStep): Payload {
  const [provider = '', ...rest] = model.split(':')
  const name = rest.join(':')
  return {
    model_ref: `${provider}/${name}`,
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    provider,
    model: name,
    adapter: 'chat_completions',
    base_url: null,
    instruct: instructions,
    context: instructions,
    reasoning_content: thinking === '' ? null : thinking,
  }
}

/** Text stays said, and the next attempt goes on from it; calls that were begun never happened. */
export function breakOff(voice: Voice, { data }: EventOf<'turn.interrupted'>): void {
  const { model } = voice.run
  if (!model?.isOpen) return
  model.parts.forEach((part, part_index) => {
    if (part.isVoid || part.body.kind === 'text') return
    const place = { ...voice.names, step_index: model.step, part_index }
    voice.say('part_end', { ...place, type: 'part_end', part: told(part) })
  })
  const parts = model.parts.map((p) => (p.body.kind === 'call' ? { ...p, isVoid: true } : p))
  const usage = addUsage(model.usage, data.usage)
  voice.run = { ...voice.run, model: { ...model, parts, usage } }
}
