/** What every route of this dialect works with. */

import type { Accounts, Actor } from '../../kernel/accounts.ts'
import type { Engine } from '../../kernel/ports.ts'
import type { Call } from '../../wire/dialect.ts'
import { createHintBook, type HintBook } from './run-hints.ts'
import { createTurns, type Turns } from './turns.ts'

export interface ArkloopSettings {
  version: string
  newId(): string
  /** Epoch milliseconds. */
  now(): number
  /**
   * The folder that an account's threads work in, made when there is none; absent: the server's own.
   * Accounts that share a folder can read each other's files.
   */
  workspaceFor?(account: string): string
  /** What an agent's file says, as it is written; null when nothing answers to the name. */
  source(agent: string): Promise<{ config: Record<string, unknown> } | null>
  /** How many runs of an account may go on at once; null: any number. */
  maxConcurrentRuns?: number | null
  /** Origins of web pages that may read answers; globs. Default: pages served from this machine. */
  origins?: string[]
}

export interface Context {
  engine: Engine
  accounts: Accounts
  settings: ArkloopSettings
  /** What must not happen twice at the same time, by name. */
  turns: Turns
  hints: HintBook
}

export const createContext = (
  engine: Engine,
  accounts: Accounts,
  settings: ArkloopSettings,
): Context => ({
  engine,
  accounts,
  settings,
  turns: createTurns(),
  hints: createHintBook(engine),
})

/** A request that has been let in and whose form is right. */
export interface Asked<Query = unknown, Body = unknown>
  extends Omit<Call<Record<string, string>, Query, Body>, 'principal'> {
  actor: Actor
  trace: string
}
