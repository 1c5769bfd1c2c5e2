/**
 * A transcript in the form the provider libraries take. Whatever a history holds must make a prompt
 * that the provider accepts: an attachment it cannot read becomes a remark, never an error.
 */

import type {
  AnswerPart,
  Blob,
  InputPart,
  Json,
  Message,
  Part,
  ResultPart,
} from '../kernel/part.ts'
import type { ModelRequest } from '../kernel/ports.ts'
import type { Meta, Prompt } from './library.ts'
import { wellFormed, wellFormedJson } from './well-formed.ts'

/** Who reads the prompt, and what it can take. */
export interface Reader {
  /** Tokens of a part go back only to the model that gave them. */
  provider: string
  model: string
  family: 'anthropic' | 'openai' | 'google' | 'compatible'
  images: boolean
  pdf: boolean
  audio: boolean
}

/** What `opaque` of a part holds. */
export interface Token {
  provider: string
  model: string
  /** One block of a thinking part: how much of its text it is, and the provider's facts of it. */
  blocks?: { length: number; meta: Meta }[]
  /** Of a call. */
  meta?: Meta
}

type Entry = Prompt[number]
type Content<R extends Entry['role']> = Extract<Entry, { role: R }>['content']

const GO_ON = `Your last message was cut off by a technical fault exactly where it ends. Go on from that very point: repeat nothing of it, say nothing about the interruption, and begin with the next characters.`

/** `toolName` says how a tool is called to this provider. */
export function promptOf(
  request: ModelRequest,
  reader: Reader,
  toolName: (name: string) => string,
): Prompt {
  const names = nameCalls()
  const loop = request.messages.findLastIndex((m) => m.role === 'user' && !m.steered)
  const prompt: Prompt = []
  const system = wellFormed(request.system)
  if (system.trim() !== '') prompt.push({ role: 'system', content: system, ...cached(reader) })
  const start = prompt.length
  request.messages.forEach((message, index) => {
    add(prompt, entryOf(message, { reader, names, toolName, isInLoop: index > loop }))
  })
  if (prompt[start]?.role !== 'user')
    prompt.splice(start, 0, { role: 'user', content: [{ type: 'text', text: 'Go on.' }] })
  if (prompt.at(-1)?.role === 'assistant')
    prompt.push({ role: 'user', content: [{ type: 'text', text: GO_ON }] })
  const last = prompt.at(-1)
  if (last && last.role !== 'system') Object.assign(last, cached(reader))
  return prompt
}

/** Anthropic caches a prompt only up to where it is told to. */
const cached = ({ family }: Reader): { providerOptions?: Meta } =>
  family === 'anthropic'
    ? { providerOptions: { anthropic: { cacheControl: { type: 'ephemeral' } } } }
    : {}

interface Place {
  reader: Reader
  names: CallNames
  toolName(name: string): string
  /** After the last thing a person said: the model may still be at work on it. */
  isInLoop: boolean
}

function entryOf(message: Message, place: Place): Entry | null {
  switch (message.role) {
    case 'user': {
      const content = message.parts.flatMap((p) => userPart(p, place.reader))
      return content.length > 0 ? { role: 'user', content } : null
    }
    case 'assistant': {
      const content = message.parts.flatMap((p) => answerPart(p as AnswerPart, place))
      const isHeard = content.some((p) => p.type !== 'reasoning')
      return isHeard ? { role: 'assistant', content } : null
    }
    case 'tool': {
      const results = message.parts.filter((p): p is ResultPart => p.kind === 'result')
      const content = results.map((r) => resultPart(r, place))
      return content.length > 0 ? { role: 'tool', content } : null
    }
  }
}

/** Some providers want the roles to take turns, and none minds when they do. */
function add(prompt: Prompt, entry: Entry | null): void {
  if (!entry) return
  const last = prompt.at(-1)
  if (last && last.role === entry.role && last.role !== 'system')
    (last.content as unknown[]).push(...(entry.content as unknown[]))
  else prompt.push(entry)
}

function userPart(part: Part, reader: Reader): Content<'user'> {
  if (part.kind === 'text') return textPart(part.text)
  if (part.kind === 'image' || part.kind === 'file' || part.kind === 'audio')
    return attachment(part, reader)
  return []
}

/** A text of spaces alone is an error to some providers, and says nothing to any. */
function textPart(text: string): { type: 'text'; text: string }[] {
  return text.trim() === '' ? [] : [{ type: 'text', text: wellFormed(text) }]
}

