import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Agent, ToolServer } from '../kernel/agent.ts'
import type { Tool, ToolItem } from '../kernel/ports.ts'
import { createRunner, openWorkspace } from '../sandbox/index.ts'
import { anAgent, type Bench, collect, last, openBench } from './fixtures/bench.ts'
import { mcpName } from './mcp-tool.ts'

const sandbox = { runner: createRunner(), openWorkspace }

const SDK = new URL('../../node_modules/@modelcontextprotocol/sdk/dist/esm/', import.meta.url).href
const ZOD = new URL('../../node_modules/zod/index.js', import.meta.url).href

/** A server as people write them; it notes each of its starts in a file. */
const SERVER = `
import { appendFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { McpServer } from '${SDK}server/mcp.js'
import { StdioServerTransport } from '${SDK}server/stdio.js'
import { z } from '${ZOD}'
appendFileSync(process.argv[2], process.pid + '\\n')
console.log('a greeting that is no message')
const text = (text) => ({ content: [{ type: 'text', text }] })
const server = new McpServer({ name: 'test', version: '1' })
server.registerTool('add', { description: 'Adds', inputSchema: { a: z.number(), b: z.number() },
  annotations: { readOnlyHint: true } }, async ({ a, b }) => text(String(a + b)))
server.registerTool('env', { annotations: { idempotentHint: true } }, async () => text(JSON.stringify(process.env)))
server.registerTool('fail', {}, async () => ({ ...text('it broke'), isError: true }))
server.registerTool('key', {}, async (extra) => text(extra._meta['manifold/idempotency-key']))
server.registerTool('picture', {}, async () => ({ content: [
  { type: 'image', mimeType: 'image/png', data: 'AAAA' },
  { type: 'resource', resource: { uri: 'x://y', text: 'inner' } }] }))
server.registerTool('die', {}, async () => process.exit(3))
server.registerTool('nap', { inputSchema: { seconds: z.string() } }, ({ seconds }, extra) => new Promise((resolve) => {
  const child = spawn('sleep', [seconds])
  child.on('spawn', () => extra.sendNotification({ method: 'notifications/progress',
    params: { progressToken: extra._meta.progressToken, progress: 1, message: 'napping' } }))
  extra.signal.addEventListener('abort', () => { child.kill(); resolve(text('woken')) })
}))
server.registerTool('grow', {}, async () => {
  server.registerTool('grown', {}, async () => text('new'))
  return text('ok')
})
await server.connect(new StdioServerTransport())
`

let folder: string
let bench: Bench
let stdio: Extract<ToolServer, { transport: 'stdio' }>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'manifold-mcp-'))
  const script = join(folder, 'server.mjs')
  await writeFile(script, SERVER)
  const args = [script, join(folder, 'starts')]
  stdio = {
    transport: 'stdio',
    command: process.execPath,
    args,
    env: { TOKEN: 'configured-secret' },
  }
  bench = await openBench(sandbox)
})

afterEach(async () => {
  await bench.close()
  await rm(folder, { recursive: true, force: true })
})

const starts = async (): Promise<string[]> =>
  (await readFile(join(folder, 'starts'), 'utf8')).trim().split('\n')

const withServers = (servers: Agent['servers'], changes: Partial<Agent> = {}): Agent =>
  anAgent({ tools: { preset: 'none', allow: [], deny: [] }, servers, ...changes })

async function toolsOf(agent: Agent): Promise<Record<string, Tool>> {
  const { tools, problems } = await bench.toolbox.open(agent)
  expect(problems).toEqual([])
  return Object.fromEntries(tools.map((tool) => [tool.name, tool]))
}

async function said(tool: Tool | undefined, input = {}): Promise<string> {
  const item = last(await collect((tool as Tool).run(input, bench.context())))
  return `${item.kind}: ${item.output}`
}

const isNapping = (seconds: string): boolean =>
  readdirSync('/proc').some((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === `sleep\0${seconds}\0`
    } catch {
      return false
    }
  })

