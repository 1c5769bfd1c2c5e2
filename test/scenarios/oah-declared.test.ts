/** What a workspace declares beyond its agents: shared prompts, memory, models and tool servers. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRunner, openWorkspace } from '../../src/sandbox/index.ts'
import { createToolbox } from '../../src/tools/index.ts'
import { isEnd, type Json, type OahServer, script, startOah } from './oah-server.ts'

/** An MCP server in a few lines: behind the walls there is nothing but what lies in the workspace. */
const SERVER = `
const { appendFileSync, existsSync } = require('node:fs')
appendFileSync('starts', process.pid + '\\n')
const tool = (name) => ({ name, inputSchema: { type: 'object' } })
const results = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'own', version: '1' } }),
  'tools/list': () => ({ tools: [tool('look'), tool('secret'), tool('unlisted')] }),
  'tools/call': ({ arguments: { path } }) => ({ content: [{ type: 'text', text: JSON.stringify({
    sees: existsSync(path), token: process.env.TOKEN, leaked: process.env.MANIFOLD_LEAK ?? null,
    cwd: process.cwd() }) }] }),
}
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  const result = results[method]?.(params ?? {}) ?? {}
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n')
})
`

const FILES: Record<string, string> = {
  'AGENTS.md': 'RULES OF THE HOUSE\n',
  '.openharness/prompts.yaml': [
    'base: {inline: "BASE WORDS"}',
    'llm_optimized:',
    '  providers: {scripted: {inline: "PROVIDER WORDS"}}',
    '  models: {"platform/scripted:quick": {file: ./.openharness/prompts/quick.md}}',
    'compose: {order: [project_agents_md, base, agent]}',
  ].join('\n'),
  '.openharness/prompts/quick.md': 'QUICK WORDS\n',
  '.openharness/settings.yaml':
    'default_agent: build\nengine: {workspace_memory: {enabled: true}}\n',
  '.openharness/memory/MEMORY.md': 'REMEMBERED WORDS\n',
  '.openharness/agents/build.md': 'BUILD WORDS\n',
  '.openharness/agents/quick.md': '---\nmodel: platform/scripted:quick\n---\nQUICK AGENT\n',
  '.openharness/agents/bare.md':
    '---\ndisallowed: {skills: [greeter], tools: {external: [own]}}\n---\nBARE AGENT\n',
  '.openharness/skills/greeter/SKILL.md':
    '---\nname: greeter\ndescription: Greets.\n---\nSay hi.\n',
  '.openharness/models/m.yaml':
    'Mine: {provider: openai-compatible, name: m-1, url: "http://127.0.0.1:9/v1", key: k}\n',
  '.openharness/tools/settings.yaml': [
    'own:',
    '  command: node ./servers/own/index.cjs',
    '  environment: {TOKEN: configured}',
    '  expose: {include: [look, secret], exclude: [secret]}',
    'broken:',
    '  command: exit 3',
  ].join('\n'),
  '.openharness/tools/servers/own/index.cjs': SERVER,
}

let server: OahServer
let folder: string
let id: string
let root: string

