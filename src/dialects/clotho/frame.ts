/**
 * An event as it goes over the wire: the real clients read `data`, readers of the page look for the
 * payload's keys beside `type`, so both are there. No payload has a key of the envelope's.
 */

import type { Json } from '../../kernel/part.ts'
import type { Told } from './payload.ts'

export interface Payload {
  type: string
  data: Record<string, Json>
  /** Epoch milliseconds. */
  at: number
}

export function writeFrame({ type, data, at }: Payload | Told): string {
  const payload = JSON.stringify(data)
  const keys = payload === '{}' ? '' : `,${payload.slice(1, -1)}`
  return `{"type":"${type}","data":${payload},"timestamp":"${timestamp(at)}"${keys}}`
}

/** UTC with microseconds, as Python prints it. */
export const timestamp = (ms: number): string =>
  new Date(ms).toISOString().replace(/Z$/, '000+00:00')

export const errorFrame = (code: string, message: string, at: number): string =>
  writeFrame({ type: 'agent.error', data: { code, message }, at })
