/** A chat's transcript as turns: system, user, assistant, tool. Pure. */

import type { EventOf } from '../../kernel/event.ts'
import type { Json, Message, Part } from '../../kernel/part.ts'
import { contextOf, type Thread } from '../../kernel/thread.ts'
import { stopReason, usageOf } from './payload.ts'
import { toWire, wireText } from './tool-name.ts'

/** What the log says of an answer and its message does not. */
export type Answer = Pick<EventOf<'turn.answered'>['data'], 'model' | 'stop' | 'usage'>

/** By `<run>:<turn>`. */
export type Answers = ReadonlyMap<string, Answer>

export const answerKey = (run: string | null, turn: number | null): string => `${run}:${turn}`

/** What the model reads: after a compaction the summary stands for what was before. */
export const turnsOf = (thread: Thread, system: string, answers: Answers): Json[] => [
  { role: 'system', content: system },
  ...contextOf(thread).map((m) => turnOf(m, answers)),
]

function turnOf(message: Message, answers: Answers): Json {
  const { role, parts } = message
  const blocks = parts.flatMap(blockOf)
  if (role === 'tool') return { role, content: blocks }
  const [only] = parts
  const content = parts.length === 1 && only?.kind === 'text' ? only.text : blocks
  if (role === 'user') return { role, content }
  const answer = answers.get(answerKey(message.run, message.turn))
  return {
    role,
    content,
    model: answer?.model ?? null,
    stop_reason: answer ? stopReason(answer.stop) : 'error',
    usage: usageOf(answer?.usage ?? null),
  }
}

function blockOf(part: Part): Json[] {
  switch (part.kind) {
    case 'text':
      return [{ type: 'text', text: part.text }]
    case 'thinking':
      return []
    case 'image':
      return [
        {
          type: 'image',
          source_type: part.url === undefined ? 'base64' : 'url',
          media_type: part.media,
          data: part.url ?? part.data ?? '',
        },
      ]
    case 'audio':
    case 'file':
      return [{ type: 'text', text: `[${part.kind}: ${part.name ?? part.media}]` }]
    case 'call': {
      const { call: id, tool, input } = part
      return [{ type: 'tool_use', id, name: toWire(tool), arguments: input }]
    }
    case 'result':
      return [
        {
          type: 'tool_result',
          tool_use_id: part.call,
          tool_name: toWire(part.tool),
          content: wireText(part.tool, part.output),
          is_error: part.outcome !== 'ok',
        },
      ]
  }
}
