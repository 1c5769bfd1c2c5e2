/** What every route of this dialect works with. */

import type { Caps } from '../../kernel/caps.ts'
import type { Origin } from '../../kernel/event.ts'
import type { Jobs } from '../../kernel/jobs.ts'
import type { Json } from '../../kernel/part.ts'
import type { Engine, Principal } from '../../kernel/ports.ts'
import type { Diary } from './diary.ts'
import type { Journal } from './journal.ts'

export interface ToolangSettings {
  caps: Caps
  jobs: Jobs
  /** Epoch milliseconds. */
  now(): number
  /** How commands are kept apart from the rest of the machine, and whether they are. */
  isolation(): Promise<{ mode: string; isolated: boolean }>
  /** The agent that this API speaks for. Default: `assistant`, else the first there is. */
  agent?: string
  /** The files that the agent works on for an account. */
  workspaceFor(account: string): string
  /** A Toolang root, where its own command line looks for agents; null: none is told. */
  root: string | null
  /** For what goes wrong when no client waits for an answer. */
  log: { error(fields: Record<string, unknown>, text: string): void }
  /** Origins of web pages that may read answers; globs. */
  origins?: string[]
}

export interface Context {
  engine: Engine
  settings: ToolangSettings
  journal: Journal
  diary: Diary
}

/** What only this dialect remembers of a thread. */
export interface ThreadHints {
  client?: string
  peer?: { type: string; name: string; thread: string | null }
}

/** What only this dialect remembers of an input. */
export interface InputHints {
  requestId?: string
  mode?: string
  /** The parts as they were given, where the kernel's say less. */
  parts?: Json[]
  meta?: { [key: string]: Json }
}

export const originOf = (principal: Principal, hints?: ThreadHints | InputHints): Origin => ({
  dialect: 'toolang',
  principal: principal.id,
  ...(hints === undefined || Object.keys(hints).length === 0
    ? {}
    : { hints: hints as unknown as Json }),
})

/** Hints of this dialect; those of others are theirs. */
export const hintsOf = <T extends object>(origin: Origin): Partial<T> =>
  origin.dialect === 'toolang' && typeof origin.hints === 'object' && origin.hints !== null
    ? (origin.hints as unknown as Partial<T>)
    : {}

/** The account whose things are listed. Nobody reaches across accounts, the machine's owner neither. */
export const accountOf = ({ account }: Principal): { account: string } => ({ account })

export const mayUse = ({ account }: Principal, owner: string): boolean => account === owner

/** Under this name the threads of this dialect find their policy. */
export const POLICY = 'toolang'

/** Whole seconds, as the real server tells time. */
export const second = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

export const secondOrNull = (ms: number | null): string | null => (ms === null ? null : second(ms))
