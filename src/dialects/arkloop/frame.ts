/**
 * A frame of a run's stream, and its bytes: the keys of the documentation and those of the real
 * system together, and the event's own data a second time at the top, where the CLI looks for it.
 */

import type { Json } from '../../kernel/part.ts'
import type { Usage } from '../../kernel/usage.ts'
import { derivedId, shortIso } from './id.ts'

export interface Frame {
  /** From 1 in the run, without gap. */
  seq: number
  at: number
  type: string
  data: Data
  tool?: string
  errorClass?: string
}

/** A frame before it has a place and a time. */
export type Said = Omit<Frame, 'seq' | 'at'>

export type Data = { [key: string]: Json | undefined }

const TERMINAL = ['run.completed', 'run.failed', 'run.cancelled', 'run.interrupted']

export const isTerminal = (frame: Frame): boolean => TERMINAL.includes(frame.type)

/** What stands at the top of every frame, and is not overwritten by what its data says. */
const OWN = new Set([
  'created_at',
  'data',
  'error_class',
  'event_id',
  'run_id',
  'seq',
  'ts',
  'type',
])

export function writeFrame(run: string, frame: Frame): string {
  const { seq, at, type, data, tool, errorClass } = frame
  const ts = shortIso(at)
  const body: Data = { created_at: ts, data: data as Json, event_id: derivedId(run, 'event', seq) }
  if (errorClass !== undefined) body.error_class = errorClass
  body.run_id = run
  body.seq = seq
  body.ts = ts
  body.type = type
  if (tool !== undefined) body.tool_name = tool
  for (const key in data)
    if (!OWN.has(key) && (key !== 'error' || typeof data.error === 'string')) body[key] = data[key]
  if (isTerminal(frame) && typeof data.message === 'string') body.error = data.message
  return `id: ${seq}\nevent: ${type}\ndata: ${plain(JSON.stringify(body))}\n\n`
}

/** As Go writes JSON: nothing in it that a page could take for markup. */
const plain = (json: string): string =>
  json.replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

export const usageView = (usage: Usage): { [key: string]: Json } => ({
  input_tokens: usage.inputTokens,
  output_tokens: usage.outputTokens,
  total_tokens: usage.inputTokens + usage.outputTokens,
  ...(usage.cacheWriteTokens > 0 ? { cache_creation_input_tokens: usage.cacheWriteTokens } : {}),
  ...(usage.cacheReadTokens > 0 ? { cache_read_input_tokens: usage.cacheReadTokens } : {}),
})

/** Absent when the price is not known. */
export const costView = ({ costUsd }: Usage): { cost?: Json } =>
  costUsd === null
    ? {}
    : { cost: { currency: 'USD', amount_micros: Math.round(costUsd * 1_000_000) } }
