/** Hooks of a workspace that are services: what they are told, and what they can do. */

import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { isEnd, type Json, type OahServer, script, startOah, type Told } from './oah-server.ts'

interface Asked {
  method: string | undefined
  headers: IncomingHttpHeaders
  body: Json
}

let folder: string
let server: OahServer
let workspace: string
let service: Server
let asked: Asked[]
let status: number
let answer: string | null

beforeAll(async () => {
  service = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Json
    asked.push({ method: request.method, headers: request.headers, body })
    if (answer !== null) response.writeHead(status, { location: '/elsewhere' }).end(answer)
  })
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/check`
  folder = mkdtempSync(join(tmpdir(), 'manifold-oah-services-'))
  const root = join(folder, 'runtimes', 'asking', '.openharness')
  for (const name of ['agents', 'hooks']) mkdirSync(join(root, name), { recursive: true })
  writeFileSync(join(root, 'settings.yaml'), 'default_agent: build\n')
  writeFileSync(join(root, 'agents/build.md'), '---\ntools: {native: [Write, Read]}\n---\nBuild.\n')
  writeFileSync(
    join(root, 'hooks/check.yaml'),
    `name: check\nevents: [before_tool_dispatch]\nmatcher: Write\ncapabilities: [rewrite_tool_request]
handler: {type: http, url: "${url}", timeout_seconds: 2, headers: {Authorization: Bearer x}}\n`,
  )
  server = await startOah({ world: { folder } })
  workspace = await server.newWorkspace({ runtime: 'asking' })
})

afterAll(async () => {
  await server.stop()
  service.closeAllConnections()
  service.close()
  rmSync(folder, { recursive: true, force: true })
})

beforeEach(() => {
  asked = []
  status = 200
})

async function write(): Promise<{ told: Told[]; session: string; runId: string }> {
  const session = await server.newSession(workspace)
  const call = { call: 'write', input: { path: 'a.txt', content: 'x' } }
  const { runId } = await server.say(session, script([call], [{ say: 'Done.' }]))
  return { told: await server.stream(session, isEnd(runId)), session, runId: runId as string }
}

const find = (told: Told[], event: string) => told.find((f) => f.event === event)?.data

it('is told what goes on, and changes the call', async () => {
  const patch = { tool_input: { file_path: 'b.txt', content: 'y' } }
  answer = JSON.stringify({ hookSpecificOutput: { patch } })
  const { told, session, runId } = await write()
  expect(asked).toHaveLength(1)
  expect(asked[0]).toMatchObject({
    method: 'POST',
    headers: { authorization: 'Bearer x', 'content-type': 'application/json' },
    body: {
      workspace_id: workspace,
      session_id: session,
      hook_event_name: 'before_tool_dispatch',
      tool_name: 'Write',
      tool_input: { file_path: 'a.txt', content: 'x' },
    },
  })
  expect(find(told, 'tool.started')?.input).toEqual(patch.tool_input)
  const steps = await server.ask<{ items: Json[] }>('GET', `/api/v1/runs/${runId}/steps`)
  expect(steps.body.items.find((s) => s.stepType === 'hook')).toMatchObject({
    ...{ name: 'check', status: 'completed' },
    input: { handlerType: 'http' },
  })
})

it('stops the call', async () => {
  answer = JSON.stringify({ decision: 'block', reason: 'not today' })
  const { told } = await write()
  expect(find(told, 'tool.failed')).toMatchObject({
    errorCode: 'hook_blocked',
    errorMessage: 'not today',
  })
  expect(told.at(-1)?.event).toBe('run.completed')
})

it.each([
  ['answers with an error', 503, 'closed', 'Its service answered 503. closed'],
  ['points elsewhere', 302, '', 'Its service answered 302.'],
  ['does not answer in time', 200, null, /^127\.0\.0\.1:\d+ took longer than 2 s\.$/],
])('stops nothing when it %s', async (_, code, text, problem) => {
  status = code
  answer = text
  const { told } = await write()
  expect(asked).toHaveLength(1)
  expect(find(told, 'hook.notice')).toMatchObject({
    ...{ hookName: 'check', eventName: 'before_tool_dispatch', handlerType: 'http' },
    errorCode: 'hook_execution_failed',
    errorMessage: typeof problem === 'string' ? problem : expect.stringMatching(problem),
  })
  expect(find(told, 'tool.completed')).toBeDefined()
})

it('is listed', async () => {
  const { body } = await server.ask('GET', `/api/v1/workspaces/${workspace}/catalog`)
  expect(body.hooks).toEqual([
    {
      ...{ name: 'check', matcher: 'Write', handlerType: 'http' },
      events: ['before_tool_dispatch'],
    },
  ])
})
