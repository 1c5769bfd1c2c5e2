/**
 * Ids here are bare UUIDs. The local account and its nameless owner have the fixed ids that the real
 * desktop gives them; ids of events and messages follow from what they are made of, so that the same
 * log gives the same ids for ever.
 */

import { createHash } from 'node:crypto'
import { LOCAL_ACCOUNT } from '../../kernel/accounts.ts'
import { isUuid } from '../../kernel/id.ts'

const LOCAL_ACCOUNT_ID = '00000000-0000-4000-8000-000000000002'
export const LOCAL_USER_ID = '00000000-0000-4000-8000-000000000001'

export const accountId = (account: string): string =>
  account === LOCAL_ACCOUNT ? LOCAL_ACCOUNT_ID : account

export const accountOfId = (id: string): string =>
  id.toLowerCase() === LOCAL_ACCOUNT_ID ? LOCAL_ACCOUNT : id.toLowerCase()

/** Lower case; null when it is no UUID. */
export function uuidIn(text: string | undefined): string | null {
  const lower = text?.toLowerCase() ?? ''
  return isUuid(lower) ? lower : null
}

/** Ids that follow from a run's: its own digits, changed by what is named and by a number. */
const KINDS = { event: 0x1000, call: 0x2000, job: 0x3000 } as const

export function derivedId(run: string, kind: keyof typeof KINDS, n: number): string {
  const high = Number.parseInt(run.slice(24, 28), 16) ^ KINDS[kind]
  const low = (Number.parseInt(run.slice(28, 36), 16) ^ n) >>> 0
  const tail = high.toString(16).padStart(4, '0') + low.toString(16).padStart(8, '0')
  return `${run.slice(0, 14)}8${run.slice(15, 24)}${tail}`
}

/** Of a message that the log tells of: it is one in each thread, also where a fork repeats it. */
export function messageId(thread: string, message: string): string {
  const hex = createHash('sha256').update(`${thread}/${message}`).digest('hex')
  const variant = ((Number.parseInt(hex[16] as string, 16) & 3) | 8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** The trace of a run that came through another dialect. */
export const traceOfRun = (run: string): string => run.replaceAll('-', '')

/** RFC 3339 with milliseconds. */
export const iso = (at: number): string => new Date(at).toISOString()

/** As events have it: without the zeros at the end of the fraction. */
export const shortIso = (at: number): string => iso(at).replace(/\.?0*Z$/, 'Z')