beforeAll(async () => {
  process.env.MANIFOLD_LEAK = 'leaked'
  folder = mkdtempSync(join(tmpdir(), 'manifold-oah-declared-'))
  for (const [path, text] of Object.entries(FILES)) {
    const file = join(folder, 'runtimes/mini', path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  const wrapToolbox = () =>
    createToolbox({ runner: createRunner(), openWorkspace, idleMs: 200, retryMs: 0 })
  server = await startOah({ world: { folder, wrapToolbox } })
  id = await server.newWorkspace({ runtime: 'mini' })
  root = join(folder, 'workspaces', id)
})

afterAll(async () => {
  delete process.env.MANIFOLD_LEAK
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function modelCall(run: unknown): Promise<{ request: Json; runtime: Json }> {
  await server.ended(run as string)
  const { body } = await server.ask<{ items: Json[] }>('GET', `/api/v1/runs/${run}/steps`)
  const step = body.items.find((s) => s.stepType === 'model_call') as Json
  return step.input as { request: Json; runtime: Json }
}

async function systemOf(agentName: string): Promise<string> {
  const session = await server.newSession(id, { agentName })
  const { runId } = await server.say(session, 'hello')
  const { request } = await modelCall(runId)
  return (request.messages as Json[])[0]?.content as string
}

const inOrder = (text: string, words: string[]): boolean =>
  words.map((w) => text.indexOf(w)).every((at, i, all) => at >= 0 && at > (all[i - 1] ?? -1))

describe('prompts', () => {
  it('are composed in the order of the workspace, with what it remembers', async () => {
    const text = await systemOf('build')
    const words = ['RULES OF THE HOUSE', 'BASE WORDS', 'BUILD WORDS', 'REMEMBERED WORDS']
    expect([text, inOrder(text, words)]).toEqual([text, true])
    expect(text).not.toContain('PROVIDER WORDS')
  })

  it('may be for one model or for all of a provider', async () => {
    const text = await systemOf('quick')
    expect(text).toContain('QUICK WORDS')
    expect(text).not.toContain('PROVIDER WORDS')
  })

  it('leave out the skills that an agent may not have', async () => {
    expect(await systemOf('build')).toContain('greeter')
    expect(await systemOf('bare')).not.toContain('greeter')
  })
})

describe('models of a workspace', () => {
  it('are chosen by their ref, shown by it, and unknown elsewhere', async () => {
    const session = await server.newSession(id, { modelRef: 'workspace/Mine' })
    const path = `/api/v1/sessions/${session}`
    const { body } = await server.ask('GET', path)
    expect(String(body.modelRef).toLowerCase()).toBe('workspace/mine')
    const patched = await server.ask('PATCH', path, { modelRef: 'platform/scripted:other' })
    expect(patched.body.modelRef).toBe('platform/scripted:other')
    const again = await server.ask('PATCH', path, { modelRef: body.modelRef })
    expect(again.body.modelRef).toBe(body.modelRef)
    const other = await server.newWorkspace()
    const refused = await server.ask('POST', `/api/v1/workspaces/${other}/sessions`, {
      modelRef: 'workspace/Mine',
    })
    expect([refused.status, (refused.body.error as Json).code]).toEqual([404, 'model_not_found'])
    const platform = await server.ask('GET', '/api/v1/platform-models')
    expect(JSON.stringify(platform.body)).not.toContain(id)
  })
})

describe('tool servers that are commands', () => {
  const call = { call: 'own__look', input: { path: '/etc/hostname' } }

  it('start when they are needed, see only the workspace, and leave when nobody calls', async () => {
    const before = { call: 'own__look', input: { path: join(folder, 'runtimes') } }
    const session = await server.newSession(id)
    const { runId } = await server.say(session, script([call, before], [{ say: 'Done.' }]))
    const { isolated } = await server.world.engine.sandbox.runner.describe()
    if (!isolated) {
      const told = await server.stream(session, (f) => f.event === 'engine.log')
      expect(told.at(-1)?.data.message).toContain('permission')
      return
    }
    const told = await server.stream(session, isEnd(runId))
    const outputs = told.filter((f) => f.event === 'tool.completed').map((f) => f.data)
    expect(outputs.map((o) => o.toolName)).toEqual(['own.look', 'own.look'])
    const [, second] = outputs.map((o) => JSON.parse(o.output as string) as Json)
    expect(second).toMatchObject({ sees: false, token: 'configured', leaked: null })
    expect(second?.cwd).toBe(join(root, '.openharness/tools'))
    const starts = () => readFileSync(join(root, '.openharness/tools/starts'), 'utf8').split('\n')
    const count = starts().length
    // Behind the walls numbers of processes are their own: the command line tells them.
    while (await isRunning(root)) await new Promise((resolve) => setTimeout(resolve, 20))
    await server.ended(
      (await server.say(session, script([call], [{ say: 'Again.' }]))).runId as string,
    )
    expect(starts().length).toBeGreaterThan(count)
  })

  it('give only the tools they expose, and a broken one harms nothing', async () => {
    const session = await server.newSession(id)
    const calls = ['own__secret', 'own__unlisted'].map((name) => ({ call: name, input: {} }))
    const { runId } = await server.say(session, script(calls, [{ say: 'Done.' }]))
    const told = await server.stream(session, isEnd(runId))
    const results = told.filter((f) => f.data.resultType === 'error').map((f) => f.data.toolName)
    expect(results.sort()).toEqual(['own.secret', 'own.unlisted'])
    expect(told.some((f) => f.event === 'tool.started')).toBe(false)
    expect((await modelCall(runId)).runtime.toolServers).toEqual(['own', 'broken'])
    const bare = await server.newSession(id, { agentName: 'bare' })
    const second = await modelCall((await server.say(bare, 'hello')).runId)
    expect(second.runtime.toolServers).toEqual(['broken'])
  })
})

/** Whether a process of this workspace's tool server is there. */
async function isRunning(where: string): Promise<boolean> {
  const { readdir, readFile } = await import('node:fs/promises')
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  )
  return lines.some((line) => line.includes(where) && line.includes('index.cjs'))
}
