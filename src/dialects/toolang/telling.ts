/** What the projection remembers of a thread between two facts: where its numbers are, and what is open. */

import type { RunKind } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import type { Usage } from '../../kernel/usage.ts'
import type { ThreadKind } from './id.ts'
import type { Part } from './parts.ts'

/** One event of a run, with its place in the run and in the thread. */
export interface Told {
  /** Place in the thread. */
  cursor: number
  run: string
  /** Place in the run; 0 for what only the thread tells. */
  runCursor: number
  /** Of the kernel's fact, and the place among all that the fact makes told. */
  seq: number
  index: number
  at: number
  type: string
  payload: Record<string, Json>
}

export interface Telling {
  thread: string
  kind: ThreadKind
  /** Of the last event. */
  cursor: number
  /** Runs that wait or go on. */
  runs: Record<string, RunTelling>
}

export interface RunTelling {
  kind: RunKind
  cursor: number
  parts: Part[]
  meta: { [key: string]: Json }
  requestId: string | null
  createdAt: number
  /** How many inputs there were: the start, steers and stops. */
  inputs: number
  /** Index of the last step. */
  step: number
  /** What the next model step reads. */
  reads: Json[]
  /** The model step whose answer or tools go on. */
  model: ModelStep | null
  /** Tool steps that go on, by call. */
  tools: Record<string, { step: number; startedAt: number }>
  error: string | null
}

export interface ModelStep {
  step: number
  startedAt: number
  model: string
  instructions: string
  /** In the order in which they were begun; voided ones stay, so that indices do. */
  parts: OpenPart[]
  thinking: string
  usage: Usage
  isOpen: boolean
}

export interface OpenPart {
  /** The kernel's index. */
  part: number
  body: { kind: 'text'; text: string } | { kind: 'call'; call: string; tool: string; input: Json }
  isVoid: boolean
}

export const emptyTelling = (thread: string): Telling => ({
  thread,
  kind: 'chat',
  cursor: 0,
  runs: {},
})

export const STATUS = { completed: 'finished', failed: 'failed', cancelled: 'canceled' } as const

export const originOfKind = (kind: ThreadKind): 'chat' | 'task' | 'chore' =>
  kind === 'task' || kind === 'chore' ? kind : 'chat'