describe('a server that is a process', () => {
  test('gives its tools, with what they may touch, and their results as text', async () => {
    const tools = await toolsOf(withServers({ t: stdio }))
    expect(tools.t__add).toMatchObject({
      about: 'Adds',
      access: 'read',
      readOnly: true,
      replayable: true,
    })
    expect(tools.t__env).toMatchObject({ access: 'network', readOnly: false, replayable: true })
    expect(tools.t__fail).toMatchObject({ access: 'network', readOnly: false, replayable: false })
    expect(tools.t__add?.input).toMatchObject({ type: 'object', required: ['a', 'b'] })
    expect(await said(tools.t__add, { a: 1, b: 2 })).toBe('done: 3')
    expect(await said(tools.t__add, { a: 'x' })).toBe(
      "failed: The input is wrong. must have required property 'b'. a: must be number.",
    )
    expect(await said(tools.t__fail)).toBe('failed: it broke')
    expect(await said(tools.t__key)).toBe('done: key-1')
    expect(await said(tools.t__picture)).toBe('done: [image: image/png, 3 bytes, not shown]\ninner')
  })

  test('has a small environment and what is configured for it', async () => {
    const tools = await toolsOf(withServers({ t: stdio }))
    const environment = JSON.parse((await said(tools.t__env)).slice('done: '.length))
    expect(Object.keys(environment).sort()).toEqual(['HOME', 'LANG', 'PATH', 'TERM', 'TOKEN'])
    expect(environment.TOKEN).toBe('configured-secret')
  })

  test('is shared, honours allow and deny, and is not started when all is denied', async () => {
    const shut = withServers({ t: stdio }, { tools: { preset: 'full', allow: [], deny: ['t__*'] } })
    await toolsOf(shut)
    expect(existsSync(join(folder, 'starts'))).toBe(false)
    const [one, two] = await Promise.all([
      toolsOf(withServers({ t: stdio })),
      toolsOf(
        withServers(
          { u: { ...stdio, env: { ...stdio.env } } },
          { tools: { preset: 'none', allow: [], deny: ['u__[a]*', '*die'] } },
        ),
      ),
    ])
    expect(Object.keys(one)).toContain('t__die')
    expect(Object.keys(two)).not.toContain('u__die')
    expect(await starts()).toHaveLength(1)
  })

  test('is started again when it died', async () => {
    const agent = withServers({ t: stdio })
    const tools = await toolsOf(agent)
    expect(await said(tools.t__die)).toContain('failed: ')
    expect(await said(tools.t__add, { a: 2, b: 2 })).toBe('done: 4')
    expect(await starts()).toHaveLength(2)
  })

  test('tells its progress, and a call is cancelled by an abort', async () => {
    const seconds = `3${Math.floor(Math.random() * 1e9)}`
    const tools = await toolsOf(withServers({ t: stdio }))
    const controller = new AbortController()
    const items: ToolItem[] = []
    const context = bench.context({ signal: controller.signal })
    for await (const item of (tools.t__nap as Tool).run({ seconds }, context)) {
      items.push(item)
      if (item.kind !== 'progress') continue
      expect(isNapping(seconds)).toBe(true)
      controller.abort()
    }
    expect(items).toEqual([
      { kind: 'progress', text: 'napping\n' },
      { kind: 'failed', output: 'Cancelled.' },
    ])
    while (isNapping(seconds)) await sleep(10)
    expect(await said(tools.t__add, { a: 1, b: 1 })).toBe('done: 2')
    expect(await starts()).toHaveLength(1)
  })

  test('may change its list', async () => {
    const agent = withServers({ t: stdio })
    const tools = await toolsOf(agent)
    await said(tools.t__grow)
    while (!(await toolsOf(agent)).t__grown) await sleep(10)
    expect(await said((await toolsOf(agent)).t__grown)).toBe('done: new')
  })

  test('leaves when it is not used, with all it started, and comes back when it is', async () => {
    await bench.close()
    bench = await openBench({ ...sandbox, idleMs: 100 })
    const agent = withServers({ t: stdio })
    const tools = await toolsOf(agent)
    const [pid] = await starts()
    while (existsSync(`/proc/${pid}/exe`)) await sleep(10)
    expect(await said(tools.t__add, { a: 1, b: 1 })).toBe('done: 2')
    expect(await starts()).toHaveLength(2)
  })

  test('a call that takes too long fails', async () => {
    await bench.close()
    bench = await openBench({ ...sandbox, callTimeoutMs: 200 })
    const tools = await toolsOf(withServers({ t: stdio }))
    expect(await said(tools.t__nap, { seconds: '30' })).toMatch(/^failed: .*timed out/i)
    expect(await said(tools.t__add, { a: 1, b: 1 })).toBe('done: 2')
  })
})

