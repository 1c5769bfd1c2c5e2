/** What every part of the engine works with. */

import { LOCAL_ACCOUNT } from '../kernel/accounts.ts'
import type { Agent } from '../kernel/agent.ts'
import type { Draft, EventOf } from '../kernel/event.ts'
import type { HookForm, PostHook } from '../kernel/hook.ts'
import type { Confinement, Grant } from '../kernel/policy.ts'
import type {
  Catalog,
  Endpoints,
  Models,
  Receipt,
  Request,
  SharedPolicy,
  Store,
  Tool,
  Toolbox,
  ToolFace,
} from '../kernel/ports.ts'
import type { Run } from '../kernel/run.ts'
import type { Thread } from '../kernel/thread.ts'
import type { Sandbox } from '../kernel/workspace.ts'
import type { Decision } from './batch.ts'
import type { LiveThread } from './live.ts'

export interface EngineSettings {
  /** Names this process among all that share the store. */
  worker: string
  /** The agent of threads that name none. */
  defaultAgent: string
  /** Absolute path of the folder that threads work in unless they say otherwise. */
  workspace: string
  leaseMs: number
  /** How often leases are renewed and due threads looked for. */
  pollMs: number
  /** How long `close` lets steps go on. */
  drainMs: number
  /** A thread that nobody used for that long leaves memory. */
  restMs: number
  /** Attempts at a turn that said nothing new. */
  maxAttempts: number
  /** First pause before another attempt; doubles up to 30 s. */
  retryMs: number
  /** Bytes of a tool's output that the log keeps and the model reads. */
  outputLimit: number
  /** Runs at work at the same time; more wait for their turn. */
  maxActive: number
  /** False: threads are moved on by other processes only. */
  drives: boolean
  /** Threads inside threads. */
  maxDepth: number
}

export const DEFAULT_SETTINGS: Omit<EngineSettings, 'worker' | 'workspace'> = {
  defaultAgent: 'assistant',
  leaseMs: 15_000,
  pollMs: 2_000,
  drainMs: 10_000,
  restMs: 60_000,
  maxAttempts: 6,
  retryMs: 500,
  outputLimit: 64 * 1024,
  maxActive: 5_000,
  drives: true,
  maxDepth: 4,
}

export interface EngineLog {
  warn(fields: Record<string, unknown>, text: string): void
  error(fields: Record<string, unknown>, text: string): void
}

export interface EngineDeps {
  store: Store
  models: Models
  toolbox: Toolbox
  catalog: Catalog
  endpoints: Endpoints
  sandbox: Sandbox
  /** Ways of speaking with hooks, beside the engine's own. */
  hookForms?: Record<string, HookForm>
  /** Absent: hooks that are services fail. */
  postHook?: PostHook
  /** Epoch milliseconds. */
  clock(): number
  /** A new UUIDv7. */
  newId(): string
  settings: EngineSettings
  log: EngineLog
}

/** The engine as its own steps see it. */
export interface Context extends EngineDeps {
  live(thread: string): Promise<LiveThread>
  submit(thread: string, request: Request): Promise<Receipt>
  /** Resolves when the run has ended, or the signal is aborted. */
  runEnded(thread: string, run: string, signal: AbortSignal): Promise<void>
  /** Told after a commit of the thread that changed what is asked there. Returns how to stop. */
  onAsks(thread: string, listener: (event: AskEvent) => void): () => void
  grants(agent: string): Promise<Grant[]>
}

/** A fact that says that somebody is asked, or no longer. */
export type AskEvent = EventOf<'ask.opened' | 'ask.settled' | 'child.asked' | 'child.settled'>

/** A step at work: on what, with what, and how it is stopped. */
export interface Work {
  live: LiveThread
  agent: Agent
  tools: Map<string, Tool>
  policy: SharedPolicy | null
  /** Aborted with one of these reasons: `cancel`, `limit`, `shutdown`, `lost`. */
  signal: AbortSignal
}

/** How commands are kept apart; null: as the server is set. A guest's run behind walls or not at all. */
export const confinementOf = ({ live, policy }: Work): Confinement | null =>
  policy?.confinement ?? (live.state.account === LOCAL_ACCOUNT ? null : GUEST)

const GUEST: Confinement = { network: false, readOnly: false, memoryBytes: null, timeoutMs: null }

export type AbortReason = 'cancel' | 'limit' | 'shutdown' | 'lost'

export const reasonOf = (signal: AbortSignal): AbortReason | null =>
  signal.aborted ? (signal.reason as AbortReason) : null

export const faces = (tools: Map<string, Tool>): ToolFace[] =>
  [...tools.values()].map(({ name, about, input }) => ({ name, about, input }))

/** For facts that begin something: in a run that is being cancelled nothing begins any more. */
export const unlessCancelled =
  (facts: (run: Run) => Draft[]): Decision =>
  (thread) => {
    const run = activeRun(thread)
    return run.cancelling ? [] : facts(run)
  }

/** Waits for all, also when one fails, so that nothing is at work any more; then fails as it did. */
export async function allDone(work: Promise<void>[]): Promise<void> {
  const ends = await Promise.allSettled(work)
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}

/** The active run; a bug when there is none, because every step but `start` has one. */
export function activeRun(thread: Thread): NonNullable<Thread['active']> {
  if (!thread.active) throw new Error(`thread ${thread.id} has no active run`)
  return thread.active
}
