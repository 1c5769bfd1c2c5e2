/** Clotho's REST API over real sockets: both families of paths, statuses, shapes and texts. */

import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import {
  approve,
  type Gateway,
  request,
  run,
  says,
  script,
  shell,
  startGateway,
} from './clotho-gateway.ts'

const open: Gateway[] = []
const start = async (settings = {}): Promise<Gateway> => {
  const gateway = await startGateway(settings)
  open.push(gateway)
  return gateway
}

afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.stop()
})

const NOBODY = '00000000-0000-4000-8000-000000000000'

describe('the door', () => {
  test('health is public; everything else wants the token, in exactly one form', async () => {
    const { url, token, ask } = await start()
    const knock = (authorization?: string) =>
      request(`${url}/api/chats`, {
        method: 'GET',
        headers: authorization === undefined ? {} : { authorization },
      })
    expect((await request(`${url}/health`, { method: 'GET', headers: {} })).body).toEqual({
      status: 'ok',
      active_sessions: expect.any(Number),
    })
    const missing = { detail: 'Missing or invalid Authorization header' }
    const invalid = { detail: 'Invalid token' }
    expect(await knock()).toMatchObject({ status: 401, body: missing })
    expect(await knock('Basic abc')).toMatchObject({ status: 401, body: missing })
    expect(await knock(`bearer ${token}`)).toMatchObject({ status: 401, body: missing })
    expect(await knock('Bearer nope')).toMatchObject({ status: 401, body: invalid })
    expect(await knock('Bearer ')).toMatchObject({ status: 401, body: invalid })
    expect(await knock('Bearer \u00e9\u00ff')).toMatchObject({ status: 401, body: invalid })
    expect((await ask('GET', '/api/chats')).status).toBe(200)
    const nope = await request(`${url}/api/nope`, { method: 'GET', headers: {} })
    expect(nope).toMatchObject({ status: 404, body: { detail: 'Not Found' } })
    const slash = await fetch(`${url}/clotho/api/chats/?a=1`, {
      method: 'POST',
      redirect: 'manual',
    })
    expect([slash.status, slash.headers.get('location')]).toEqual([
      307,
      `${url}/clotho/api/chats?a=1`,
    ])
    expect(await ask('GET', '/api/chats/')).toMatchObject({ status: 200 })
    expect(await ask('PATCH', '/api/chats')).toMatchObject({
      status: 405,
      body: { detail: 'Method Not Allowed' },
    })
  })

  test('the token is kept from others, rotates at once, and is never logged', async () => {
    const { world, token, ask, newChat, connect, logged } = await start()
    const file = join(world.folder, 'clotho.json')
    expect(token).toMatch(/^clo_[0-9a-f]{64}$/)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    await connect(await newChat())
    writeFileSync(file, JSON.stringify({ api_token: 'clo_new' }))
    expect((await ask('GET', '/api/chats')).status).toBe(401)
    const authorization = 'Bearer clo_new'
    expect((await ask('GET', '/api/chats', undefined, { authorization })).status).toBe(200)
    writeFileSync(file, 'not json')
    expect((await ask('GET', '/api/chats', undefined, { authorization })).status).toBe(401)
    expect(logged.join()).not.toContain(token)
  })

  test('the token of an installed Clotho is taken too, and its file left alone', async () => {
    const home = join((await start()).world.folder, 'home')
    mkdirSync(home)
    const text = JSON.stringify({ api_token: 'clo_theirs', permissions: {} })
    writeFileSync(join(home, 'config.json'), text)
    const { ask } = await start({ clothoHome: home })
    const authorization = 'Bearer clo_theirs'
    expect((await ask('GET', '/api/chats', undefined, { authorization })).status).toBe(200)
    expect((await ask('GET', '/api/chats')).status).toBe(200)
    expect(readFileSync(join(home, 'config.json'), 'utf8')).toBe(text)
  })
})

