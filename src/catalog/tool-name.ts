/**
 * Which tools an agent's file asks for. Ownware's names of tools are understood as ours, and its
 * `allow` is a filter: what is not in it goes. Reading it as anything wider would hand out tools.
 */

import type { ToolChoice } from '../kernel/agent.ts'
import { globMatches } from '../kernel/policy.ts'

const OURS: Record<string, string> = {
  readFile: 'read',
  writeFile: 'write',
  editFile: 'edit',
  listFiles: 'list',
  shell_execute: 'shell',
  todo_write: 'todo',
  agent_spawn: 'task',
}

const READERS = ['read', 'list', 'glob', 'grep', 'skill']
const PRESETS: Record<'coding' | 'readonly', string[]> = {
  readonly: READERS,
  coding: [...READERS, 'write', 'edit', 'shell', 'todo', 'ask_user'],
}
const BUILT_IN = [...PRESETS.coding, 'web_fetch', 'task']

/** The globs over our tool names that say what a glob over Ownware's names says. */
export function toolGlobs(glob: string): string[] {
  const own = Object.hasOwn(OURS, glob) ? OURS[glob] : undefined
  if (own !== undefined) return [own]
  if (glob.startsWith('mcp__')) return [serverGlob(glob.slice('mcp__'.length))]
  if (!glob.includes('*')) return [glob]
  const renamed = Object.entries(OURS)
    .filter(([theirs, ours]) => globMatches(glob, theirs) && !globMatches(glob, ours))
    .map(([, ours]) => ours)
  return [glob, ...renamed]
}

/** A tool of a server is `<server>__<tool>` here. */
const serverGlob = (rest: string): string =>
  rest.includes('__') || !rest.endsWith('*') ? rest : `${rest}__*`

interface Asked {
  preset?: 'full' | 'coding' | 'readonly' | 'none'
  allow?: string[]
  deny?: string[]
}

export function toolChoice({ preset = 'full', allow = [], deny = [] }: Asked): ToolChoice {
  const denied = deny.flatMap(toolGlobs)
  if (allow.length === 0) return { preset, allow: [], deny: denied }
  const wanted = allow.flatMap(toolGlobs)
  const kept = preset === 'full' || preset === 'none' ? wanted : narrowed(PRESETS[preset], wanted)
  // Without it the agent could not read its own skills.
  return { preset: 'none', allow: [...new Set([...kept, 'skill'])], deny: denied }
}

/** What remains of a small preset. Globs that name no built-in tool can only mean servers' tools. */
function narrowed(preset: string[], wanted: string[]): string[] {
  const kept = preset.filter((name) => wanted.some((glob) => globMatches(glob, name)))
  const foreign = wanted.filter((glob) => !BUILT_IN.some((name) => globMatches(glob, name)))
  return [...kept, ...foreign]
}

/** May tools of this server remain? Their names are not known before the server was asked. */
export function mayUseServer(server: string, allow: readonly string[] = []): boolean {
  const head = `${server}__`
  return (
    allow.length === 0 ||
    allow.flatMap(toolGlobs).some((glob) => {
      const [fixed = '', ...rest] = glob.split('*')
      return fixed.startsWith(head) || (rest.length > 0 && head.startsWith(fixed))
    })
  )
}
