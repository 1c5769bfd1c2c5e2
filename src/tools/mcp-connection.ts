/**
 * A line to one MCP server: opened when it is needed, shared by all who have the same server, closed
 * when nobody has used it for a while, opened again when it broke. It never holds a run up for longer
 * than its time limits.
 */

import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { CallToolResult, Tool as McpTool } from '@modelcontextprotocol/sdk/types.js'
import type { ToolServer } from '../kernel/agent.ts'
import { Fault } from '../kernel/fault.ts'
import type { Json } from '../kernel/part.ts'
import type { Runner, Talk } from '../kernel/workspace.ts'
import { fetchFrom } from './mcp-fetch.ts'
import { createProcessTransport } from './mcp-process.ts'
import { spawnServer } from './mcp-spawn.ts'

export interface ServerSettings {
  /** Starts the servers that are confined to a workspace. */
  runner: Pick<Runner, 'talk'>
  /** The environment of servers that are processes, besides what is configured for each. */
  serverEnv: Record<string, string>
  /** Where such servers are started. */
  serverFolder: string
  connectTimeoutMs: number
  callTimeoutMs: number
  idleMs: number
  /** How long a server that failed is not tried again. */
  retryMs: number
}

export interface Call {
  tool: string
  input: Record<string, Json>
  /** Same for every attempt at this call. */
  key: string
  signal: AbortSignal
  onProgress(text: string): void
}

export interface Connection {
  /** Fault `unavailable` when the server does not answer in time. */
  tools(): Promise<McpTool[]>
  call(call: Call): Promise<CallToolResult>
  close(): Promise<void>
}

interface Session {
  client: Client
  /** Null after the server said that its list has changed. */
  tools: McpTool[] | null
  end(): Promise<void>
}

const MAX_PAGES = 50

export function createConnection(server: ToolServer, settings: ServerSettings): Connection {
  let current: Promise<Session> | null = null
  let broken: { until: number; fault: Fault } | null = null
  let calls = 0
  let idle: NodeJS.Timeout | null = null

  const drop = async (): Promise<void> => {
    if (idle) clearTimeout(idle)
    idle = null
    const mine = current
    current = null
    const session = await mine?.catch(() => null)
    await session?.end()
  }
  const rest = (): void => {
    if (idle) clearTimeout(idle)
    idle = setTimeout(() => (calls === 0 ? void drop() : rest()), settings.idleMs)
    idle.unref()
  }
  const session = (): Promise<Session> => {
    rest()
    if (current) return current
    if (broken && broken.until > Date.now()) return Promise.reject(broken.fault)
    const opening = connect(server, settings, () => {
      if (current === opening) current = null
    })
    current = opening
    opening.then(
      () => {
        broken = null
      },
      (fault: Fault) => {
        if (current === opening) current = null
        broken = { until: Date.now() + settings.retryMs, fault }
      },
    )
    return opening
  }
  const attempt = async (call: Call): Promise<CallToolResult> => {
    const { client } = await unlessAborted(session(), call.signal)
    const { CallToolResultSchema, McpError } = await import('@modelcontextprotocol/sdk/types.js')
    const { tool: name, input, key } = call
    try {
      return await client.request(
        {
          method: 'tools/call',
          params: { name, arguments: input, _meta: { 'manifold/idempotency-key': key } },
        },
        CallToolResultSchema,
        {
          signal: call.signal,
          timeout: settings.callTimeoutMs,
          onprogress: ({ progress, total, message }) =>
            call.onProgress(message ?? `${progress}${total === undefined ? '' : ` of ${total}`}`),
        },
      )
    } catch (error) {
      // The server answered, or was not waited for: the line itself is sound.
      if (!(error instanceof McpError) && !call.signal.aborted) void drop()
      throw error
    }
  }
  return {
    async tools() {
      const open = await session()
      open.tools ??= await listed(open.client, settings.connectTimeoutMs).catch((error) => {
        void drop()
        throw faultOf(error, server, '')
      })
      return open.tools
    },
    async call(call) {
      calls++
      try {
        return await attempt(call).catch((error: unknown) => {
          // A server that does not know our session has done nothing.
          if ((error as { code?: unknown }).code !== 404 || call.signal.aborted) throw error
          return attempt(call)
        })
      } catch (error) {
        throw error instanceof Fault ? error : faultOf(error, server, '')
      } finally {
        calls--
        rest()
      }
    },
    close: drop,
  }
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new Fault('conflict', 'Cancelled.'))
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

