/**
 * Frames of an Ownware stream and the small shapes in them. A frame's JSON repeats its type and
 * carries its number as the last key, on one line.
 */

import type { Stop } from '../../kernel/event.ts'
import type { InputPart } from '../../kernel/part.ts'
import type { Usage } from '../../kernel/usage.ts'

/** What a frame says, as it is stored and told. The number is added when it is written. */
export interface Body {
  type: string
  [field: string]: unknown
}

export interface Frame {
  /** From 1 in the thread without gap; 0 for what a connection says beside the numbering. */
  seq: number
  run: string | null
  at: number
  body: Body
}

export const sse = (body: Body): string => framed(body, JSON.stringify(body))

const framed = ({ type }: Body, json: string): string => `event: ${type}\ndata: ${json}\n\n`

/** A body has a type at least, so the number can be put behind it without a copy. */
export function writeFrame({ seq, body }: Frame): string {
  const json = JSON.stringify(body)
  return framed(body, seq === 0 ? json : `${json.slice(0, -1)},"seq":${seq}}`)
}

export interface Attachment {
  filename: string
  mimeType: string
  sizeBytes: number
  category: string
}

/** What a person said: the words, and what was attached to them. */
export interface Said {
  text: string
  attachments: Attachment[] | null
}

export function saidIn(input: readonly InputPart[]): Said {
  const attachments = attachmentsIn(input)
  const text = input.map((p) => (p.kind === 'text' ? p.text : '')).join('')
  return { text, attachments: attachments.length > 0 ? attachments : null }
}

export const attachmentsIn = (input: readonly InputPart[]): Attachment[] =>
  input.flatMap((p) =>
    p.kind === 'text'
      ? []
      : [
          {
            filename: p.name ?? p.kind,
            mimeType: p.media,
            sizeBytes: decodedBytes(p.data ?? ''),
            category: categoryOf(p.media),
          },
        ],
  )

/** Bytes that base64 text stands for, without decoding it. */
export function decodedBytes(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0
  return Math.floor(base64.length / 4) * 3 - padding
}

export function categoryOf(media: string): string {
  if (media.startsWith('image/')) return 'image'
  if (media.startsWith('audio/')) return 'audio'
  if (media === 'application/pdf') return 'pdf'
  return media.startsWith('text/') || /[/+](json|xml|yaml)$/.test(media) ? 'text' : 'other'
}

/** Tokens and money. A price that nobody knows is said to be unknown and counts as 0. */
export const tokensOf = (usage: Usage) => ({
  inputTokens: usage.inputTokens,
  outputTokens: usage.outputTokens,
  cacheReadTokens: usage.cacheReadTokens,
  cacheCreationTokens: usage.cacheWriteTokens,
})

export const turnUsage = (usage: Usage, model: string, knownUsd: number) => ({
  ...tokensOf(usage),
  model,
  costUsd: knownUsd,
  ...(usage.costUsd === null ? { priceUnknown: true } : {}),
})

export const totalUsage = (usage: Usage, knownUsd: number, model: string) => ({
  ...tokensOf(usage),
  costUsd: knownUsd,
  model,
  ...(usage.costUsd === null ? { priceUnknown: true } : {}),
})

const STOPS: Record<Stop, string> = {
  end: 'end_turn',
  calls: 'end_turn',
  length: 'max_tokens',
  filter: 'refusal',
  sequence: 'stop_sequence',
  other: 'end_turn',
}

/** Why the model stopped. `calls` without any call is an ordinary end. */
export const stopReason = (stop: Stop | null): string => STOPS[stop ?? 'end']

/** Why the run ended, in the same words. */
export function endReason(outcome: string, stop: string): string {
  if (outcome === 'cancelled' || stop === 'time') return 'aborted'
  if (stop === 'turns') return 'max_turns'
  if (stop === 'cost' || stop === 'tokens') return 'budget_exceeded'
  if (outcome === 'failed') return 'error'
  return stop in STOPS ? STOPS[stop as Stop] : 'end_turn'
}

/** Code of the in-band `error` that a failed run tells. */
export function errorCode(stop: string, code: string): string {
  if (stop === 'turns') return 'MAX_TURNS'
  if (stop === 'cost' || stop === 'tokens') return 'BUDGET_EXCEEDED'
  if (stop === 'time') return 'TIMED_OUT'
  return code === 'internal' || code === 'unknown' ? 'UNKNOWN' : 'PROVIDER_ERROR'
}

/** Why an answer is tried again. The last one is not of the real system's list, but true. */
export function recoveryReason(code: string | undefined): string {
  if (code === 'rate_limited' || code === 'overloaded') return 'rate_limit'
  if (code === 'context_too_long') return 'prompt_too_long'
  return 'provider_error'
}
