/**
 * MCP servers that a workspace brings along. One that is a command runs behind the walls of the
 * workspace, because whoever may write here says what it does.
 */

import { join } from 'node:path'
import type { ToolServer } from '../kernel/agent.ts'
import { HOME, NAME, type Reader, textsIn } from './workspace-reader.ts'
import { type Fields, fieldsAt, isFields, readYaml, textAt, wordsAt } from './workspace-yaml.ts'

export interface ShownTool {
  name: string
  transportType: 'stdio' | 'http'
  toolPrefix?: string
}

export interface WorkspaceTools {
  shown: ShownTool[]
  servers: Record<string, ToolServer>
  /** Names of tools that no agent gets, as globs. */
  denied: string[]
}

export async function readTools(reader: Reader, root: string): Promise<WorkspaceTools> {
  const path = `${HOME}/tools/settings.yaml`
  const report = reader.reportOn(path)
  const fields = (await readYaml(reader.folder, path, report)) ?? {}
  const found: WorkspaceTools = { shown: [], servers: {}, denied: [] }
  for (const [name, entry] of Object.entries(fields)) {
    if (!isFields(entry) || entry.enabled === false) continue
    const toolPrefix = textAt(fieldsAt(entry, 'expose'), 'tool_prefix')
    const transportType = textAt(entry, 'url') === undefined ? 'stdio' : 'http'
    found.shown.push({ name, transportType, ...(toolPrefix === undefined ? {} : { toolPrefix }) })
    const server = NAME.test(name) ? serverIn(entry, root) : 'its name is not right'
    if (typeof server === 'string') report(`${name}: ${server}`)
    else found.servers[name] = server
    const without = wordsAt(fieldsAt(entry, 'expose'), 'exclude') ?? []
    found.denied.push(...without.map((tool) => `${name}__${tool}`))
  }
  return found
}

/** The server, or why there is none. */
function serverIn(entry: Fields, root: string): ToolServer | string {
  const url = textAt(entry, 'url')
  const command = textAt(entry, 'command')
  const include = wordsAt(fieldsAt(entry, 'expose'), 'include')
  const only = include === undefined ? {} : { only: include }
  if (url !== undefined) {
    if (!/^https?:\/\//i.test(url)) return 'its url must begin with http:// or https://'
    return { transport: 'http', url, headers: textsIn(fieldsAt(entry, 'headers')), ...only }
  }
  if (command === undefined) return 'needs a command or a url'
  return {
    transport: 'stdio',
    command: '/bin/sh',
    args: ['-c', `exec ${command}`],
    env: textsIn(fieldsAt(entry, 'environment')),
    confinedTo: { root, cwd: join(root, HOME, 'tools') },
    ...only,
  }
}
