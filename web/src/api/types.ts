/**
 * What the native API answers, in the kernel's own types: the console knows nothing of the server but
 * its vocabulary.
 */

import type { AskBody, Event } from '../../../src/kernel/event.ts'
import type { InputPart } from '../../../src/kernel/part.ts'
import type { AskRow, RunRow, ThreadRow } from '../../../src/kernel/rows.ts'

export type {
  AskBody,
  AskedCall,
  Event,
  EventOf,
  EventType,
  Question,
  Ruling,
  RunKind,
  RunOutcome,
  Settled,
} from '../../../src/kernel/event.ts'
export type { InputPart, Json, Message, Outcome } from '../../../src/kernel/part.ts'
export type { RunStatus } from '../../../src/kernel/run.ts'
export type { Usage } from '../../../src/kernel/usage.ts'

export interface Page<T> {
  items: T[]
  total: number
  next: number | null
  /** Of lists that can be read on from a row, whatever comes in above it. */
  cursor?: string | null
}

export type ThreadSummary = Omit<
  ThreadRow,
  'account' | 'principal' | 'parentThread' | 'due' | 'wakeAt'
> & { parent: string | null }

export type RunView = Omit<RunRow, 'account' | 'principal' | 'troubleCode' | 'troubleMessage'> & {
  trouble: { code: string; message: string } | null
}

export type AskView = Omit<AskRow, 'account'>

export interface QueueEntry {
  run: string
  place: number
  kind: string
  input: InputPart[]
  agent: string | null
  model: string | null
  createdAt: number
}

export interface Receipt {
  thread: string
  run: string | null
  delivery: 'started' | 'queued' | 'steered' | 'done'
  position: number | null
  seq: number
  replayed: boolean
}

export interface AgentSummary {
  name: string
  about: string
  model: string | null
  revision: string
  isBuiltIn: boolean
}

export interface ModelView {
  id: string
  name: string
  provider: string
  contextWindow: number | null
  isUsable: boolean
  isDefault: boolean
}

export interface ModelList {
  items: ModelView[]
  preferred: string
}

export interface AgentList {
  items: AgentSummary[]
  problems: { file: string; problem: string }[]
}

export interface EventPage {
  items: Event[]
  next: number
  isComplete: boolean
}

/** What a person says to an ask. */
export interface AnswerBody {
  allow?: boolean
  rulings?: Record<string, { allow: boolean; reason?: string }>
  answer?: unknown
  limitUsd?: number
  reason?: string
  remember?: boolean
}

export type AskKind = AskBody['kind']
