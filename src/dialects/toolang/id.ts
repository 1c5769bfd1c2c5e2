/**
 * How ids look here: `run_`, `web_`, `task_` ... and 26 characters of Toolang's own alphabet, which
 * are the whole UUID. A job is the thread it works in, so its id is that thread's without the kind.
 */

import { isUuid } from '../../kernel/id.ts'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const SHORT = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/

export const CLIENTS = ['web', 'tui', 'chat'] as const
export type Client = (typeof CLIENTS)[number]

/** What a thread's id begins with; `term` is the next version's word for a terminal. */
export const THREAD_KINDS = [...CLIENTS, 'term', 'task', 'chore'] as const
export type ThreadKind = (typeof THREAD_KINDS)[number]

/** The UUID in base 32, most significant digit first. */
export function short(uuid: string): string {
  let rest = BigInt(`0x${uuid.replaceAll('-', '')}`)
  let text = ''
  for (let i = 0; i < 26; i++) {
    text = ALPHABET[Number(rest & 31n)] + text
    rest >>= 5n
  }
  return text
}

/** The inverse of `short`; null for a text of another form. */
export function long(text: string): string | null {
  if (!SHORT.test(text)) return null
  let value = 0n
  for (const char of text) value = (value << 5n) | BigInt(ALPHABET.indexOf(char))
  const h = value.toString(16).padStart(32, '0')
  const uuid = `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`
  return isUuid(uuid) ? uuid : null
}

export const runId = (uuid: string): string => `run_${short(uuid)}`

export const runUuid = (id: string): string | null =>
  id.startsWith('run_') ? long(id.slice(4)) : null

export const threadId = (kind: ThreadKind, uuid: string): string => `${kind}_${short(uuid)}`

/** The kind is the caller's to compare: of one thread only one dress is right. */
export function threadUuid(id: string): string | null {
  const at = id.indexOf('_')
  return THREAD_KINDS.some((k) => k === id.slice(0, at)) ? long(id.slice(at + 1)) : null
}

/**
 * Also ids of the real system, which are shorter, are ours, so that they are refused in our words.
 * OAH's runs are `run_` with a UUID or 32 hex digits and are left alone.
 */
export const isRunId = (text: string | undefined): boolean =>
  /^run_([0-9a-hjkmnp-tv-z]{8}|[0-7][0-9a-hjkmnp-tv-z]{25})$/.test(text ?? '')

export const isThreadId = (text: string | undefined): boolean =>
  /^(web|tui|term|chat|task|chore|script|tg)_/.test(text ?? '')
