/** A command that a workspace declares under a name, for agents, people and programs to call. */

import type { Json } from './part.ts'

export interface Action {
  name: string
  about: string
  exposeToLlm: boolean
  callableByUser: boolean
  callableByApi: boolean
  retryPolicy: 'manual' | 'safe' | null
  inputSchema: Json | null
  command: string
  environment: Record<string, string>
  cwd: string | null
  timeoutMs: number | null
}
