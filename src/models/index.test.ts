import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { Endpoint, ModelItem, Models } from '../kernel/ports.ts'
import { costOf } from './cost.ts'
import { createModels, DEMO_MODEL, type ModelSettings } from './index.ts'
import { ollamaAddress } from './ollama.ts'
import { loadTable, providerOf } from './table.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serve(handle: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(handle)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function goneAddress(): Promise<string> {
  const url = await serve(() => undefined)
  const server = servers.pop() as Server
  await new Promise((resolve) => server.close(resolve))
  return url
}

const ollamaWith = (...names: string[]) =>
  serve((_req, res) => res.end(JSON.stringify({ models: names.map((name) => ({ name })) })))

const create = async (more: Partial<ModelSettings> = {}): Promise<Models> =>
  createModels({ providers: {}, ollamaUrl: await goneAddress(), ...more })

const key = (apiKey: string) => ({ apiKey, baseUrl: null })

async function hear(models: Models, model: string): Promise<ModelItem[]> {
  const items: ModelItem[] = []
  const signal = new AbortController().signal
  const rest = { system: '', messages: [], continues: false, attempt: 1, tools: [], signal }
  for await (const item of models.stream({ model, ...rest })) items.push(item)
  return items
}

describe('the table', () => {
  const table = loadTable()

  test('has its date, and every row is whole', () => {
    expect(table.asOf).toMatch(/^20\d\d-\d\d-\d\d$/)
    const ids = table.entries.map((e) => e.id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const e of table.entries) {
      expect(e.name && e.about && e.capabilities.length > 0, e.id).toBeTruthy()
      expect(['flagship', 'balanced', 'fast', 'legacy', 'local']).toContain(e.tier)
      for (const price of [e.inputUsd, e.outputUsd, e.cacheReadUsd, e.cacheWriteUsd])
        expect(price === null || (price >= 0 && price < 1_000), e.id).toBe(true)
    }
  })

  test('each provider has one default, in order', () => {
    const providers = [...new Set(table.entries.map((e) => providerOf(e.id)))]
    expect(providers).toEqual(['anthropic', 'openai', 'google', 'openrouter', 'ollama'])
    for (const p of providers)
      expect(table.entries.filter((e) => e.default && providerOf(e.id) === p)).toHaveLength(1)
  })

  test('no alias has two owners, and none hides an id', () => {
    const owners = new Map<string, string>()
    for (const e of table.entries)
      for (const alias of e.aliases) {
        expect(owners.get(alias), alias).toBeUndefined()
        owners.set(alias, e.id)
      }
    for (const e of table.entries) expect(table.find(e.id)?.id).toBe(e.id)
  })

  test.each([
    ['sonnet', 'anthropic:claude-sonnet-5-5'],
    ['anthropic:sonnet', 'anthropic:claude-sonnet-5-5'],
    ['Claude Opus 4.6', 'anthropic:claude-opus-4-6'],
    ['gpt-4o', 'openai:gpt-4o'],
    ['openrouter:moonshotai/kimi-k2.6', 'openrouter:kimi-k2.6'],
    ['kimi', 'openrouter:kimi-k2.6'],
  ])('%s', (name, id) => {
    expect(table.find(name)?.id).toBe(id)
  })

  test('long prompts, later prices and unknown prices', () => {
    const used = { inputTokens: 1e6, outputTokens: 1e6, cacheReadTokens: 0, cacheWriteTokens: 0 }
    const now = Date.UTC(2026, 10, 22)
    const haiku = table.find('haiku')
    expect(costOf({ ...used, inputTokens: 100_000 }, haiku, now)).toBeCloseTo(0.51)
    expect(costOf(used, haiku, now)).toBeCloseTo(3)
    const argon = table.find('gemini-4-argon')
    expect(costOf(used, argon, now)).toBeCloseTo(12)
    expect(costOf(used, argon, Date.UTC(2026, 11, 1))).toBeCloseTo(24)
    expect(costOf(used, null, now)).toBeNull()
    const cached = {
      ...used,
      inputTokens: 0,
      outputTokens: 0,
      cacheReadTokens: 1e6,
      cacheWriteTokens: 1e6,
    }
    expect(costOf(cached, table.find('sonnet'), now)).toBeCloseTo(2.6)
  })
})

