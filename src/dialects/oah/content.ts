/**
 * What is said, in the shape of OAH's messages (the AI SDK's parts), and back. Reading a message costs
 * time in proportion to its length, whatever is in it.
 */

import type { InputPart, Json, Message, Outcome, Part } from '../../kernel/part.ts'
import { textOf } from '../../kernel/part.ts'
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

/** The inverse. A text file is said as text, because no model must choke on its kind. */
export function inputOf(content: string | ContentPart[]): InputPart[] {
  if (typeof content === 'string') return [{ kind: 'text', text: content }]
  return content.map((part): InputPart => {
    if (part.type === 'text') return { kind: 'text', text: part.text }
    const source = part.type === 'image' ? part.image : part.data
    const { media, data, url } = bytesOf(source, part.mediaType)
    if (media.startsWith('image/') || part.type === 'image')
      return { kind: 'image', media, ...pick(data, url) }
    const name = part.filename
    if (data !== undefined && isText(media)) return quoted(name, data)
    const kind = media.startsWith('audio/') ? 'audio' : 'file'
    return { kind, media, ...(name === undefined ? {} : { name }), ...pick(data, url) }
  })
}

const pick = (data: string | undefined, url: string | undefined) =>
  data === undefined ? { url: url as string } : { data }

const isText = (media: string): boolean =>
  media.startsWith('text/') || /^application\/([a-z.]+\+)?(json|xml|yaml|x-yaml|toml)$/.test(media)

function quoted(name: string | undefined, data: string): InputPart {
  const text = Buffer.from(data, 'base64').toString('utf8')
  return { kind: 'text', text: `\n[file: ${name ?? 'attachment'}]\n${text}\n` }
}

/** A data URL, an address, or base64. */
function bytesOf(
  source: string,
  media = 'application/octet-stream',
): { media: string; data?: string; url?: string } {
  if (/^https?:\/\//i.test(source)) return { media, url: source }
  if (!source.startsWith('data:')) return { media, data: source }
  const comma = source.indexOf(',')
  const head = source.slice(5, comma).split(';')
  const body = source.slice(comma + 1)
  const data = head.includes('base64')
    ? body
    : Buffer.from(decodeURIComponent(body)).toString('base64')
  return { media: head[0] || media, data }
}

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
