/** An agent from a workspace's `agents/<name>.md`. Pure: the same texts make the same agent. */

import {
  type Agent,
  DEFAULT_COMPACTION,
  DEFAULT_LIMITS,
  type Skill,
  type ToolServer,
} from '../kernel/agent.ts'
import type { Hook } from '../kernel/hook.ts'
import { ASK_BEFORE_CHANGES } from '../kernel/policy.ts'
import { revisionOf } from './revision.ts'
import { NATIVE } from './workspace-native.ts'
import { composed, type Prompts } from './workspace-prompt.ts'
import { type Fields, fieldsAt, isFields, numberAt, textAt, wordsAt } from './workspace-yaml.ts'

export type AgentMode = 'primary' | 'subagent' | 'all'

export interface WorkspaceAgent {
  name: string
  mode: AgentMode
  about: string
  agent: Agent
}

/** What all agents of a workspace share. */
export interface Surroundings {
  /** Of the workspace; the agent's name inside begins with it. */
  id: string
  root: string
  agentsMd: string
  prompts: Prompts
  memory: string
  skills: Skill[]
  servers: Record<string, ToolServer>
  /** Names of tools that no agent gets, as globs. */
  denied: string[]
  hooks: Hook[]
  /** Those that models may run, each with its name. */
  actions: readonly { name: string }[]
  /** Names of all agents of the workspace. */
  agents: ReadonlySet<string>
  model(ref: unknown): ModelChoice
}

export interface ModelChoice {
  model: string | null
  /** Where it was found in the end: `platform/x` or `workspace/x`. */
  ref?: string
  temperature?: number
  topP?: number
  maxOutputTokens?: number
  problem?: string
}

export const insideName = (workspace: string, agent: string): string => `${workspace}.${agent}`

export function workspaceAgent(
  name: string,
  { head, body }: { head: Fields; body: string },
  around: Surroundings,
): { made: WorkspaceAgent; problems: string[] } {
  const problems: string[] = []
  const tools = fieldsAt(head, 'tools')
  const { problem, ref, ...model } = around.model(head.model)
  if (problem) problems.push(problem)
  const about = textAt(head, 'description') ?? ''
  const mode = modeOf(head.mode)
  const native = wordsAt(tools, 'native') ?? []
  const without = fieldsAt(head, 'disallowed')
  const not = (kind: string, fields = without) => wordsAt(fields, kind) ?? []
  const unknown = native.filter((tool) => !NATIVE[tool])
  if (unknown.length > 0) problems.push(`there is no native tool ${unknown.join(', ')}`)
  const isWanted = (kind: string, one: string, fields = without): boolean =>
    (wordsAt(tools, kind)?.includes(one) ?? true) && !not(kind, fields).includes(one)
  const named = (kind: string): string[] =>
    (wordsAt(head, kind) ?? []).map((name) =>
      around.agents.has(name) ? insideName(around.id, name) : name,
    )
  const barred = fieldsAt(without, 'tools')
  const deny = [...not('native', barred).flatMap((t) => NATIVE[t] ?? []), ...around.denied]
  const agent: Agent = {
    name: insideName(around.id, name),
    about,
    instructions: composed(around.prompts, {
      agent: wordsOf(head, body),
      agentsMd: around.agentsMd,
      memory: around.memory,
      modelRef: ref ?? null,
      model: model.model,
    }),
    ...model,
    tools: toolsOf(native, Object.keys(around.servers), deny),
    permissions: ASK_BEFORE_CHANGES,
    limits: limitsOf(fieldsAt(head, 'policy')),
    compaction: DEFAULT_COMPACTION,
    unknownOutcome: 'tell',
    askTimeoutMs: null,
    skills: around.skills.filter((s) => isWanted('skills', s.name)),
    servers: Object.fromEntries(
      Object.entries(around.servers).filter(([s]) => isWanted('external', s, barred)),
    ),
    children: named('subagents'),
    hooks: around.hooks,
    folder: around.root,
    revision: revisionOf([
      ...[around.id, name, body, around.agentsMd, around.memory],
      JSON.stringify([head, around.actions, around.skills, around.servers, around.prompts]),
      JSON.stringify([around.denied, around.hooks, model]),
    ]),
    extra: {
      mode,
      switch: named('switch'),
      actions: around.actions.filter((a) => isWanted('actions', a.name)),
    },
  }
  return { made: { name, mode, about, agent }, problems }
}

