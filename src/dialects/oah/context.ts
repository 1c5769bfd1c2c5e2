/** What every route of this dialect works with. */

import type { Action } from '../../kernel/action.ts'
import type { Agent } from '../../kernel/agent.ts'
import type { Origin } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import type { Engine, Principal } from '../../kernel/ports.ts'
import type { Chronicles } from './chronicle.ts'
import type { Desk } from './permission.ts'
import type { SessionIndex } from './session-index.ts'
import type { Shelf } from './shelf.ts'

export interface OahSettings {
  version: string
  /** Epoch milliseconds. */
  startedAt: number
  now(): number
  /** Where workspaces are made, and where they are imported from. Absolute. */
  workspaces: string
  /** Templates, a folder each. Absolute. */
  runtimes: string
  /** The folder of threads that were opened without naming one. Absolute. */
  ownWorkspace: string
  /** Reads what workspaces declare; absent: only the server's own agents are there. */
  definitions?: Definitions
  /** What is wrong with an input for an action that asks for that form; null when nothing is. */
  inputProblem(schema: Json | null, input: Json): Promise<string | null>
}

/** What the files of a workspace say; kept up to date by whoever implements it. */
export interface Definitions {
  /** What is in force now. Never throws: what cannot be read is a problem of its own. */
  of(workspace: { id: string; root: string }): Promise<Definition>
  /** Adds to the tool servers that a folder declares; the folder need not be a workspace yet. */
  addToolServers(root: string, servers: Record<string, Record<string, Json>>): Promise<void>
  /** The workspace is gone. */
  forget(id: string): void
}

export interface Definition {
  agents: WorkspaceAgent[]
  /** Of `settings.yaml`. */
  defaultAgent: string | null
  models: WorkspaceModel[]
  actions: Action[]
  skills: { name: string; about: string; exposeToLlm: boolean }[]
  tools: { name: string; transportType: 'stdio' | 'http'; toolPrefix?: string }[]
  hooks: { name: string; matcher?: string; handlerType?: string; events: string[] }[]
  /** Run the actions, whoever leads a session; `safe` those that may be run twice. */
  actionAgents: { any: { name: string }; safe: { name: string } }
  problems: { file: string; problem: string }[]
}

export interface WorkspaceAgent {
  /** As the file names it. */
  name: string
  mode: AgentMode
  about: string
  /** As the catalog names it: unique over all workspaces. */
  agent: Agent
}

export type AgentMode = 'primary' | 'subagent' | 'all'

export interface WorkspaceModel {
  name: string
  provider: string
  modelName: string
  url?: string
  /** As the server names it: `provider:model`. */
  inside: string
}

export interface Context {
  engine: Engine
  settings: OahSettings
  shelf: Shelf
  sessions: SessionIndex
  chronicles: Chronicles
  desk: Desk
}

export const originOf = (principal: Principal, hints?: Json): Origin => ({
  dialect: 'oah',
  principal: principal.id,
  ...(hints === undefined ? {} : { hints }),
})

/** Who asks, as OAH calls them. */
export const subjectOf = (principal: string): string =>
  principal === 'local' ? 'standalone:anonymous' : principal