describe('a server that does not work', () => {
  test('is a problem, does not harm the others, and does not tell secrets', async () => {
    await bench.close()
    // Long enough for the one that works, however busy the machine.
    bench = await openBench({ ...sandbox, connectTimeoutMs: 6_000 })
    const broken = (code: string): ToolServer => ({
      transport: 'stdio',
      command: process.execPath,
      args: ['-e', code],
      env: { TOKEN: 'configured-secret' },
    })
    const agent = withServers({
      t: stdio,
      missing: { transport: 'stdio', command: 'no-such-program', args: [], env: {} },
      dying: broken('console.error("bad token " + process.env.TOKEN); process.exit(1)'),
      hanging: broken('setInterval(() => {}, 1000)'),
      closed: {
        transport: 'http',
        url: 'http://127.0.0.1:9/mcp?key=configured-secret',
        headers: {},
      },
      wrong: { transport: 'http', url: 'nonsense', headers: {} },
    })
    const { tools, problems } = await bench.toolbox.open(agent)
    expect(problems).toHaveLength(5)
    for (const name of ['missing', 'dying', 'hanging', 'closed', 'wrong'])
      expect(problems.join('\n')).toContain(`The MCP server ${name} does not answer: `)
    expect(problems.join('\n')).toContain('bad token ***')
    expect(problems.join('\n')).not.toContain('configured-secret')
    expect(tools.map((t) => t.name)).toContain('t__add')
    // It is not waited for again at once.
    expect((await bench.toolbox.open(agent)).problems).toEqual(problems)
  })
})

describe('a server on the network', () => {
  let server: Server
  let url: string
  let sessions: Map<string, StreamableHTTPServerTransport>
  let seen: (string | undefined)[]

  beforeEach(async () => {
    sessions = new Map()
    seen = []
    server = createServer(async (request, response) => {
      seen.push(request.headers.authorization)
      const id = request.headers['mcp-session-id'] as string | undefined
      const known = id === undefined ? await opened() : sessions.get(id)
      if (known) await known.handleRequest(request, response)
      else response.writeHead(404).end('unknown session')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
  })

  afterEach(async () => {
    await bench.toolbox.close()
    server.closeAllConnections()
    server.close()
  })

  async function opened(): Promise<StreamableHTTPServerTransport> {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    })
    const mcp = new McpServer({ name: 'web', version: '1' })
    mcp.registerTool('greet.all', { inputSchema: { name: z.string() } }, async ({ name }) => ({
      content: [{ type: 'text', text: `Hello ${name}` }],
    }))
    await mcp.connect(transport)
    return transport
  }

  test('is called with its headers, gets a new session when it forgot the old, and a goodbye', async () => {
    const headers = { authorization: 'Bearer abcdefgh' }
    const tools = await toolsOf(withServers({ web: { transport: 'http', url, headers } }))
    const greet = tools.web__greet_all
    expect(await said(greet, { name: 'Ada' })).toBe('done: Hello Ada')
    expect(new Set(seen)).toEqual(new Set(['Bearer abcdefgh']))
    sessions.clear()
    expect(await said(greet, { name: 'Bob' })).toBe('done: Hello Bob')
    expect(sessions.size).toBe(1)
    await bench.toolbox.close()
    expect(sessions.size).toBe(0)
  })
})

test('headers go to the server they are for, and along no redirect to another', async () => {
  const seen: (string | undefined)[] = []
  const other = createServer((request, response) => {
    seen.push(request.headers['x-key'] as string | undefined)
    response.writeHead(404).end()
  })
  const first = createServer((request, response) => {
    const { port } = other.address() as AddressInfo
    const home = request.url === '/mcp'
    const location = home ? '/mcp/' : `http://127.0.0.1:${port}/mcp`
    response.writeHead(307, { location }).end()
  })
  for (const server of [first, other]) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  }
  const url = `http://127.0.0.1:${(first.address() as AddressInfo).port}/mcp`
  const headers = { 'x-key': 'abcdefgh' }
  const agent = withServers({ web: { transport: 'http', url, headers } })
  const { problems } = await bench.toolbox.open(agent)
  expect(problems.join()).toMatch(
    /redirects to http:\/\/127\.0\.0\.1:\d+\/mcp, which is not followed/,
  )
  expect(seen).toEqual([])
  for (const server of [first, other]) server.close()
})

test('names fit every provider and stay apart', () => {
  expect(mcpName('git hub', 'get.issue')).toBe('git_hub__get_issue')
  const [a, b] = [mcpName('s', `${'x'.repeat(80)}a`), mcpName('s', `${'x'.repeat(80)}b`)]
  expect(a).toHaveLength(64)
  expect(a).not.toBe(b)
})