async function connect(
  server: ToolServer,
  settings: ServerSettings,
  onLost: () => void,
): Promise<Session> {
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js')
  const { ToolListChangedNotificationSchema } = await import('@modelcontextprotocol/sdk/types.js')
  const line = await openLine(server, settings)
  const client = new Client({ name: 'manifold', version: '1' }, { capabilities: {} })
  const end = async (): Promise<void> => {
    await line.leave()
    await client.close().catch(() => {})
    await line.transport.close().catch(() => {})
  }
  const session: Session = { client, tools: null, end }
  client.onclose = onLost
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
    session.tools = null
  })
  const timeout = settings.connectTimeoutMs
  try {
    await within(timeout, async () => {
      await client.connect(line.transport, { timeout })
      session.tools = await listed(client, timeout)
    })
    return session
  } catch (error) {
    // Not waited for: a server that hangs in its start may hang in its end too.
    void end()
    throw faultOf(error, server, line.complaint())
  }
}

interface Line {
  transport: Transport
  complaint(): string
  /** Says goodbye, where the protocol has a word for it. */
  leave(): Promise<void>
}

async function openLine(server: ToolServer, settings: ServerSettings): Promise<Line> {
  if (server.transport === 'stdio') {
    const transport = await createProcessTransport(() => started(server, settings))
    return { transport, complaint: transport.complaint, leave: async () => {} }
  }
  const { StreamableHTTPClientTransport } = await import(
    '@modelcontextprotocol/sdk/client/streamableHttp.js'
  )
  if (!URL.canParse(server.url)) throw new Fault('invalid', 'Its url is no address.')
  const requestInit = { headers: server.headers }
  const transport = new StreamableHTTPClientTransport(new URL(server.url), {
    requestInit,
    fetch: fetchFrom,
  })
  return {
    transport,
    complaint: () => '',
    leave: () => within(1_000, () => transport.terminateSession()).catch(() => {}),
  }
}

type ProcessServer = Extract<ToolServer, { transport: 'stdio' }>

function started(server: ProcessServer, settings: ServerSettings): Promise<Talk> {
  const { command, args, env, confinedTo } = server
  if (confinedTo)
    return settings.runner.talk({ ...confinedTo, command: { file: command, args }, env })
  return spawnServer({
    command,
    args,
    env: { ...settings.serverEnv, ...env },
    cwd: settings.serverFolder,
  })
}

async function listed(client: Client, timeout: number): Promise<McpTool[]> {
  if (!client.getServerCapabilities()?.tools) return []
  const { ListToolsResultSchema } = await import('@modelcontextprotocol/sdk/types.js')
  const tools: McpTool[] = []
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const params = cursor === undefined ? {} : { cursor }
    const request = { method: 'tools/list' as const, params }
    const result = await client.request(request, ListToolsResultSchema, { timeout })
    tools.push(...result.tools)
    cursor = result.nextCursor
    if (cursor === undefined) break
  }
  return tools
}

async function within<T>(ms: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms)
  })
  try {
    return await Promise.race([work(), late])
  } finally {
    clearTimeout(timer)
  }
}

/** What a person can act on, without the secrets of the configuration. */
function faultOf(error: unknown, server: ToolServer, complaint: string): Fault {
  if (error instanceof Fault) return error
  const { message, cause } = error as { message?: string; cause?: { code?: string } }
  const lines = [message ?? String(error), cause?.code, complaint.split('\n').at(-1)]
  const said = lines.filter((line) => line).join('; ')
  return new Fault('unavailable', withoutSecrets(said, server).slice(0, 500))
}

function withoutSecrets(text: string, server: ToolServer): string {
  const secrets =
    server.transport === 'stdio'
      ? Object.values(server.env)
      : [...Object.values(server.headers), ...queryOf(server.url)]
  return secrets
    .flatMap((secret) => [secret, ...secret.split(' ')])
    .filter((secret) => secret.length >= 6)
    .reduce((safe, secret) => safe.replaceAll(secret, '***'), text)
}

const queryOf = (url: string): string[] =>
  URL.canParse(url) ? [...new URL(url).searchParams.values(), new URL(url).password] : []
