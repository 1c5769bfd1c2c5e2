/**
 * Frames of a session's stream. Each has a number, dense from 0 in the session, and a line of its own
 * for when it happened, which EventSource skips and OAH's clients read.
 */

import type { Json } from '../../kernel/part.ts'

export type Data = { [key: string]: Json | undefined }

export interface Frame {
  id: number
  /** Of the kernel; null for what belongs to no run. */
  run: string | null
  event: string
  at: number
  data: Data
}

export const iso = (at: number): string => new Date(at).toISOString()

export const writeFrame = ({ id, event, at, data }: Frame): string =>
  `id: ${id}\nevent: ${event}\ncreatedAt: ${iso(at)}\ndata: ${JSON.stringify(data)}\n\n`
