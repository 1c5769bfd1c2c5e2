/**
 * How ids look here: `thread_` and `agent_` with 32 hex digits, a run is a bare UUID. A thread's id
 * must never look like a UUID, because the official client picks its stream by that.
 */

import { dress, isUuid, undress } from '../../kernel/id.ts'

export const ROOT = 'root'

export const threadId = (uuid: string): string => dress('thread_', uuid)
export const agentId = (uuid: string): string => dress('agent_', uuid)
export const threadUuid = (text: string): string | null => undress('thread_', text)
export const agentUuid = (text: string): string | null => undress('agent_', text)

/** Also malformed ids with our prefix are ours, so that they are refused in our words. */
export const isThreadId = (text: string | undefined): boolean =>
  text?.startsWith('thread_') ?? false

const UUID_IN_ANY_CASE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export const isRunId = (text: string | undefined): boolean => UUID_IN_ANY_CASE.test(text ?? '')

export function runUuid(text: string): string | null {
  const lower = text.toLowerCase()
  return isUuid(lower) ? lower : null
}