function attachment(part: Exclude<InputPart, { kind: 'text' }>, reader: Reader): Content<'user'> {
  const media = part.media.toLowerCase()
  if (part.data !== undefined && isText(media)) {
    const text = Buffer.from(part.data, 'base64').toString('utf8')
    return textPart(`${part.name ?? 'Attached file'}:\n${text}`)
  }
  const source = sourceOf(part)
  if (source === null || !reads(media, reader)) {
    const name = part.name ? ` "${part.name}"` : ''
    return textPart(`[The ${part.kind}${name} (${media}) is left out: this model cannot read it.]`)
  }
  const named = part.name ? { filename: wellFormed(part.name) } : {}
  return [{ type: 'file', mediaType: media, data: source, ...named }]
}

const isText = (media: string): boolean =>
  media.startsWith('text/') || /^application\/(json|xml|yaml|x-yaml|javascript|toml)\b/.test(media)

function sourceOf(blob: Blob): string | URL | null {
  if (blob.data !== undefined) return blob.data
  if (!blob.url || !URL.canParse(blob.url)) return null
  const url = new URL(blob.url)
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : null
}

function reads(media: string, reader: Reader): boolean {
  if (media.startsWith('image/')) return reader.images
  if (media === 'application/pdf') return reader.pdf
  if (media.startsWith('audio/'))
    return reader.audio && (reader.family === 'google' || /\/(wav|x-wav|mp3|mpeg)$/.test(media))
  return false
}

function answerPart(part: AnswerPart, place: Place): Content<'assistant'> {
  switch (part.kind) {
    case 'text':
      return textPart(part.text)
    case 'thinking':
      return thinkingPart(part, place)
    case 'call': {
      const token = tokenFor(part.opaque, place.reader)
      const options = callMeta(token?.meta, place.reader)
      const before = (token?.blocks ?? []).map((b) => reasoning('', b.meta))
      return [
        ...before,
        {
          type: 'tool-call',
          toolCallId: place.names.give(part.call),
          toolName: place.toolName(part.tool),
          input: objectOf(wellFormedJson(part.input)),
          ...(options ? { providerOptions: options } : {}),
        },
      ]
    }
  }
}

/**
 * Thinking goes back with the provider's tokens or not at all. Servers without such tokens get the
 * bare text, but only of the work that is still going on.
 */
function thinkingPart(
  part: Extract<AnswerPart, { kind: 'thinking' }>,
  { reader, isInLoop }: Place,
): Content<'assistant'> {
  if (reader.family === 'compatible')
    return isInLoop && part.text !== '' ? [reasoning(part.text)] : []
  const blocks = tokenFor(part.opaque, reader)?.blocks ?? []
  const length = blocks.reduce((sum, b) => sum + b.length, 0)
  if (length !== part.text.length) return []
  let at = 0
  return blocks.map((block) => {
    const text = part.text.slice(at, at + block.length)
    at += block.length
    return reasoning(text, block.meta)
  })
}

const reasoning = (text: string, meta?: Meta): Content<'assistant'>[number] => ({
  type: 'reasoning',
  text: wellFormed(text),
  ...(meta ? { providerOptions: meta } : {}),
})

function tokenFor(opaque: Json | undefined, reader: Reader): Token | null {
  if (typeof opaque !== 'object' || opaque === null || Array.isArray(opaque)) return null
  const token = opaque as unknown as Token
  return token.provider === reader.provider && token.model === reader.model ? token : null
}

/** The compatible library gives Gemini's signature under its own name and wants it under Google's. */
function callMeta(meta: Meta | undefined, { family }: Reader): Meta | undefined {
  if (!meta || family !== 'compatible') return meta
  const signature = Object.values(meta).find((m) => m?.thoughtSignature)?.thoughtSignature
  return signature === undefined ? undefined : { google: { thoughtSignature: signature } }
}

const objectOf = (input: Json): Json =>
  typeof input === 'object' && input !== null && !Array.isArray(input)
    ? input
    : input === null
      ? {}
      : { value: input }

function resultPart(part: ResultPart, { names, toolName }: Place): Content<'tool'>[number] {
  const value = wellFormed(part.output)
  return {
    type: 'tool-result',
    toolCallId: names.of(part.call),
    toolName: toolName(part.tool),
    output:
      part.outcome === 'ok'
        ? { type: 'text', value }
        : { type: 'error-text', value: value || `The call ended as ${part.outcome}.` },
  }
}

interface CallNames {
  /** The name a call goes by in this prompt. */
  give(call: string): string
  /** Of the call that was named last. */
  of(call: string): string
}

/** Providers differ in what an id may be, and some refuse one that comes twice. */
function nameCalls(): CallNames {
  const names = new Map<string, string>()
  const used = new Set<string>()
  return {
    give(call) {
      let name = /^[A-Za-z0-9_-]{1,40}$/.test(call) && !used.has(call) ? call : ''
      for (let n = used.size + 1; name === '' || used.has(name); n++) name = `call_${n}`
      used.add(name)
      names.set(call, name)
      return name
    },
    of: (call) => names.get(call) ?? call,
  }
}
