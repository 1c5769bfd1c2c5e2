/** A call as a step of kind `tool_call`, and its result as Toolang's tools answer. Pure. */

import type { EventOf } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import { second } from './context.ts'
import type { Part } from './parts.ts'
import type { Voice } from './voice.ts'

/** A second attempt at a call goes on with its step. */
export function startTool(voice: Voice, call: string, at: number): void {
  const { run } = voice
  if (run.tools[call]) return
  const step = run.step + 1
  const parts = run.model?.parts ?? []
  const part = parts.findIndex((p) => p.body.kind === 'call' && p.body.call === call && !p.isVoid)
  const from = { kind: 'step', index: run.model?.step ?? 0, ...(part < 0 ? {} : { part }) }
  voice.run = { ...run, step, tools: { ...run.tools, [call]: { step, startedAt: at } } }
  voice.say('step_start', {
    ...voice.names,
    step_index: step,
    kind: 'tool_call',
    input: [from],
    started_at: second(at),
    instruct: null,
    context: null,
    type: 'step_start',
  })
}

/** What a tool said, as the object that Toolang's tools answer with. */
export function outputOf(output: string, isOk: boolean): Json {
  if (output.startsWith('{')) {
    try {
      const value = JSON.parse(output) as Json
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
    } catch {
      // Then it is text.
    }
  }
  return { ok: isOk, output }
}

export function endTool(voice: Voice, { data, at }: EventOf<'tool.ended'>): void {
  startTool(voice, data.call, at)
  const { call, tool, outcome, output } = data
  const open = voice.run.tools[call] as { step: number; startedAt: number }
  const place = { ...voice.names, step_index: open.step, part_index: 0 }
  const part: Part = {
    ...{ type: 'tool_result', tool_call_id: call, tool_name: tool, tool_family: tool },
    ...{ output: outputOf(output, outcome === 'ok'), call_id: call },
  }
  voice.say('part_start', { ...place, kind: 'tool_result', type: 'part_start' })
  voice.say('part_end', { ...place, type: 'part_end', part })
  const status = { ok: 'finished', cancelled: 'canceled' }[outcome as string] ?? 'failed'
  voice.say('step_end', {
    ...voice.names,
    step_index: open.step,
    kind: 'tool_call',
    status,
    output: [part],
    payload: {},
    started_at: second(open.startedAt),
    finished_at: second(at),
    error: outcome === 'ok' ? null : output,
    type: 'step_end',
  })
  const { [call]: _, ...tools } = voice.run.tools
  const reads = [...voice.run.reads, { kind: 'step', index: open.step }]
  voice.run = { ...voice.run, tools, reads }
}