describe('chats', () => {
  test('made, listed, read, deleted; threads of other dialects are chats too', async () => {
    const { ask, connect, newChat } = await start()
    const made = await ask('POST', '/api/chats')
    expect(made).toMatchObject({ status: 201, body: { chat_id: expect.any(String) } })
    const begun = await ask('POST', '/manifold/v1/runs', { input: script(says('Elsewhere.')) })
    const other = (begun.body as { thread: string }).thread
    const listed = (await ask('GET', '/api/chats')).body as { chats: { chat_id: string }[] }
    expect(listed.chats.map((c) => c.chat_id)).toContain(other)
    const chat = await newChat()
    const client = await connect(chat)
    const prompt = script([{ say: 'Let me. ' }, shell('echo hi', 'a')], says('Done.'))
    client.send(run(prompt))
    await client.until('agent.tool_request')
    client.send(approve(true))
    await client.until('agent.turn_complete')
    const read = await ask('GET', `/api/chats/${chat.toUpperCase().replaceAll('-', '')}`)
    const { turns } = read.body as { turns: Record<string, unknown>[] }
    expect(turns[0]).toMatchObject({
      role: 'system',
      content: expect.stringContaining('workspace'),
    })
    expect(turns.slice(1)).toEqual([
      { role: 'user', content: prompt },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Let me. ' },
          { type: 'tool_use', id: 'a', name: 'bash', arguments: { command: 'echo hi' } },
        ],
        model: 'test',
        stop_reason: 'tool_use',
        usage: { input_tokens: 100, output_tokens: expect.any(Number) },
      },
      {
        role: 'tool',
        content: [
          {
            type: 'tool_result',
            tool_use_id: 'a',
            tool_name: 'bash',
            content: expect.stringContaining('hi'),
            is_error: false,
          },
        ],
      },
      {
        role: 'assistant',
        content: 'Done.',
        model: 'test',
        stop_reason: 'end_turn',
        usage: { input_tokens: 100, output_tokens: 1 },
      },
    ])
    for (let n = 0; n < 2; n++)
      expect(await ask('DELETE', `/api/chats/${chat}`)).toMatchObject({
        status: 200,
        body: { deleted: true },
      })
    expect(await ask('GET', `/api/chats/${chat}`)).toMatchObject({
      status: 404,
      body: { detail: 'Chat not found' },
    })
  })

  test('an id that is none is told in the words of the real validator', async () => {
    const { ask } = await start()
    const words = async (id: string) =>
      ((await ask('GET', `/api/chats/${id}`)).body as { message: string }).message
    expect(await ask('DELETE', '/api/chats/abc')).toMatchObject({
      status: 422,
      body: {
        error: 'ValidationError',
        message:
          'path -> chat_id: Input should be a valid UUID, invalid length: expected length 32 for simple format, found 3',
      },
    })
    expect(await words('nope')).toContain('found `n` at 1')
    expect(await words('ab-cd')).toContain('invalid group count: expected 5, found 2')
    expect(await words('0-0-0-0-0')).toContain(
      'invalid group length in group 0: expected 8, found 1',
    )
  })

  test('cancel and panic, also when nothing runs, and not for a chat that is none', async () => {
    const { ask, newChat, connect } = await start()
    const chat = await newChat()
    expect((await ask('POST', `/api/chats/${chat}/cancel`)).body).toEqual({ cancelled: true })
    expect((await ask('POST', `/api/chats/${chat}/panic`)).body).toEqual({ panicked: true })
    for (const verb of ['cancel', 'panic'])
      expect(await ask('POST', `/api/chats/${NOBODY}/${verb}`)).toMatchObject({
        status: 404,
        body: { detail: 'Session not active' },
      })
    const client = await connect(chat)
    client.send(run(script([{ say: 'x' }, { hang: true }])))
    await client.until('agent.text_delta')
    expect((await ask('POST', '/api/panic')).body).toEqual({ panicked: true, sessions_affected: 1 })
    await client.until('agent.cancelled')
    expect((await ask('POST', '/api/panic')).body).toEqual({ panicked: true, sessions_affected: 0 })
  })

  test('context and compaction, with the figures and the refusals of the page', async () => {
    const { ask, newChat, connect } = await start()
    const chat = await newChat()
    const client = await connect(chat)
    const compact = () => ask('POST', `/api/chats/${chat}/compact`)
    const short = 'Not enough conversation history to compact — need more than 4 exchanges.'
    expect(await compact()).toMatchObject({ status: 400, body: { detail: short } })
    for (let n = 1; n <= 6; n++) {
      client.send(run(`message ${n} ${'x'.repeat(400)}`, false))
      await client.count('agent.turn_complete', n)
    }
    expect((await ask('GET', `/api/chats/${chat}/context`)).body).toEqual({
      current_tokens: expect.any(Number),
      context_window: 200_000,
      compaction_threshold: 0.75,
    })
    const told = client.frames.length
    const done = await compact()
    expect(done.status).toBe(200)
    expect(done.body).toMatchObject({ turns_removed: 3, tokens_before: expect.any(Number) })
    const again = await compact()
    expect(again).toMatchObject({ status: 200, body: { turns_removed: 0 } })
    expect(client.frames).toHaveLength(told)
    const { turns } = (await ask('GET', `/api/chats/${chat}`)).body as {
      turns: { content: string }[]
    }
    expect(turns[1]?.content).toMatch(/^\[CONVERSATION SUMMARY\]\n/)
    expect(turns).toHaveLength(10)
    client.send(run(script([{ say: 'x' }, { hang: true }])))
    await client.until('agent.text_delta')
    expect((await compact()).status).toBe(409)
    for (const path of ['context', 'compact'])
      expect(
        await ask(path === 'compact' ? 'POST' : 'GET', `/api/chats/${NOBODY}/${path}`),
      ).toMatchObject({ status: 404, body: { detail: 'Chat not found' } })
  })
})

