/** Agents as the native API tells them. */

export type Verdict = 'allow' | 'ask' | 'deny'

export interface Agent {
  name: string
  about: string
  model: string | null
  tools: { preset: string; allow: string[]; deny: string[] }
  permissions: {
    rules: { tool: string; pattern?: string; verdict: Verdict }[]
    otherwise: Record<string, Verdict>
  }
  limits: { turns: number; wallMs: number; tokens: number | null; costUsd: number | null }
  skills: { name: string; about: string }[]
  servers: { name: string; transport: string }[]
  hooks?: { name: string; moments: string[]; tools: string[] }[]
  children: string[] | null
  folder: string | null
  revision: string
}

export interface AgentSource {
  name: string
  config: Record<string, unknown>
  instructions: string
  isWritable: boolean
  revision: string | null
  problems: string[]
}

export interface Grant {
  tool: string
  pattern: string | null
}

export interface Check {
  model: string
  ok: boolean
  text: string
  trouble: { code: string; message: string } | null
  durationMs: number
}

export interface Capability {
  kind: 'prompt' | 'psyche' | 'service' | 'skill'
  name: string
  visibility: 'private' | 'shared'
  about: string | null
  form: 'file' | 'wired'
  ref: string | null
  definedIn: string
  content: string
  problem: string | null
}