describe('check', () => {
  test('names the variable of a key that is missing', async () => {
    const fault = await (await create()).check('anthropic:claude-sonnet-5-5')
    expect(fault?.code).toBe('no_credentials')
    expect(fault?.message).toContain('ANTHROPIC_API_KEY')
    expect(
      await (await create({ providers: { anthropic: key('k123') } })).check('sonnet'),
    ).toBeNull()
  })

  test('names the providers that could be called', async () => {
    const models = await create({ providers: { google: key('k123') } })
    for (const name of ['nosuch:model', 'nosuch', ':x', 'openai:', '']) {
      const fault = await models.check(name)
      expect(fault?.code, name).toBe('unknown_model')
      expect(fault?.message).toContain('google, ollama, demo')
    }
  })

  test('an unlisted model of a provider with a key may be called', async () => {
    const models = await create({ providers: { openai: key('k123') } })
    expect(await models.check('openai:something-new')).toBeNull()
    expect(models.card('openai:something-new')).toBeNull()
  })

  test("a server of one's own needs no key", async () => {
    const own = { apiKey: null, baseUrl: 'http://127.0.0.1:9/v1' }
    const models = await create({ providers: { openai: own } })
    expect(await models.check('openai:local')).toBeNull()
    expect(await models.preferred()).toBe(DEMO_MODEL)
  })

  test('the offline models are always there', async () => {
    const models = await create()
    for (const name of ['demo', 'demo:assistant', 'demo:x', 'scripted:anything'])
      expect(await models.check(name)).toBeNull()
    expect(models.card('scripted:x')).toMatchObject({ contextWindow: 200_000, outputUsd: 0 })
  })

  test('a call that may not be made fails in the stream too', async () => {
    const models = await create()
    expect(await hear(models, 'gpt-4o')).toMatchObject([
      { kind: 'failed', failure: { code: 'no_credentials', retryable: false } },
    ])
    expect(await hear(models, 'nosuch:x')).toMatchObject([
      { kind: 'failed', failure: { code: 'unknown_model' } },
    ])
  })
})

describe('Ollama', () => {
  test('what is installed is listed, usable and preferred', async () => {
    const models = await create({ ollamaUrl: await ollamaWith('llama3.2:latest', 'phi4:14b') })
    const cards = (await models.list()).filter((c) => c.provider === 'ollama')
    expect(cards.filter((c) => c.isUsable).map((c) => c.id)).toEqual([
      'ollama:llama3.2',
      'ollama:phi4:14b',
    ])
    expect(cards.find((c) => c.id === 'ollama:qwen3')?.isUsable).toBe(false)
    expect(await models.check('ollama:llama3.2')).toBeNull()
    expect(await models.check('ollama:phi4:14b')).toBeNull()
    const missing = await models.check('ollama:qwen3')
    expect(missing?.code).toBe('unknown_model')
    expect(missing?.message).toContain('ollama pull qwen3')
    expect(await models.preferred()).toBe('ollama:llama3.2')
    expect(models.card('ollama:phi4:14b')).toMatchObject({ inputUsd: 0, isUsable: true })
  })

  test('one that is installed is better than none', async () => {
    const models = await create({ ollamaUrl: await ollamaWith('phi4:14b') })
    expect(await models.preferred()).toBe('ollama:phi4:14b')
  })

  test('one that does not answer is told how to start', async () => {
    const fault = await (await create()).check('ollama:llama3.2')
    expect(fault?.code).toBe('no_credentials')
    expect(fault?.message).toContain('ollama serve')
  })

  test('one that is slow holds up nobody, and is heard the next time', async () => {
    let answer: () => void = () => undefined
    const asked = new Promise<void>((resolve) => {
      answer = resolve
    })
    let requests = 0
    const url = await serve((_req, res) => {
      requests++
      asked.then(() => res.end(JSON.stringify({ models: [{ name: 'late:1b' }] })))
    })
    const models = await create({ ollamaUrl: url })
    // Nothing answers until these have: they would wait for ever if they waited for it.
    const first = await models.list()
    expect(first.some((c) => c.id === 'ollama:late:1b')).toBe(false)
    expect((await models.check('ollama:late:1b'))?.code).toBe('no_credentials')
    expect(await models.preferred()).toBe(DEMO_MODEL)
    expect(requests).toBe(1)
    answer()
    await expect
      .poll(async () => (await models.list()).some((c) => c.id === 'ollama:late:1b'))
      .toBe(true)
  })

  test('it is not asked again and again', async () => {
    let requests = 0
    const url = await serve((_req, res) => {
      requests++
      res.end('{"models":[]}')
    })
    const models = await create({ ollamaUrl: url })
    await Promise.all([models.list(), models.list(), models.check('ollama:x'), models.preferred()])
    await models.list()
    expect(requests).toBe(1)
  })

  test.each([
    [undefined, 'http://127.0.0.1:11434'],
    ['0.0.0.0', 'http://127.0.0.1:11434'],
    ['box:1234', 'http://box:1234'],
    ['http://box/', 'http://box'],
    ['https://box:9/ollama/', 'https://box:9/ollama'],
  ])('OLLAMA_HOST=%s', (given, url) => {
    expect(ollamaAddress(given)).toBe(url)
  })
})