const PROFILE = {
  provider: 'anthropic',
  model: 'fake-a',
  base_url: 'http://127.0.0.1:9/v1',
  api_key: 'sk-secret-1234',
  context_window: 200_000,
  max_output_tokens: 4096,
}

describe('profiles', () => {
  test('made, read, changed and removed; keys are never told', async () => {
    const { ask, world } = await start()
    const masked = { ...PROFILE, api_key: '...1234' }
    const made = await ask('POST', '/api/profiles', { name: 'fa', profile: PROFILE })
    expect(made).toMatchObject({ status: 201, body: { name: 'fa', profile: masked } })
    expect(await ask('POST', '/api/profiles', { name: 'fa', profile: PROFILE })).toMatchObject({
      status: 400,
      body: { detail: "Profile 'fa' already exists" },
    })
    const known = { provider: 'openai', model: 'gpt-4o', api_key: 'abc', extra_field: 1 }
    expect((await ask('POST', '/api/profiles', { name: 'known', profile: known })).body).toEqual({
      name: 'known',
      profile: {
        provider: 'openai',
        model: 'gpt-4o',
        base_url: null,
        api_key: '***',
        context_window: null,
        max_output_tokens: null,
      },
    })
    expect(world.engine.models.card('clotho-known:gpt-4o')?.contextWindow).toBe(128_000)
    const listed = (await ask('GET', '/api/profiles')).body as { profiles: object; default: null }
    expect(Object.keys(listed.profiles)).toEqual(['assistant', 'fa', 'known'])
    expect(listed.default).toBeNull()
    const llama = { profile: { provider: 'ollama', model: 'llama3.2' } }
    expect((await ask('PUT', '/api/profiles/known', llama)).body).toEqual({
      name: 'known',
      profile: {
        provider: 'ollama',
        model: 'llama3.2',
        base_url: null,
        api_key: null,
        context_window: null,
        max_output_tokens: null,
      },
    })
    expect(world.engine.catalog.agent('known')?.model).toBe('ollama:llama3.2')
    expect((await world.engine.endpoints.list()).map((e) => e.name)).toEqual(['clotho-fa'])
    expect((await ask('GET', '/api/profiles/fa')).body).toEqual({ name: 'fa', profile: masked })
    expect((await ask('DELETE', '/api/profiles/known')).status).toBe(204)
    const absent = {
      error: 'ProfileNotFoundError',
      message: "Profile 'known' not found. Use /profiles to list available profiles.",
    }
    for (const [method, body] of [['DELETE'], ['GET'], ['PUT', llama]] as const)
      expect(await ask(method, '/api/profiles/known', body)).toMatchObject({
        status: 404,
        body: { detail: absent },
      })
    const everything = JSON.stringify(await ask('GET', '/api/profiles'))
    expect(everything).not.toContain('sk-secret')
  })

  test('is made once, however many want its name at the same time', async () => {
    const { ask } = await start()
    const made = await Promise.all(
      Array.from({ length: 4 }, (_, i) =>
        ask('POST', '/api/profiles', { name: 'fo', profile: { ...PROFILE, model: `m${i}` } }),
      ),
    )
    expect(made.map((m) => m.status).sort()).toEqual([201, 400, 400, 400])
    const first = made.find((m) => m.status === 201)
    expect((await ask('GET', '/api/profiles/fo')).body).toEqual(first?.body)
  })

  test('the default, under both families of paths, and a profile that is called default', async () => {
    const { ask } = await start()
    await ask('POST', '/api/profiles', { name: 'fa', profile: PROFILE })
    await ask('POST', '/api/profiles', { name: 'default', profile: { ...PROFILE, model: 'd' } })
    const none = { default: null, profile_name: null }
    for (const path of ['default', 'default/current'])
      expect(await ask('GET', `/api/profiles/${path}`)).toMatchObject({ status: 200, body: none })
    const fa = { default: 'fa', profile_name: 'fa' }
    for (const body of [{ profile_name: 'fa' }, { name: 'fa' }, { default: 'fa' }])
      expect((await ask('PUT', '/api/profiles/default', body)).body).toEqual(fa)
    const set = { profile_name: 'fa' }
    expect((await ask('POST', '/api/profiles/default/set', set)).body).toEqual(fa)
    expect((await ask('GET', '/api/profiles/default')).body).toEqual(fa)
    expect(await ask('POST', '/api/profiles/default/set', { name: 'fa' })).toMatchObject({
      status: 422,
      body: { message: 'profile_name: Field required' },
    })
    const update = { profile: { provider: 'ollama', model: 'x' } }
    expect((await ask('PUT', '/api/profiles/default', update)).body).toMatchObject({
      name: 'default',
      profile: { model: 'x' },
    })
    expect(await ask('DELETE', '/api/profiles/fa')).toMatchObject({
      status: 400,
      body: {
        detail: {
          error: 'ServiceException',
          message: "Cannot delete default profile 'fa'. Set a different default first.",
        },
      },
    })
    const created = (await ask('POST', '/api/chats')).body as { chat_id: string }
    const active = await ask('GET', `/api/chats/${created.chat_id}/active-profile`)
    expect(active.body).toEqual({ profile_name: 'fa' })
  })

  test('a chat keeps the profile it was switched to, also over a restart', async () => {
    const before = await startGateway()
    const { folder } = before.world
    await before.ask('POST', '/api/profiles', { name: 'fa', profile: PROFILE })
    await before.ask('POST', '/api/profiles', {
      name: 'tiny',
      profile: { ...PROFILE, context_window: 10 },
    })
    const chat = await before.newChat()
    const client = await before.connect(chat)
    client.send(run(script(says('A long enough answer to have more than ten tokens.')), false))
    await client.until('agent.turn_complete')
    const put = { profile_name: 'fa' }
    expect((await before.ask('PUT', `/api/chats/${chat}/profile`, put)).body).toEqual(put)
    const refused = await before.ask('POST', `/api/chats/${chat}/active-profile`, {
      profile_name: 'tiny',
    })
    expect(refused.status).toBe(409)
    expect((refused.body as { detail: string }).detail).toMatch(
      /^Current context \(~\d+ tokens\) exceeds 'tiny' context window \(10 tokens\)\. Run \/compact first, or stay on the current model\.$/,
    )
    expect(
      await before.ask('POST', `/api/chats/${chat}/active-profile`, { profile_name: 'none' }),
    ).toMatchObject({ status: 404, body: { detail: { error: 'ProfileNotFoundError' } } })
    const keyless = { provider: 'openai', model: 'gpt-4o' }
    await before.ask('POST', '/api/profiles', { name: 'keyless', profile: keyless })
    expect(
      await before.ask('POST', `/api/chats/${chat}/active-profile`, { profile_name: 'keyless' }),
    ).toMatchObject({ status: 400, body: { detail: expect.stringContaining('OPENAI_API_KEY') } })
    await before.stop(false)
    const { ask, connect } = await start({ world: { folder } })
    expect((await ask('GET', `/api/chats/${chat}/active-profile`)).body).toEqual(put)
    expect((await ask('GET', `/api/chats/${chat}/profile`)).body).toEqual(put)
    expect(await ask('GET', `/api/chats/${NOBODY}/active-profile`)).toMatchObject({
      status: 404,
      body: { detail: `Chat ${NOBODY} not found` },
    })
    const after = await connect(chat)
    after.send({ type: 'cancel' })
    expect((await ask('GET', `/api/chats/${chat}/context`)).body).toMatchObject({
      context_window: 200_000,
    })
  })

  test('bodies that are not right are told in one line, the first thing first', async () => {
    const { ask } = await start()
    const words = async (body: unknown, method = 'POST', path = '/api/profiles') => {
      const { status, body: told } = await ask(method, path, body)
      return [status, told]
    }
    const invalid = (message: string) => [422, { error: 'ValidationError', message }]
    const profile = { provider: 'openai', model: 'x' }
    expect(await words({ name: 'bad', profile: { provider: 'gemini', model: 'x' } })).toEqual(
      invalid(
        "profile -> provider: Value error, Provider must be one of ['openai', 'ollama', 'anthropic'], got: gemini",
      ),
    )
    expect(await words({ name: 'bad' })).toEqual(invalid('profile: Field required'))
    expect(await words({ name: 'flat', ...profile })).toEqual(invalid('profile: Field required'))
    expect(await words({ name: '', profile })).toEqual(
      invalid('name: String should have at least 1 character'),
    )
    expect(await words({ name: 'n'.repeat(65), profile })).toEqual(
      invalid('name: String should have at most 64 characters'),
    )
    expect(await words('{nope')).toEqual(invalid('1: JSON decode error'))
    expect(await words(undefined)).toEqual(invalid('Field required'))
    expect(await words({ name: 5, profile })).toEqual(
      invalid('name: Input should be a valid string'),
    )
    expect(await words({ mode: 5 }, 'PUT', '/api/permissions')).toEqual(
      invalid('mode: Input should be a valid string'),
    )
    expect(await words({ enabled: 'x' }, 'POST', '/api/sandbox')).toEqual(
      invalid('enabled: Input should be a valid boolean, unable to interpret input'),
    )
    expect(await words({ profile: { provider: 'x' } }, 'PUT', '/api/profiles/default')).toEqual(
      invalid(
        "profile -> provider: Value error, Provider must be one of ['openai', 'ollama', 'anthropic'], got: x",
      ),
    )
    const half = { name: 'a', profile: { ...profile, context_window: 1.5 } }
    expect((await words(half))[1]).toMatchObject({
      message: expect.stringMatching(/^profile -> context_window: Input should be a valid integer/),
    })
    expect(await words([])).toEqual(
      invalid('Input should be a valid dictionary or object to extract fields from'),
    )
    expect((await words({ name: '../up', profile }))[0]).toBe(422)
  })

  test('an agent that somebody wrote is shown, and neither changed nor removed from here', async () => {
    const { ask, world } = await start()
    const body = { profile: { provider: 'ollama', model: 'x' } }
    expect((await ask('PUT', '/api/profiles/assistant', body)).status).toBe(400)
    expect((await ask('DELETE', '/api/profiles/assistant')).status).toBe(400)
    expect((await ask('GET', '/api/profiles/assistant')).body).toMatchObject({
      profile: { provider: 'scripted', model: 'test', api_key: null },
    })
    expect(world.engine.catalog.agent('assistant')?.model).toBeNull()
  })
})

