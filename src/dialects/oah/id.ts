/**
 * How ids look here: a prefix and 32 hex digits. A message or step has no id inside; its id is that of
 * its run with the last eight digits replaced by its place in it, so it can be computed anywhere.
 */

import { dress, undress } from '../../kernel/id.ts'

export const sessionId = (uuid: string): string => dress('ses_', uuid)
export const runId = (uuid: string): string => dress('run_', uuid)
export const sessionUuid = (text: string): string | null => undress('ses_', text)
export const runUuid = (text: string): string | null => undress('run_', text)

/** Also malformed ids with our prefix are ours, so that they are refused in our words. */
export const hasPrefix = (prefix: string, text: string | undefined): boolean =>
  text?.startsWith(prefix) ?? false

/** The last eight digits of a UUIDv7 are random, and no two of this server agree in all others. */
const within = (prefix: string, uuid: string, place: number): string =>
  `${dress(prefix, uuid).slice(0, prefix.length + 24)}${place.toString(16).padStart(8, '0')}`

/** What a person said to begin a run; for a steering message, the id is that of the message. */
export const inputMessageId = (uuid: string): string => within('msg_', uuid, 0)

/** Of a turn: slot 0 is what was said, then call and result of each call in turn. */
export const turnMessageId = (run: string, turn: number, slot: number): string =>
  within('msg_', run, ((turn + 1) << 12) + Math.min(slot, 0xfff))

export const callMessageId = (run: string, turn: number, index: number): string =>
  turnMessageId(run, turn, 1 + 2 * index)

export const resultMessageId = (run: string, turn: number, index: number): string =>
  turnMessageId(run, turn, 2 + 2 * index)

/** What a forked session begins with. */
export const historyMessageId = (thread: string, index: number): string =>
  within('msg_', thread, index)

/** A compaction leaves two messages. */
export const boundaryMessageId = (run: string, count: number): string =>
  within('msg_', run, 1 + 2 * count)
export const summaryMessageId = (run: string, count: number): string =>
  within('msg_', run, 2 + 2 * count)

export const stepId = (run: string, seq: number): string => within('step_', run, seq)

export const WORKSPACE_ID = /^(ws_[0-9a-f]{32}|project_[a-z0-9-]{1,64}_[0-9a-f]{10})$/

export const isWorkspaceId = (text: string | undefined): boolean =>
  hasPrefix('ws_', text) || hasPrefix('project_', text)
