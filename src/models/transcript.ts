/** Questions the offline models ask of a transcript. */

import { type Message, type ResultPart, textOf } from '../kernel/part.ts'
import type { ModelRequest } from '../kernel/ports.ts'

export const wordsOf = (message: Message): string =>
  textOf(message.parts.filter((p) => p.kind === 'text'))

/** What the answer that broke off has said already; empty texts when none did. */
export function partialOf({ messages, continues }: ModelRequest): {
  text: string
  thinking: string
} {
  const last = messages.at(-1)
  if (!continues || last?.role !== 'assistant') return { text: '', thinking: '' }
  const thinking = last.parts.map((p) => (p.kind === 'thinking' ? p.text : '')).join('')
  return { text: wordsOf(last), thinking }
}

/** The transcript without an answer that broke off. */
export const wholeMessages = ({ messages, continues }: ModelRequest): Message[] =>
  continues && messages.at(-1)?.role === 'assistant' ? messages.slice(0, -1) : messages

export const answersAfter = (messages: readonly Message[], index: number): number =>
  messages.slice(index + 1).filter((m) => m.role === 'assistant').length

/** Results of the calls that were answered last. */
export function lastResults(messages: readonly Message[]): ResultPart[] {
  const said = messages.findLast((m) => m.role === 'tool')
  return (said?.parts ?? []).filter((p): p is ResultPart => p.kind === 'result')
}
