/**
 * The MCP servers an agent's file names. Secrets stand in the environment, not in the file:
 * `${env:NAME}` in a value of `env` or `headers` is replaced, and nothing else is. Problems name
 * the variable, never its value.
 */

import type { ToolServer } from '../kernel/agent.ts'
import type { ServerEntry } from './agent-file.ts'

/** The value of an environment variable that an agent's file refers to; null when it is not set. */
export type Secret = (name: string) => string | null

export interface Servers {
  servers: Record<string, ToolServer>
  problems: string[]
}

export function toolServers(entries: Record<string, ServerEntry>, secret: Secret): Servers {
  const problems: string[] = []
  const servers = Object.entries(entries).flatMap(([name, entry]): [string, ToolServer][] => {
    const resolve = (values: Record<string, string> | undefined) =>
      filled(values ?? {}, secret, (problem) => problems.push(`mcp.${name}: ${problem}`))
    const read = toolServer(entry, resolve)
    if (typeof read !== 'string') return [[name, read]]
    problems.push(`mcp.${name}: ${read}; the server is left out`)
    return []
  })
  return { servers: Object.fromEntries(servers), problems }
}

type Resolve = (values: Record<string, string> | undefined) => Record<string, string> | null

/** The server, or why there is none. */
function toolServer(entry: ServerEntry, resolve: Resolve): ToolServer | string {
  const transport = entry.transport ?? (entry.command === undefined ? 'http' : 'stdio')
  if (transport === 'websocket') return 'the websocket transport is not spoken here'
  if (transport === 'stdio') {
    if (entry.command === undefined) return 'a stdio server needs a command'
    const env = resolve(entry.env)
    if (!env) return 'a variable is missing'
    return { transport: 'stdio', command: entry.command, args: entry.args ?? [], env }
  }
  if (entry.url === undefined || !/^https?:/i.test(entry.url))
    return `a ${transport} server needs a url that begins with http:// or https://`
  const headers = resolve(entry.headers)
  if (!headers) return 'a variable is missing'
  return { transport: 'http', url: entry.url, headers }
}

/** The values with their variables put in; null when one of them is not set. */
function filled(
  values: Record<string, string>,
  secret: Secret,
  report: (problem: string) => void,
): Record<string, string> | null {
  let isWhole = true
  const entries = Object.entries(values).map(([key, value]): [string, string] => {
    const plain = /\$\{([A-Za-z_]\w*)\}/.exec(value)?.[1]
    if (plain !== undefined)
      report(
        `\${${plain}} in ${key} is passed on as it stands; write \${env:${plain}} to put it in`,
      )
    const text = value.replace(/\$\{env:([A-Za-z_]\w*)\}/g, (_, name: string) => {
      const found = secret(name)
      if (found !== null) return found
      isWhole = false
      report(`the environment variable ${name} is not set`)
      return ''
    })
    return [key, text]
  })
  return isWhole ? Object.fromEntries(entries) : null
}