/**
 * Do what the API asks of actions, also of those that models may not run. No session has them. `safe`
 * has only those that may be run twice, so that after a crash they are.
 */
export const actionAgents = (id: string, root: string, around: ActionSurroundings) => ({
  any: actionAgent(insideName(id, '.actions'), root, around),
  safe: actionAgent(insideName(id, '.safe-actions'), root, {
    ...around,
    actions: around.actions.filter((a) => a.retryPolicy === 'safe'),
  }),
})

function actionAgent(name: string, root: string, around: ActionSurroundings): Agent {
  const { actions, hooks } = around
  return {
    name,
    about: 'Runs the actions of its workspace.',
    instructions: '',
    model: null,
    tools: { preset: 'none', allow: ['run_action'], deny: [] },
    permissions: ASK_BEFORE_CHANGES,
    limits: DEFAULT_LIMITS,
    compaction: DEFAULT_COMPACTION,
    unknownOutcome: 'tell',
    askTimeoutMs: null,
    skills: [],
    servers: {},
    children: [],
    hooks,
    folder: root,
    revision: revisionOf([name, JSON.stringify([actions, hooks])]),
    extra: { actions },
  }
}

interface ActionSurroundings {
  actions: readonly { name: string; retryPolicy: string | null }[]
  hooks: Hook[]
}

const modeOf = (value: unknown): AgentMode =>
  value === 'subagent' || value === 'all' ? value : 'primary'

function wordsOf(head: Fields, body: string): string {
  const reminder = textAt(head, 'system_reminder')?.trim()
  return reminder ? `${body}\n\n# Remember\n\n${reminder}` : body
}

/** Only what is named: an agent that names no native tools has none. */
const toolsOf = (native: string[], servers: string[], deny: string[]): Agent['tools'] => ({
  preset: 'none',
  allow: [
    ...native.flatMap((tool) => NATIVE[tool] ?? []),
    'skill',
    'task',
    'run_action',
    'switch_agent',
    ...servers.map((server) => `${server}__*`),
  ],
  deny,
})

function limitsOf(policy: Fields): Agent['limits'] {
  const turns = numberAt(policy, 'max_steps')
  const wallMs = millisecondsAt(policy, 'run_timeout_seconds')
  const toolMs = millisecondsAt(policy, 'tool_timeout_seconds')
  return {
    ...DEFAULT_LIMITS,
    ...(turns === undefined ? {} : { turns: Math.max(2, Math.floor(turns)) }),
    ...(wallMs === null ? {} : { wallMs }),
    ...(toolMs === null ? {} : { toolMs }),
  }
}

function millisecondsAt(fields: Fields, name: string): number | null {
  const seconds = numberAt(fields, name)
  return seconds === undefined || seconds <= 0 ? null : Math.ceil(seconds * 1000)
}

/** `platform/x`, `workspace/x`, an alias of the settings, or fields with one of them. */
export function modelChoice(
  value: unknown,
  aliases: Fields,
  workspaceModels: ReadonlyMap<string, string>,
): ModelChoice {
  const fields = isFields(value) ? value : {}
  const ref = typeof value === 'string' ? value : textAt(fields, 'model_ref', 'ref', 'name')
  const temperature = numberAt(fields, 'temperature')
  const topP = numberAt(fields, 'top_p')
  const maxOutputTokens = numberAt(fields, 'max_tokens')
  const own = {
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
  }
  if (ref === undefined) return { model: null, ...own }
  if (Object.hasOwn(aliases, ref) && aliases[ref] !== ref) {
    const { [ref]: meant, ...others } = aliases
    return { ...modelChoice(meant, others, workspaceModels), ...own }
  }
  if (ref.startsWith('workspace/')) {
    const model = workspaceModels.get(ref.slice('workspace/'.length))
    if (model !== undefined) return { model, ref, ...own }
    return { model: null, ...own, problem: `there is no model ${ref}` }
  }
  const name = ref.startsWith('platform/') ? ref.slice('platform/'.length) : ref
  if (name.includes(':')) return { model: name, ref: `platform/${name}`, ...own }
  const problem = `the model ${ref} is not one of provider:model; the server's default is used`
  return { model: null, ...own, problem }
}