describe('permissions', () => {
  test('the document, its refusals, and the tools it may name', async () => {
    const { ask } = await start()
    const put = async (body: unknown) => {
      const { status, body: told } = await ask('PUT', '/api/permissions', body)
      return [status, told]
    }
    const tools = ((await ask('GET', '/api/permissions/tools')).body as { tools: string[] }).tools
    expect(tools).toEqual(expect.arrayContaining(['bash', 'edit', 'read', 'write']))
    expect(tools).not.toContain('shell')
    expect(tools).toEqual([...tools].sort())
    expect((await ask('GET', '/api/permissions')).body).toEqual({
      mode: 'interactive',
      tool_overrides: {},
    })
    expect(await put({ mode: 'autonomous' })).toEqual([
      200,
      { mode: 'autonomous', tool_overrides: {} },
    ])
    expect(await put({ mode: 'yolo' })).toEqual([
      400,
      { detail: 'Invalid mode: yolo. Must be one of: interactive, autonomous, readonly' },
    ])
    expect(await put({ tool_overrides: { bash: 'deny', read: 'allow' } })).toEqual([
      200,
      { mode: 'autonomous', tool_overrides: { bash: 'deny', read: 'allow' } },
    ])
    expect(await put({ tool_overrides: { nope: 'ask' } })).toEqual([
      400,
      { detail: `Invalid tool name 'nope'. Must be one of: ${tools.join(', ')}` },
    ])
    expect(await put({ tool_overrides: { bash: 'maybe' } })).toEqual([
      400,
      { detail: "Invalid permission level 'maybe' for tool 'bash'. Must be: allow, ask, deny" },
    ])
    expect(await put({})).toEqual([
      200,
      { mode: 'autonomous', tool_overrides: { bash: 'deny', read: 'allow' } },
    ])
  })

  test('a change is in force for the next call of a chat that is open already', async () => {
    const { ask, newChat, connect } = await start()
    const client = await connect(await newChat())
    const work = script([shell('echo hi', 'a')], says('{{result}}'))
    await ask('PUT', '/api/permissions', { mode: 'readonly' })
    client.send(run(work))
    await client.count('agent.turn_complete', 1)
    const [denied] = client.frames.filter((f) => f.type === 'agent.tool_denied')
    expect(denied?.data).toEqual({
      tool_calls: [{ id: 'a', name: 'bash', arguments: { command: 'echo hi' } }],
      reason: "Tools denied by permission policy: ['bash']",
    })
    const [result] = client.frames.filter((f) => f.type === 'agent.tool_result')
    expect(result?.content).toBe("Tool 'bash' is not permitted by the current permission policy.")
    await ask('PUT', '/api/permissions', { tool_overrides: { bash: 'allow' } })
    client.send(run(work))
    await client.count('agent.turn_complete', 2)
    expect(client.frames.filter((f) => f.type === 'agent.tool_request')).toEqual([])
    const results = client.frames.filter((f) => f.type === 'agent.tool_result')
    expect(results.at(-1)?.is_error).toBe(false)
  })
})

