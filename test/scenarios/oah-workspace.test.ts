/** OAH's workspaces over real sockets: made, imported, listed, deleted; and what lasts over restarts. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isEnd, type Json, type OahServer, script, startOah } from './oah-server.ts'

let server: OahServer
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'manifold-oah-ws-'))
  server = await startOah({ world: { folder } })
})

afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

const restart = async (): Promise<void> => {
  await server.stop(false)
  server = await startOah({ world: { folder } })
}

const errorOf = ({ status, body }: { status: number; body: Json }) => [
  status,
  (body.error as Json | undefined)?.code,
]

describe('a workspace', () => {
  it('is made from a runtime, with what the request adds', async () => {
    mkdirSync(join(folder, 'runtimes/mini/.openharness'), { recursive: true })
    writeFileSync(join(folder, 'runtimes/mini/AGENTS.md'), '# Mini\n')
    const runtimes = await server.ask('GET', '/api/v1/runtimes')
    expect(runtimes.body).toEqual({ items: [{ name: 'mini' }, { name: 'workspace' }] })
    const { status, body } = await server.ask('POST', '/api/v1/workspaces', {
      name: 'extra',
      runtime: 'mini',
      unknownField: 1,
      agentsMd: '# More\n',
      ownerId: 'alice',
      serviceName: 'Acme',
      externalRef: 'ext-1',
      skills: [{ name: 's1', content: '---\nname: s1\ndescription: d\n---\nbody' }],
    })
    expect(status).toBe(201)
    expect(body).toEqual({
      id: expect.stringMatching(/^ws_[0-9a-f]{32}$/),
      externalRef: 'ext-1',
      ownerId: 'alice',
      name: 'extra',
      runtime: 'mini',
      serviceName: 'acme',
      rootPath: join(folder, 'workspaces', body.id as string),
      executionPolicy: 'local',
      status: 'active',
      kind: 'project',
      readOnly: false,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    })
    const root = body.rootPath as string
    expect(readFileSync(join(root, 'AGENTS.md'), 'utf8')).toBe('# Mini\n\n# More\n')
    expect(existsSync(join(root, '.openharness/skills/s1/SKILL.md'))).toBe(true)
  })

  it('keeps its id, names and sessions over a restart (fault 5)', async () => {
    const id = await server.newWorkspace({ name: 'Lasting', ownerId: 'bob', externalRef: 'x' })
    const before = (await server.ask('GET', `/api/v1/workspaces/${id}`)).body
    const session = await server.newSession(id, { title: 'Kept' })
    const { runId } = await server.say(session, 'hello')
    const told = await server.stream(session, isEnd(runId))
    const messages = (await server.ask('GET', `/api/v1/sessions/${session}/messages`)).body
    await restart()
    expect((await server.ask('GET', `/api/v1/workspaces/${id}`)).body).toEqual(before)
    const list = await server.ask<{ items: Json[] }>('GET', `/api/v1/workspaces/${id}/sessions`)
    expect(list.body.items).toMatchObject([{ id: session, workspaceId: id, title: 'Kept' }])
    expect((await server.ask('GET', `/api/v1/sessions/${session}/messages`)).body).toEqual(messages)
    expect(await server.stream(session, isEnd(runId))).toEqual(told)
  })

  it('goes with its folder and its sessions, and deleting it twice is no fault', async () => {
    const id = await server.newWorkspace()
    const session = await server.newSession(id)
    const root = join(folder, 'workspaces', id)
    for (let i = 0; i < 2; i++)
      expect((await server.ask('DELETE', `/api/v1/workspaces/${id}`)).status).toBe(204)
    expect(existsSync(root)).toBe(false)
    expect(errorOf(await server.ask('GET', `/api/v1/workspaces/${id}`))).toEqual([
      404,
      'workspace_not_found',
    ])
    expect((await server.ask('GET', `/api/v1/sessions/${session}`)).status).toBe(404)
  })

  it('is taken in from a folder of the right place only, and let go without being deleted', async () => {
    const root = join(folder, 'workspaces/import-me')
    mkdirSync(root, { recursive: true })
    const listed = await server.ask<{ items: Json[] }>('GET', '/api/v1/workspaces?pageSize=200')
    const adopted = listed.body.items.find((w) => w.name === 'import-me')
    expect(adopted?.id).toMatch(/^project_import-me_[0-9a-f]{10}$/)
    const { body } = await server.ask('POST', '/api/v1/workspaces/import', {
      rootPath: root,
      name: 'Imported',
    })
    expect(body).toMatchObject({ id: adopted?.id, name: 'Imported', rootPath: root })
    expect((await server.ask('DELETE', `/api/v1/workspaces/${body.id}`)).status).toBe(204)
    expect((await server.ask('GET', `/api/v1/workspaces/${body.id}`)).status).toBe(404)
    expect(existsSync(root)).toBe(true)
    const imports = (b: Json) => server.ask('POST', '/api/v1/workspaces/import', b)
    expect(errorOf(await imports({}))).toEqual([400, 'invalid_request'])
    for (const rootPath of ['/etc', folder, join(folder, 'workspaces'), `${root}/../../workspace`])
      expect(errorOf(await imports({ rootPath }))).toEqual([403, 'workspace_path_not_allowed'])
  })

  it('is refused in 4xx for what a client did wrong (fault 9)', async () => {
    const make = (body: unknown) => server.ask('POST', '/api/v1/workspaces', body)
    expect(errorOf(await make({ name: 'x' }))).toEqual([400, 'invalid_request'])
    expect(errorOf(await make('{bad'))).toEqual([400, 'invalid_request'])
    expect(errorOf(await make({ name: 'x', runtime: 'nope' }))).toEqual([404, 'runtime_not_found'])
    expect(errorOf(await make({ name: 'x', runtime: '../..' }))).toEqual([404, 'runtime_not_found'])
    expect(
      errorOf(
        await make({ name: 'x', runtime: 'workspace', skills: [{ name: '../x', content: '' }] }),
      ),
    ).toEqual([400, 'invalid_request'])
    expect(
      errorOf(await make({ name: 'x', runtime: 'workspace', rootPath: '/tmp/elsewhere' })),
    ).toEqual([403, 'workspace_path_not_allowed'])
    for (const size of ['0', '500', 'x'])
      expect(errorOf(await server.ask('GET', `/api/v1/workspaces?pageSize=${size}`))).toEqual([
        400,
        'invalid_request',
      ])
    const id = await server.newWorkspace()
    const begin = (body?: unknown) => server.ask('POST', `/api/v1/workspaces/${id}/sessions`, body)
    expect(errorOf(await begin())).toEqual([400, 'invalid_request'])
    expect(errorOf(await begin({ agentName: 'nobody' }))).toEqual([404, 'agent_not_found'])
    expect(errorOf(await begin({ modelRef: 'platform/none' }))).toEqual([404, 'model_not_found'])
    const session = await server.newSession(id)
    const say = (body: unknown) => server.ask('POST', `/api/v1/sessions/${session}/messages`, body)
    expect(errorOf(await say({}))).toEqual([400, 'invalid_request'])
    expect(errorOf(await say({ content: '   ' }))).toEqual([400, 'invalid_request'])
    expect(errorOf(await say({ content: 'x', runningRunBehavior: 'nope' }))).toEqual([
      400,
      'invalid_request',
    ])
    expect(errorOf(await say({ content: 'x'.repeat(17 * 1024 * 1024) }))).toEqual([
      413,
      'payload_too_large',
    ])
    const route = await server.ask('GET', '/oah/api/v1/nope')
    expect(route).toMatchObject({
      status: 404,
      body: { message: 'Route GET:/api/v1/nope not found', error: 'Not Found', statusCode: 404 },
    })
  })
})

describe('threads of other dialects', () => {
  it("are sessions of their folder's workspace, on the same run", async () => {
    const opened = await server.world.begin([[{ say: 'from elsewhere' }]])
    await server.world.ended(opened.thread)
    const all = await server.ask<{ items: Json[] }>('GET', '/api/v1/workspaces?pageSize=200')
    const own = all.body.items.find((w) => w.rootPath === server.world.files) as Json
    const list = await server.ask<{ items: Json[] }>('GET', `/api/v1/workspaces/${own.id}/sessions`)
    const session = list.body.items[0] as Json
    expect(session.id).toBe(`ses_${opened.thread.replaceAll('-', '')}`)
    const told = await server.stream(session.id as string, isEnd())
    expect(told.some((f) => f.event === 'message.completed')).toBe(true)
    expect(errorOf(await server.ask('DELETE', `/api/v1/workspaces/${own.id}`))).toEqual([
      403,
      'workspace_read_only',
    ])
  })
})

describe('the server', () => {
  it('says what it is', async () => {
    const own = ['/oah/', '/oah/docs', '/oah/metrics', '/oah/openapi.yaml', '/oah/healthz']
    for (const path of [...own, '/healthz', '/readyz', '/api/v1', '/api/v1/system/profile'])
      expect([path, (await server.ask('GET', path)).status]).toEqual([path, 200])
    const document = await server.ask<Json>('GET', '/oah/openapi.json')
    expect(Object.keys(document.body.paths as Json).length).toBeGreaterThan(50)
    const storage = await server.ask('GET', '/api/v1/storage/postgres/tables/runs?limit=50')
    expect(errorOf(storage)).toEqual([501, 'postgres_storage_unavailable'])
    const redis = await server.ask('GET', '/api/v1/storage/redis/keys')
    expect(errorOf(redis)).toEqual([501, 'redis_storage_unavailable'])
  })

  it('reads a message in time proportional to its length (fault 1)', async () => {
    const session = await server.newSession()
    const hard = [
      `look at ${'a/'.repeat(28)}`,
      '@a.b '.repeat(100_000),
      'x'.repeat(2 * 1024 * 1024),
      '@'.repeat(100_000),
    ]
    for (const text of hard) {
      const { runId } = await server.say(session, text)
      expect(await server.ended(runId as string)).toMatchObject({ status: 'completed' })
    }
  })

  it('is not poisoned by an attachment (fault 11)', async () => {
    const session = await server.newSession()
    const data = Buffer.from('just text').toString('base64')
    const first = await server.say(session, [
      { type: 'text', text: 'see @notes.md' },
      { type: 'file', data, filename: 'notes.md', mediaType: 'text/plain' },
    ])
    expect(await server.ended(first.runId as string)).toMatchObject({ status: 'completed' })
    const second = await server.say(session, 'and now?')
    expect(await server.ended(second.runId as string)).toMatchObject({ status: 'completed' })
    const image = await server.say(session, [
      { type: 'image', image: 'data:image/png;base64,iVBORw0KGgo=' },
    ])
    const { body } = await server.ask(
      'GET',
      `/api/v1/sessions/${session}/messages/${image.messageId}`,
    )
    expect(body.content).toEqual([{ type: 'image', image: 'iVBORw0KGgo=', mediaType: 'image/png' }])
    const told = await server.ask('GET', `/api/v1/sessions/${session}/messages/${first.messageId}`)
    expect(told.body.content).toEqual([
      { type: 'text', text: 'see @notes.md' },
      { type: 'file', data, filename: 'notes.md', mediaType: 'text/plain' },
    ])
  })

  it('takes attachments in each form, and no others', async () => {
    const session = await server.newSession()
    const post = (part: object) =>
      server.ask('POST', `/api/v1/sessions/${session}/messages`, { content: [part] })
    const text = { type: 'file', filename: 'a.txt', mediaType: 'text/plain' }
    for (const source of ['!!', 'data:foo', 'data:text/plain,%zz', 'data:;base64,%', 'https://']) {
      const message =
        'content.0: Attach it as base64, as a data: URL, or as an http or https address.'
      for (const part of [
        { ...text, data: source },
        { type: 'image', image: source },
      ])
        expect([source, await post(part)]).toMatchObject([
          source,
          { status: 400, body: { error: { code: 'invalid_request', message } } },
        ])
    }
    const content = [
      { ...text, data: 'data:text/plain,hi%20there' },
      { type: 'image', image: '_9j_\n4AAQ' },
      { type: 'image', image: 'https://example.com/a.webp' },
    ]
    const { messageId, runId } = await server.say(session, content)
    expect(await server.ended(runId as string)).toMatchObject({ status: 'completed' })
    const { body } = await server.ask('GET', `/api/v1/sessions/${session}/messages/${messageId}`)
    expect(body.content).toEqual([
      { ...text, data: Buffer.from('hi there').toString('base64') },
      { type: 'image', image: '/9j/4AAQ', mediaType: 'image/jpeg' },
      { type: 'image', image: 'https://example.com/a.webp', mediaType: 'image/png' },
    ])
  })

  it('reads the files of the workspace that a message names, and only those', async () => {
    const workspace = await server.newWorkspace()
    const put = (path: string, content: string) =>
      server.ask('PUT', `/api/v1/sandboxes/${workspace}/files/content`, { path, content })
    await put('notes/a.md', 'the notes')
    await put('pic.png', 'a picture')
    await put('binary.bin', 'a\0b')
    const session = await server.newSession(workspace)
    const text =
      'look at (pic.png), read @notes/a.md. and notes/a.md @binary.bin @../../x.md @none.md http://x.y/z.png'
    const { runId, messageId } = await server.say(session, text)
    await server.ended(runId as string)
    const path = `/api/v1/sessions/${session}/messages/${messageId}`
    expect((await server.ask('GET', path)).body.content).toBe(text)
    const uuid = String(session).slice(4)
    const thread = await server.world.engine.thread(
      uuid.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    )
    expect(thread.messages[0]?.parts).toEqual([
      { kind: 'text', text },
      { kind: 'image', media: 'image/png', data: Buffer.from('a picture').toString('base64') },
      { kind: 'text', text: '\n[file: notes/a.md]\nthe notes\n' },
    ])
  })

  it('asks nobody for what the sandbox holds, and otherwise says that the run waits', async () => {
    const session = await server.newSession()
    const { runId } = await server.say(
      session,
      script([{ call: 'write', input: { path: 'a.txt', content: 'x' } }], [{ say: 'Done.' }]),
    )
    const { isolated } = await server.world.engine.sandbox.runner.describe()
    if (isolated) {
      expect(await server.ended(runId as string)).toMatchObject({ status: 'completed' })
      return
    }
    const told = await server.stream(session, (f) => f.event === 'engine.log')
    expect(told.at(-1)?.data.message).toContain('The run waits for permission for Write.')
    const run = await server.ask('GET', `/api/v1/runs/${runId}`)
    expect(run.body.status).toBe('waiting_tool')
    const thread = (session as string).replace(
      /^ses_(.{8})(.{4})(.{4})(.{4})(.{12})$/,
      '$1-$2-$3-$4-$5',
    )
    const origin = { dialect: 'test', principal: 'local' }
    await server.world.submit(thread, { do: 'answer', allow: true, origin })
    expect(await server.ended(runId as string)).toMatchObject({ status: 'completed' })
  })
})

describe('the model runtime', () => {
  const ask = (kind: string, body: Json) => server.ask('POST', `/internal/v1/models/${kind}`, body)

  it('gives one answer, whole or as it is said', async () => {
    expect((await ask('generate', { prompt: 'hi' })).body).toEqual({
      model: 'scripted:test',
      text: 'You said: hi',
      content: [{ type: 'text', text: 'You said: hi' }],
      reasoning: [],
      finishReason: 'stop',
      usage: {
        inputTokens: 100,
        outputTokens: expect.any(Number),
        totalTokens: expect.any(Number),
      },
    })
    const said = [
      { role: 'system', content: 's' },
      { role: 'user', content: 'u' },
    ]
    const named = { model: 'platform/scripted:test', messages: said }
    expect((await ask('generate', named)).body).toMatchObject({ text: 'You said: u' })
    const stream = (await ask('stream', { prompt: 'hi' })) as { body: unknown }
    const lines = String(stream.body).split('\n\n').filter(Boolean)
    expect(lines[0]).toBe('event: response.started\ndata: {"model":"scripted:test"}')
    expect(lines.at(-1)).toBe(
      'event: response.completed\ndata: {"model":"scripted:test","finishReason":"stop"}',
    )
    expect(lines.slice(1, -1).every((l) => l.startsWith('event: text.delta\n'))).toBe(true)
  })

  it('refuses what it cannot do', async () => {
    expect(errorOf(await ask('generate', {}))).toEqual([400, 'invalid_request'])
    expect(errorOf(await ask('generate', { model: 'nope', prompt: 'x' }))).toEqual([
      404,
      'model_not_found',
    ])
    const failing = script([{ fail: 'unauthorized', message: 'bad key', status: 401 }])
    expect(errorOf(await ask('generate', { prompt: failing }))).toEqual([
      502,
      'model_stream_failed',
    ])
    const { body } = (await ask('stream', { model: 'nope', prompt: 'x' })) as { body: unknown }
    expect(body).toBe(
      'event: response.failed\ndata: {"model":"nope","message":"Model nope was not found."}\n\n',
    )
  })

  it('lists models and tells when they change', async () => {
    const models = await server.ask<{ items: Json[] }>('GET', '/api/v1/platform-models')
    expect(models.body.items.find((m) => m.isDefault)).toMatchObject({ id: 'scripted:test' })
    const providers = await server.ask<{ items: Json[] }>('GET', '/api/v1/model-providers')
    expect(providers.body.items.map((p) => p.id)).toEqual(['openai', 'openai-compatible'])
    const stop = new AbortController()
    const path = `${server.url}/api/v1/platform-models/events`
    const response = await fetch(path, { signal: stop.signal })
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    let text = ''
    while (!text.includes('platform-models.snapshot\ndata: {"revision":'))
      text += new TextDecoder().decode((await reader.read()).value)
    expect(text.startsWith(': connected\n\n')).toBe(true)
    stop.abort()
  })
})
