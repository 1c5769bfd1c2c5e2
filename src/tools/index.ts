/** Which tools an agent has: the built-in ones by its preset, and those of its MCP servers. */

import { homedir } from 'node:os'
import type { Agent, ToolChoice, ToolServer } from '../kernel/agent.ts'
import { isFault } from '../kernel/fault.ts'
import { globMatches } from '../kernel/policy.ts'
import type { Tool, Toolbox } from '../kernel/ports.ts'
import type { Sandbox } from '../kernel/workspace.ts'
import { createAskUser } from './ask-user.ts'
import { createEdit } from './edit.ts'
import { createGlob } from './glob.ts'
import { createGrep } from './grep.ts'
import { createList } from './list.ts'
import { type Connection, createConnection, type ServerSettings } from './mcp-connection.ts'
import { createMcpTool } from './mcp-tool.ts'
import { createRead } from './read.ts'
import { actionsOf, createRunAction } from './run-action.ts'
import { createShell } from './shell.ts'
import { createSkill } from './skill.ts'
import { createSwitchAgent, successorsOf } from './switch-agent.ts'
import { createTask } from './task.ts'
import { createTodo } from './todo.ts'
import { createWebFetch, type FetchSettings } from './web-fetch.ts'
import { createWrite } from './write.ts'

export type ToolboxSettings = Sandbox & FetchSettings & Partial<ServerSettings>

const READONLY = ['read', 'list', 'glob', 'grep', 'skill']
const CODING = [...READONLY, 'write', 'edit', 'shell', 'todo', 'ask_user']

const PRESETS: Record<Exclude<ToolChoice['preset'], 'full'>, readonly string[]> = {
  coding: CODING,
  readonly: READONLY,
  none: [],
}

const DEFAULTS: Omit<ServerSettings, 'serverFolder' | 'runner'> = {
  serverEnv: {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
    TERM: 'dumb',
  },
  connectTimeoutMs: 10_000,
  callTimeoutMs: 60_000,
  idleMs: 300_000,
  retryMs: 30_000,
}

export function createToolbox(settings: ToolboxSettings): Toolbox {
  const home = homedir()
  const servers: ServerSettings = {
    runner: settings.runner,
    serverEnv: { ...DEFAULTS.serverEnv, HOME: home, ...settings.serverEnv },
    serverFolder: settings.serverFolder ?? home,
    connectTimeoutMs: settings.connectTimeoutMs ?? DEFAULTS.connectTimeoutMs,
    callTimeoutMs: settings.callTimeoutMs ?? DEFAULTS.callTimeoutMs,
    idleMs: settings.idleMs ?? DEFAULTS.idleMs,
    retryMs: settings.retryMs ?? DEFAULTS.retryMs,
  }
  const plain = [
    createRead(settings),
    createWrite(settings),
    createEdit(settings),
    createList(settings),
    createGlob(settings),
    createGrep(settings),
    createShell(settings),
    createWebFetch(settings),
    createAskUser(),
    createTodo(),
  ]
  const connections = new Map<string, Connection>()
  const connectionTo = (server: ToolServer): Connection => {
    const key = stable(server)
    const known = connections.get(key) ?? createConnection(server, servers)
    connections.set(key, known)
    return known
  }
  // An agent that is changed is another object, so what was made for one stays true.
  const made = new WeakMap<Agent, Tool[]>()
  const builtInOf = (agent: Agent): Tool[] => {
    const known = made.get(agent)
    if (known) return known
    const all = [...plain, ...ofAgent(agent, settings)]
    const chosen = all.filter((tool) => isChosen(agent, tool.name))
    made.set(agent, chosen)
    return chosen
  }
  return {
    async open(agent) {
      const builtIn = builtInOf(agent)
      const wanted = Object.entries(agent.servers).filter(([name]) => !isShutOut(agent, name))
      const opened = await Promise.all(
        wanted.map(([name, server]) => ofServer(name, server, connectionTo(server))),
      )
      const tools = new Map(builtIn.map((tool) => [tool.name, tool]))
      const problems = opened.flatMap((o) => o.problems)
      for (const tool of opened.flatMap((o) => o.tools)) {
        if (tools.has(tool.name)) problems.push(`There are two tools with the name ${tool.name}.`)
        else if (!isDenied(agent, tool.name)) tools.set(tool.name, tool)
      }
      return { tools: [...tools.values()], problems }
    },
    reap: (mark) => settings.runner.reap(mark),
    async close() {
      await Promise.all([...connections.values()].map((connection) => connection.close()))
      connections.clear()
    },
  }
}

/** Tools that are made for one agent, and that not every agent can have. */
function ofAgent(agent: Agent, sandbox: Sandbox): Tool[] {
  const tools: Tool[] = []
  if (agent.children === null || agent.children.length > 0) tools.push(createTask(agent))
  if (agent.skills.length > 0) tools.push(createSkill(agent, sandbox))
  if (actionsOf(agent).length > 0) tools.push(createRunAction(agent, sandbox))
  if (successorsOf(agent).length > 0) tools.push(createSwitchAgent(agent))
  return tools
}

function isChosen(agent: Agent, name: string): boolean {
  if (isDenied(agent, name)) return false
  const { preset, allow } = agent.tools
  const isPreset = preset === 'full' || PRESETS[preset].includes(name)
  return isPreset || allow.some((glob) => globMatches(glob, name))
}

const isDenied = (agent: Agent, name: string): boolean =>
  agent.tools.deny.some((glob) => globMatches(glob, name))

/** A server none of whose tools may be used is not started. */
const isShutOut = (agent: Agent, server: string): boolean =>
  agent.tools.deny.some((glob) => glob === '*' || glob === `${server}__*`)

async function ofServer(
  name: string,
  { only }: ToolServer,
  connection: Connection,
): Promise<{ tools: Tool[]; problems: string[] }> {
  try {
    const all = await connection.tools()
    const tools = only ? all.filter((tool) => only.includes(tool.name)) : all
    return { tools: tools.map((tool) => createMcpTool(name, tool, connection)), problems: [] }
  } catch (error) {
    const why = isFault(error) ? error.message : 'it failed in a way that was not expected'
    return { tools: [], problems: [`The MCP server ${name} does not answer: ${why}`] }
  }
}

/** The same for the same server, in whatever order its fields are. */
function stable(server: ToolServer): string {
  const sorted = (record: Record<string, string>): [string, string][] =>
    Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify(
    server.transport === 'stdio'
      ? [server.command, server.args, sorted(server.env), server.confinedTo ?? null]
      : [server.url, sorted(server.headers)],
  )
}