describe('the sandbox', () => {
  test('its settings under both families of paths', async () => {
    const { ask } = await start()
    expect((await ask('GET', '/api/sandbox')).body).toEqual({ enabled: false })
    expect((await ask('POST', '/api/sandbox', { enabled: true })).body).toEqual({ enabled: true })
    expect((await ask('PUT', '/api/config/sandbox', { timeout_seconds: 5 })).body).toEqual({
      enabled: true,
      memory_limit: '512m',
      cpu_quota: 100_000,
      timeout_seconds: 5,
      network_enabled: false,
      workspace_mode: 'rw',
    })
    expect((await ask('GET', '/api/config/sandbox')).body).toMatchObject({ enabled: true })
    const wrong = await ask('PUT', '/api/config/sandbox', { workspace_mode: 'x' })
    expect(wrong.body).toEqual({
      error: 'ValidationError',
      message: "workspace_mode: Input should be 'ro' or 'rw'",
    })
  })

  test('of edits at the same time none is lost, and the policy has them all', async () => {
    const { ask, world } = await start()
    const edits = [
      { enabled: true },
      { memory_limit: '1k' },
      { timeout_seconds: 7 },
      { network_enabled: true },
      { workspace_mode: 'ro' },
    ]
    await Promise.all(edits.map((edit) => ask('PUT', '/api/config/sandbox', edit)))
    const all = Object.assign({}, ...edits)
    expect((await ask('GET', '/api/config/sandbox')).body).toMatchObject(all)
    expect(await world.store.get('policy', 'clotho')).toMatchObject({
      confinement: { memoryBytes: 1024, timeoutMs: 7000, network: true, readOnly: true },
    })
  })

  test('build says what the machine can do', async () => {
    const can = await start({
      sandbox: { describe: async () => ({ mode: 'x', isIsolated: true }) },
    })
    expect((await can.ask('POST', '/api/sandbox/build')).body).toEqual({ built: true })
    const cannot = await start()
    expect(await cannot.ask('POST', '/api/sandbox/build')).toMatchObject({
      status: 500,
      body: { detail: { error: 'SandboxBuildError', message: 'No walls.' } },
    })
  })

  test('the API document names every path', async () => {
    const { url } = await start()
    const { body } = await request(`${url}/clotho/openapi.json`, { method: 'GET', headers: {} })
    expect(Object.keys((body as { paths: object }).paths)).toEqual(
      expect.arrayContaining(['/api/chats/{chat_id}/active-profile', '/api/config/sandbox']),
    )
  })
})
