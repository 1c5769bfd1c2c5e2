/**
 * What people, models and tools say to each other. A message is a list of parts; nothing here
 * knows a provider or a dialect.
 */

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** Where the bytes of an attachment are: inline as base64, or at an address. */
export interface Blob {
  media: string
  name?: string
  /** Base64, without a data-URL prefix. */
  data?: string
  url?: string
}

/** What a person or another agent may say. */
export type InputPart =
  | { kind: 'text'; text: string }
  | ({ kind: 'image' } & Blob)
  | ({ kind: 'audio' } & Blob)
  | ({ kind: 'file' } & Blob)

/** What a model may say. `opaque` is the provider's own token for the part, handed back unread. */
export type AnswerPart =
  | { kind: 'text'; text: string }
  | { kind: 'thinking'; text: string; opaque?: Json }
  | { kind: 'call'; call: string; tool: string; input: Json; opaque?: Json }

/** What a tool said. `output` is the text the model reads. */
export interface ResultPart {
  kind: 'result'
  call: string
  tool: string
  output: string
  outcome: Outcome
}

/** How a tool call ended. `unknown`: it began, the server died, and nobody knows. */
export type Outcome = 'ok' | 'failed' | 'denied' | 'cancelled' | 'unknown'

export type Part = InputPart | AnswerPart | ResultPart

/**
 * One entry of a thread's transcript. An assistant message with calls is always followed by a
 * tool message that has a result for each of them.
 */
export interface Message {
  /** `<run>:<index>`, stable for the life of the thread. */
  id: string
  role: 'user' | 'assistant' | 'tool'
  parts: Part[]
  run: string
  turn: number | null
  /** Epoch milliseconds. */
  at: number
  /** Present when the message is a summary that stands for older ones. */
  summary?: true
  /** Present when a user message was put into a run that was already going on. */
  steered?: true
}

/** The text of a list of parts, attachments shown by name. */
export function textOf(parts: readonly Part[]): string {
  let text = ''
  for (const part of parts) {
    if (part.kind === 'text') text += part.text
    else if (part.kind === 'result') text += part.output
    else if (part.kind === 'image' || part.kind === 'audio' || part.kind === 'file')
      text += `[${part.kind}${part.name ? `: ${part.name}` : ''}]`
  }
  return text
}

/** The first characters, none of them cut in two, and each one that any store can hold. */
export function headOf(text: string, chars: number): string {
  const head = text.slice(0, chars)
  const whole = /[\ud800-\udbff]$/.test(head) ? head.slice(0, -1) : head
  return whole.toWellFormed().replaceAll('\0', '\ufffd')
}
