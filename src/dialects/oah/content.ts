/**
 * What is said, in the shape of OAH's messages (the AI SDK's parts), and back. Reading a message costs
 * time in proportion to its length, whatever is in it.
 */

import type { InputPart, Json, Message, Outcome, Part } from '../../kernel/part.ts'
import { textOf } from '../../kernel/part.ts'
import { attachment } from './attachment.ts'
import type { ContentPart } from './schema.ts'
import { type ShownCall, shownCall, toolName } from './tool.ts'

export type Content = string | { [key: string]: Json }[]

/** Plain text stays a string; with anything attached it is a list of parts. */
export function inputContent(parts: readonly InputPart[]): Content {
  if (parts.every((p) => p.kind === 'text')) return textOf(parts)
  return parts.map((part): { [key: string]: Json } => {
    if (part.kind === 'text') return { type: 'text', text: part.text }
    const bytes = part.data ?? part.url ?? ''
    if (part.kind === 'image') return { type: 'image', image: bytes, mediaType: part.media }
    const file = { type: 'file', data: bytes, mediaType: part.media }
    return part.name === undefined ? file : { ...file, filename: part.name }
  })
}

/** What a person said, without the files that were read because the message names them. */
export function saidIn(input: readonly InputPart[], hints: Json | undefined): readonly InputPart[] {
  const attached =
    typeof hints === 'object' && hints !== null && !Array.isArray(hints) ? hints.attached : 0
  return typeof attached === 'number' ? input.slice(0, input.length - attached) : input
}

/** The inverse. Files of text are files here, too: models are told what stands in them. */
export const inputOf = (content: string | ContentPart[]): InputPart[] =>
  typeof content === 'string'
    ? [{ kind: 'text', text: content }]
    : content.map((part, i) =>
        part.type === 'text' ? { kind: 'text', text: part.text } : attachment(part, i),
      )

export const callPart = ({ toolCallId, toolName, input }: ShownCall): { [key: string]: Json } => ({
  type: 'tool-call',
  toolCallId,
  toolName,
  input,
})

export const resultPart = (
  { toolCallId, toolName }: Pick<ShownCall, 'toolCallId' | 'toolName'>,
  { output, outcome }: { output: string; outcome: Outcome },
): { [key: string]: Json } => ({
  type: 'tool-result',
  toolCallId,
  toolName,
  output:
    outcome === 'denied'
      ? { type: 'execution-denied', reason: output }
      : { type: outcome === 'ok' ? 'text' : 'error-text', value: output },
})

/** What a model said in a turn: thinking and text, in its order. */
export const spokenContent = (
  parts: readonly { kind: 'text' | 'thinking'; text: string }[],
): { [key: string]: Json }[] =>
  parts
    .filter((p) => p.text !== '')
    .map((p) => ({ type: p.kind === 'text' ? 'text' : 'reasoning', text: p.text }))

/** One message of a transcript as OAH's messages: each call and each result is one of its own. */
export function messagesIn(message: Message): Told[] {
  if (message.role === 'user')
    return [{ role: 'user', content: inputContent(message.parts as InputPart[]) }]
  const spoken = spokenContent(message.parts.filter(isSpoken))
  const told: Told[] = spoken.length > 0 ? [{ role: 'assistant', content: spoken }] : []
  for (const part of message.parts) {
    if (part.kind === 'call') told.push({ role: 'assistant', content: [callPart(shownCall(part))] })
    if (part.kind === 'result') {
      const shown = { toolCallId: part.call, toolName: toolName(part.tool) }
      told.push({ role: 'tool', content: [resultPart(shown, part)] })
    }
  }
  return told
}

interface Told {
  role: 'user' | 'assistant' | 'tool'
  content: Content
}

const isSpoken = (part: Part): part is Extract<Part, { kind: 'text' | 'thinking' }> =>
  part.kind === 'text' || part.kind === 'thinking'