describe('list and preferred', () => {
  test('all providers in order, the demo last, no scripts', async () => {
    const models = await create({ providers: { google: key('k123') } })
    const cards = await models.list()
    expect([...new Set(cards.map((c) => c.provider))]).toEqual([
      'anthropic',
      'openai',
      'google',
      'openrouter',
      'ollama',
      'demo',
    ])
    const usable = new Set(cards.filter((c) => c.isUsable).map((c) => c.provider))
    expect([...usable]).toEqual(['google', 'demo'])
    expect(await models.preferred()).toBe('google:gemini-3.8-flash')
  })

  test('the first provider with a key gives the model, unless one is named', async () => {
    const providers = { openrouter: key('k123'), anthropic: key('k456') }
    expect(await (await create({ providers })).preferred()).toBe('anthropic:claude-sonnet-5-5')
    const named = await create({ providers, defaultModel: 'openai:gpt-5' })
    expect(await named.preferred()).toBe('openai:gpt-5')
    expect(await (await create()).preferred()).toBe(DEMO_MODEL)
  })
})

describe('endpoints', () => {
  const endpoint = (more: Partial<Endpoint> = {}): Endpoint => ({
    name: 'work',
    kind: 'openai',
    baseUrl: null,
    apiKey: null,
    models: { 'big-1': { contextWindow: 64_000, maxOutputTokens: 4_000 } },
    ...more,
  })

  const sse = (text: string): string => {
    const chunk = {
      id: 'c',
      model: 'm',
      choices: [{ index: 0, delta: { content: text }, finish_reason: 'stop' }],
    }
    return `data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`
  }

  test('can be called until they are taken away', async () => {
    const seen: (string | undefined)[] = []
    const baseUrl = await serve((req, res) => {
      seen.push(req.headers.authorization)
      res.writeHead(200, { 'content-type': 'text/event-stream' }).end(sse('from work'))
    })
    const models = await create()
    expect((await models.check('work:big-1'))?.code).toBe('unknown_model')
    models.define(endpoint({ baseUrl, apiKey: 'work-key-1' }))
    expect(await models.check('work:big-1')).toBeNull()
    expect(models.card('work:big-1')).toMatchObject({ contextWindow: 64_000, inputUsd: null })
    expect((await models.list()).filter((c) => c.provider === 'work')).toMatchObject([
      { id: 'work:big-1', isUsable: true },
    ])
    expect((await hear(models, 'work:big-1'))[0]).toEqual({ kind: 'text', text: 'from work' })
    models.define(endpoint({ baseUrl, apiKey: 'work-key-2' }))
    await hear(models, 'work:other')
    expect(seen).toEqual(['Bearer work-key-1', 'Bearer work-key-2'])
    models.undefine('work')
    models.undefine('work')
    expect((await models.check('work:big-1'))?.code).toBe('unknown_model')
    expect((await models.list()).some((c) => c.provider === 'work')).toBe(false)
  })

  test("the server's own key goes to no other address", async () => {
    const seen: (string | undefined)[] = []
    const baseUrl = await serve((req, res) => {
      seen.push(req.headers.authorization)
      res.writeHead(200, { 'content-type': 'text/event-stream' }).end(sse('x'))
    })
    const models = await create({ providers: { openai: key('the-servers-own-key') } })
    models.define(endpoint({ baseUrl }))
    await hear(models, 'work:big-1')
    expect(seen).toEqual([undefined])
    models.define(endpoint())
    expect(await models.check('work:gpt-4o')).toBeNull()
    expect(models.card('work:gpt-4o')).toMatchObject({ id: 'work:gpt-4o', inputUsd: 2.5 })
  })

  test('a key is missing where the provider itself is meant', async () => {
    const models = await create()
    models.define(endpoint())
    expect((await models.check('work:big-1'))?.code).toBe('no_credentials')
  })

  test.each([
    { name: 'openai' },
    { name: 'demo' },
    { name: 'Bad Name' },
    { baseUrl: 'file:///etc/passwd' },
    { baseUrl: 'nonsense' },
  ])('%o is refused', async (more) => {
    const models = await create()
    expect(() => models.define(endpoint(more))).toThrow(
      expect.objectContaining({ code: 'invalid' }),
    )
  })

  test('an Ollama elsewhere says what it has', async () => {
    const models = await create()
    models.define(
      endpoint({ name: 'gpu', kind: 'ollama', baseUrl: await ollamaWith('qwen3:8b'), models: {} }),
    )
    expect((await models.list()).filter((c) => c.provider === 'gpu')).toMatchObject([
      { id: 'gpu:qwen3:8b', isUsable: true, inputUsd: 0 },
    ])
    expect(await models.check('gpu:qwen3:8b')).toBeNull()
    expect((await models.check('gpu:llama3'))?.code).toBe('unknown_model')
  })
})
