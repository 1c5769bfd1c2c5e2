/** Tools and agents under the names that OAH has for them. */

import type { Json } from '../../kernel/part.ts'
import { type ActionHint, actionCallId } from './action.ts'

const NAMES: Record<string, string> = {
  shell: 'Bash',
  read: 'Read',
  write: 'Write',
  edit: 'Edit',
  glob: 'Glob',
  grep: 'Grep',
  list: 'List',
  web_fetch: 'WebFetch',
  todo: 'TodoWrite',
  ask_user: 'AskUser',
  skill: 'Skill',
  task: 'SubAgent',
  switch_agent: 'AgentSwitch',
}

/** The tools of OAH that there are here, in its order. */
export const NATIVE_TOOLS = [
  'Bash',
  'Read',
  'Write',
  'Edit',
  'Glob',
  'Grep',
  'WebFetch',
  'TodoWrite',
]

/** What OAH calls the fields of its tools, where ours have another name. */
const FIELDS: Record<string, Record<string, string>> = {
  read: { path: 'file_path' },
  write: { path: 'file_path' },
  edit: { path: 'file_path', old: 'old_string', new: 'new_string', all: 'replace_all' },
  shell: { timeoutMs: 'timeout' },
  grep: { ignoreCase: '-i' },
  skill: { name: 'skill', file: 'resource_path' },
  task: { name: 'description', agent: 'subagent_name' },
  switch_agent: { agent: 'to' },
}

/** Items of a list of things to do; OAH's have a second text that says it as something going on. */
function todos(items: Json): Json {
  if (!Array.isArray(items)) return items
  return items.map((item) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return item
    const { text: content = null, status = null, ...rest } = item
    return {
      content,
      status: status === 'done' ? 'completed' : status,
      activeForm: content,
      ...rest,
    }
  })
}

/** The input of a call as OAH's clients show it; what is not ours stays as the model wrote it. */
export function toolInput(tool: string, input: Json): Json {
  if (tool === 'todo' && typeof input === 'object' && input !== null && !Array.isArray(input)) {
    const { items = null, ...rest } = input
    return { todos: todos(items), ...rest }
  }
  const fields = FIELDS[tool]
  if (!fields || typeof input !== 'object' || input === null || Array.isArray(input)) return input
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => [
      fields[name] ?? name,
      name === 'agent' && typeof value === 'string' ? agentName(value) : value,
    ]),
  )
}

function insideTodos(shown: Json): Json {
  if (typeof shown !== 'object' || shown === null || Array.isArray(shown)) return shown
  const { todos: list, ...rest } = shown
  if (!Array.isArray(list)) return shown
  const items = list.map((item) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return item
    const { content: text = null, status = null } = item
    return { text, status: status === 'completed' ? 'done' : status }
  })
  return { items, ...rest }
}

/** The inverse: the input as the tool wants it. */
export function insideInput(tool: string, shown: Json): Json {
  if (tool === 'todo') return insideTodos(shown)
  const names = Object.entries(FIELDS[tool] ?? {}).map(([own, oah]) => [oah, own])
  const inside = Object.fromEntries(names) as Record<string, string>
  if (typeof shown !== 'object' || shown === null || Array.isArray(shown)) return shown
  return Object.fromEntries(
    Object.entries(shown).map(([name, value]) => [inside[name] ?? name, value]),
  )
}

const SAFE = new Set(['read', 'glob', 'grep', 'list', 'web_fetch'])

/** `shell` is `Bash`; a tool of an MCP server `s__t` is `s.t`. */
export const toolName = (tool: string): string => NAMES[tool] ?? tool.replace('__', '.')

export function toolSource(tool: string): { sourceType: string; retryPolicy: string } {
  const retryPolicy = SAFE.has(tool) ? 'safe' : 'manual'
  if (tool === 'run_action') return { sourceType: 'action', retryPolicy }
  if (tool === 'task' || tool === 'switch_agent') return { sourceType: 'agent', retryPolicy }
  if (tool === 'skill') return { sourceType: 'skill', retryPolicy }
  return { sourceType: tool in NAMES ? 'native' : 'tool', retryPolicy }
}

/** `ws_<hex>.build` is `build` in its workspace. */
export const agentName = (name: string): string =>
  name.replace(/^(ws_[0-9a-f]{32}|project_[a-z0-9-]{1,64}_[0-9a-f]{10})\./, '')

export interface ShownCall {
  toolCallId: string
  toolName: string
  sourceType: string
  retryPolicy: string
  input: Json
}

/** A call as OAH tells it. A run that is an action is told as a call of that action itself. */
export function shownCall(
  call: { call: string; tool: string; input: Json },
  of: { run: string; action: ActionHint } | null = null,
): ShownCall {
  if (of === null) {
    const { tool } = call
    const facts = { toolCallId: call.call, toolName: toolName(tool), ...toolSource(tool) }
    return { ...facts, input: toolInput(tool, call.input) }
  }
  const { name, retryPolicy, input } = of.action
  const toolCallId = actionCallId(of.run, name)
  return { toolCallId, toolName: name, sourceType: 'action', retryPolicy, input }
}
