/** What only this dialect needs to remember of a request: it travels in the origin of its event. */

import type { Origin } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import type { Principal } from '../../kernel/ports.ts'

/** Of the request that created a run. What is told of it is `asked`. */
export interface RunHints {
  trace_id: string
  asked: { [key: string]: Json }
  /** The key that a persona was asked for by, without its version. */
  persona?: string
  /** The version that there is, when another one was asked for. */
  available_version?: string
  /** What was asked for by name and is not there. */
  missing?: 'route' | 'model'
}

/** Of a cancel. */
export interface CancelHints {
  trace_id: string
  last_seen_seq: number
  client_cancelled_at?: string
}

/** Of an input. */
export interface InputHints {
  trace_id: string
  content: string
}

export const originOf = (
  principal: Pick<Principal, 'id'>,
  hints?: RunHints | CancelHints | InputHints | Json,
): Origin => ({
  dialect: 'arkloop',
  principal: principal.id,
  ...(hints === undefined ? {} : { hints: hints as unknown as Json }),
})

/** Null for an event that came through another dialect. */
export function hintsIn<T>(origin: Origin): T | null {
  const { dialect, hints } = origin
  const isOurs = dialect === 'arkloop' && typeof hints === 'object' && hints !== null
  return isOurs && !Array.isArray(hints) ? (hints as unknown as T) : null
}
