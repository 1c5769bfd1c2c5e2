/** One suite over every wire format, each against a local server that speaks it. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Json, Message, Part } from '../kernel/part.ts'
import type { ModelItem, ModelRequest, Models } from '../kernel/ports.ts'
import { createModels, type ModelSettings } from './index.ts'

// ---- the doubles ----------------------------------------------------------------------------

type Said =
  | { text: string }
  | { think: string; token?: string }
  | { call: { id: string; name: string; args: string[] } }

interface Answer {
  said: Said[]
  /** `none`: the stream ends without saying that it has ended. */
  stop?: 'end' | 'calls' | 'length' | 'none'
  usage?: { input: number; output: number; cached: number }
}

interface Wire {
  name: string
  model: string
  settings(base: string): Partial<ModelSettings>
  frames(answer: Answer): string[]
  errorBody(message: string): Json
  /** Which of the facts a wire carries. */
  has: { token: boolean; pieces: boolean }
}

const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`
const KEY = 'sk-secret-0123456789'
const access = (baseUrl: string) => ({ apiKey: KEY, baseUrl })

function chatFrames({ said, stop = 'end', usage }: Answer): string[] {
  const chunk = (delta: Json, finish: string | null = null): string =>
    data({ id: 'c', model: 'm-1', choices: [{ index: 0, delta, finish_reason: finish }] })
  const frames: string[] = []
  let index = -1
  for (const one of said) {
    if ('text' in one) frames.push(chunk({ content: one.text }))
    else if ('think' in one) frames.push(chunk({ reasoning_content: one.think }))
    else {
      index++
      const { id, name, args } = one.call
      frames.push(chunk({ tool_calls: [{ index, id, function: { name, arguments: '' } }] }))
      for (const a of args)
        frames.push(chunk({ tool_calls: [{ index, function: { arguments: a } }] }))
    }
  }
  if (stop === 'none') return frames
  const reason = { end: 'stop', calls: 'tool_calls', length: 'length' }[stop]
  const used = usage && {
    prompt_tokens: usage.input + usage.cached,
    completion_tokens: usage.output,
    prompt_tokens_details: { cached_tokens: usage.cached },
  }
  frames.push(chunk({}, reason))
  if (used) frames.push(data({ id: 'c', model: 'm-1', choices: [], usage: used }))
  return [...frames, 'data: [DONE]\n\n']
}

function responsesFrames({ said, stop = 'end', usage }: Answer): string[] {
  const frames = [
    data({ type: 'response.created', response: { id: 'r', created_at: 1, model: 'm-1' } }),
  ]
  said.forEach((one, output_index) => {
    const item_id = `i${output_index}`
    const added = (item: object) => data({ type: 'response.output_item.added', output_index, item })
    const done = (item: object) => data({ type: 'response.output_item.done', output_index, item })
    if ('text' in one) {
      frames.push(added({ type: 'message', id: item_id }))
      frames.push(data({ type: 'response.output_text.delta', item_id, delta: one.text }))
      frames.push(done({ type: 'message', id: item_id }))
    } else if ('think' in one) {
      const summary_index = 0
      frames.push(added({ type: 'reasoning', id: item_id, encrypted_content: null }))
      frames.push(data({ type: 'response.reasoning_summary_part.added', item_id, summary_index }))
      frames.push(
        data({
          type: 'response.reasoning_summary_text.delta',
          item_id,
          summary_index,
          delta: one.think,
        }),
      )
      frames.push(done({ type: 'reasoning', id: item_id, encrypted_content: one.token ?? null }))
    } else {
      const { id, name, args } = one.call
      const item = { type: 'function_call', id: item_id, call_id: id, name }
      frames.push(added({ ...item, arguments: '' }))
      for (const delta of args)
        frames.push(
          data({ type: 'response.function_call_arguments.delta', item_id, output_index, delta }),
        )
      frames.push(done({ ...item, arguments: args.join(''), status: 'completed' }))
    }
  })
  if (stop === 'none') return frames
  const used = {
    input_tokens: (usage?.input ?? 0) + (usage?.cached ?? 0),
    input_tokens_details: { cached_tokens: usage?.cached ?? 0 },
    output_tokens: usage?.output ?? 0,
    output_tokens_details: { reasoning_tokens: 0 },
  }
  const details = stop === 'length' ? { reason: 'max_output_tokens' } : null
  const type = stop === 'length' ? 'response.incomplete' : 'response.completed'
  return [...frames, data({ type, response: { incomplete_details: details, usage: used } })]
}

function anthropicFrames({ said, stop = 'end', usage }: Answer): string[] {
  const event = (value: { type: string } & Record<string, unknown>): string =>
    `event: ${value.type}\n${data(value)}`
  const start = {
    input_tokens: usage?.input ?? 0,
    output_tokens: 1,
    cache_read_input_tokens: usage?.cached ?? 0,
    cache_creation_input_tokens: 0,
  }
  const frames = [
    event({
      type: 'message_start',
      message: { id: 'm', model: 'm-1', role: 'assistant', content: [], usage: start },
    }),
  ]
  said.forEach((one, index) => {
    const begin = (content_block: object) =>
      event({ type: 'content_block_start', index, content_block })
    const delta = (d: object) => event({ type: 'content_block_delta', index, delta: d })
    if ('text' in one) {
      frames.push(begin({ type: 'text', text: '' }))
      frames.push(delta({ type: 'text_delta', text: one.text }))
    } else if ('think' in one) {
      frames.push(begin({ type: 'thinking', thinking: '' }))
      frames.push(delta({ type: 'thinking_delta', thinking: one.think }))
      if (one.token) frames.push(delta({ type: 'signature_delta', signature: one.token }))
    } else {
      const { id, name, args } = one.call
      frames.push(begin({ type: 'tool_use', id, name, input: {} }))
      for (const a of args) frames.push(delta({ type: 'input_json_delta', partial_json: a }))
    }
    frames.push(event({ type: 'content_block_stop', index }))
  })
  if (stop === 'none') return frames
  const reason = { end: 'end_turn', calls: 'tool_use', length: 'max_tokens' }[stop]
  return [
    ...frames,
    event({
      type: 'message_delta',
      delta: { stop_reason: reason, stop_sequence: null },
      usage: { output_tokens: usage?.output ?? 0 },
    }),
    event({ type: 'message_stop' }),
  ]
}

function googleFrames({ said, stop = 'end', usage }: Answer): string[] {
  const parts = said.map((one) => {
    if ('text' in one) return { text: one.text }
    if ('think' in one) return { text: one.think, thought: true, thoughtSignature: one.token }
    return { functionCall: { name: one.call.name, args: JSON.parse(one.call.args.join('')) } }
  })
  const used = {
    promptTokenCount: (usage?.input ?? 0) + (usage?.cached ?? 0),
    candidatesTokenCount: usage?.output ?? 0,
    cachedContentTokenCount: usage?.cached ?? 0,
  }
  const frames = parts.map((part) =>
    data({ modelVersion: 'm-1', candidates: [{ content: { role: 'model', parts: [part] } }] }),
  )
  if (stop === 'none') return frames
  const finishReason = stop === 'length' ? 'MAX_TOKENS' : 'STOP'
  return [...frames, data({ candidates: [{ finishReason }], usageMetadata: used })]
}

const openaiError = (message: string): Json => ({ error: { message, type: 'x', code: null } })
const CHAT = { frames: chatFrames, errorBody: openaiError, has: { token: false, pieces: true } }

const WIRES: Wire[] = [
  {
    name: 'anthropic',
    model: 'anthropic:claude-sonnet-4-5-20250929',
    settings: (base) => ({ providers: { anthropic: access(base) } }),
    frames: anthropicFrames,
    errorBody: (message) => ({ type: 'error', error: { type: 'x', message } }),
    has: { token: true, pieces: true },
  },
  {
    name: 'openai responses',
    model: 'openai:gpt-6-luna',
    settings: (base) => ({ providers: { openai: access(base) }, openaiApi: 'responses' }),
    frames: responsesFrames,
    errorBody: openaiError,
    has: { token: true, pieces: true },
  },
  {
    name: 'google',
    model: 'google:gemini-2.5-flash',
    settings: (base) => ({ providers: { google: access(base) } }),
    frames: googleFrames,
    errorBody: (message) => ({ error: { code: 400, message, status: 'X' } }),
    has: { token: true, pieces: false },
  },
  {
    name: 'openai chat',
    model: 'openai:gpt-4o',
    settings: (base) => ({ providers: { openai: access(base) } }),
    ...CHAT,
  },
  {
    name: 'openrouter',
    model: 'openrouter:kimi-k2.6',
    settings: (base) => ({ providers: { openrouter: access(base) } }),
    ...CHAT,
  },
  { name: 'ollama', model: 'ollama:qwen3', settings: (base) => ({ ollamaUrl: base }), ...CHAT },
]

// ---- the server -----------------------------------------------------------------------------

type Handle = (req: IncomingMessage, res: ServerResponse, body: string) => void

let server: Server
let base = ''
let handle: Handle
let seen: { path: string; headers: IncomingMessage['headers']; body: Record<string, Json> }[]

beforeAll(async () => {
  server = createServer((req, res) => {
    let body = ''
    req.on('data', (d) => {
      body += d
    })
    req.on('end', () => {
      seen.push({ path: req.url ?? '', headers: req.headers, body: JSON.parse(body || '{}') })
      handle(req, res, body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
})

beforeEach(() => {
  seen = []
})

const sse = (res: ServerResponse): ServerResponse =>
  res.writeHead(200, { 'content-type': 'text/event-stream' })

const answerWith =
  (frames: string[]): Handle =>
  (_req, res) =>
    sse(res).end(frames.join(''))

// ---- the asking -----------------------------------------------------------------------------

const message = (role: Message['role'], parts: Part[]): Message => ({
  id: 'm',
  role,
  parts,
  run: 'r',
  turn: null,
  at: 0,
})
const user = (text: string): Message => message('user', [{ kind: 'text', text }])

const SCHEMA = { type: 'object', properties: { path: { type: 'string' } } }

const ask = (model: string, more: Partial<ModelRequest> = {}): ModelRequest => ({
  model,
  system: 'Be brief.',
  messages: [user('Hello')],
  continues: false,
  attempt: 1,
  tools: [{ name: 'read', about: 'Reads a file.', input: SCHEMA }],
  signal: new AbortController().signal,
  ...more,
})

async function hear(models: Models, request: ModelRequest): Promise<ModelItem[]> {
  const items: ModelItem[] = []
  for await (const item of models.stream(request)) items.push(item)
  return items
}

const textOf = (items: ModelItem[], kind: 'text' | 'thinking' = 'text'): string =>
  items.map((i) => (i.kind === kind ? i.text : '')).join('')

const lastOf = <K extends ModelItem['kind']>(items: ModelItem[], kind: K) => {
  const last = items.at(-1)
  expect(last?.kind, JSON.stringify(last)).toBe(kind)
  expect(items.filter((i) => i.kind === 'done' || i.kind === 'failed')).toHaveLength(1)
  return last as Extract<ModelItem, { kind: K }>
}

const inputOf = (items: ModelItem[], call: string): string =>
  items.map((i) => (i.kind === 'args' && i.call === call ? i.text : '')).join('')

const callsOf = (items: ModelItem[]) => items.flatMap((i) => (i.kind === 'call' ? [i] : []))

const create = (wire: Wire, more: Partial<ModelSettings> = {}): Models =>
  createModels({
    providers: { openai: { apiKey: KEY, baseUrl: null } },
    ollamaUrl: base,
    ...wire.settings(base),
    ...more,
  })

describe.each(WIRES)('$name', (wire) => {
  test('text, with what it used and what it cost', async () => {
    const usage = { input: 1_000, output: 200, cached: 500 }
    handle = answerWith(wire.frames({ said: [{ text: 'Hel' }, { text: 'lo.' }], usage }))
    const items = await hear(create(wire), ask(wire.model))
    expect(textOf(items)).toBe('Hello.')
    const done = lastOf(items, 'done')
    expect(done.stop).toBe('end')
    expect(done.model).toBe('m-1')
    expect(done.usage).toMatchObject({
      inputTokens: 1_000,
      outputTokens: 200,
      cacheReadTokens: 500,
      cacheWriteTokens: 0,
    })
    const card = create(wire).card(wire.model)
    const read = card?.cacheReadUsd ?? card?.inputUsd ?? 0
    const cost = (1_000 * (card?.inputUsd ?? 0) + 200 * (card?.outputUsd ?? 0) + 500 * read) / 1e6
    expect(done.usage.costUsd).toBeCloseTo(cost, 12)
    if (wire.name === 'ollama') expect(done.usage.costUsd).toBe(0)
    else expect(cost).toBeGreaterThan(0)
  })

  test('thinking, and its token, which goes back with the next request', async () => {
    const said: Said[] = [
      { think: 'Hmm, ', token: 'sig-1' },
      { text: 'Yes.' },
      { call: { id: 'c1', name: 'read', args: ['{"path":', '"a"}'] } },
    ]
    handle = answerWith(wire.frames({ said, stop: 'calls' }))
    const models = create(wire)
    const items = await hear(models, ask(wire.model, { thinking: { budgetTokens: 2_000 } }))
    expect(textOf(items, 'thinking')).toBe('Hmm, ')
    const opaque = items.find((i) => i.kind === 'opaque')
    expect(opaque !== undefined).toBe(wire.has.token)
    if (opaque?.kind !== 'opaque') return
    const call = callsOf(items)[0]
    if (!call) throw new Error('no call')
    const history = [
      user('Hello'),
      message('assistant', [
        { kind: 'thinking', text: 'Hmm, ', opaque: opaque.opaque },
        { kind: 'text', text: 'Yes.' },
        { kind: 'call', call: call.call, tool: 'read', input: { path: 'a' } },
      ]),
      message('tool', [
        { kind: 'result', call: call.call, tool: 'read', output: 'A', outcome: 'ok' },
      ]),
    ]
    await hear(models, ask(wire.model, { messages: history }))
    expect(JSON.stringify(seen.at(-1)?.body)).toContain('sig-1')
    const stranger = history.map((m) =>
      m.role === 'assistant'
        ? message('assistant', [
            { kind: 'thinking', text: 'Hmm, ', opaque: { provider: 'x', model: 'y' } },
            ...m.parts.slice(1),
          ])
        : m,
    )
    await hear(models, ask(wire.model, { messages: stranger }))
    expect(JSON.stringify(seen.at(-1)?.body)).not.toContain('Hmm')
  })

  test('a call of a tool, piece by piece', async () => {
    const said: Said[] = [
      { text: 'Reading.' },
      { call: { id: 'c1', name: 'read', args: ['{"pa', 'th":"a.txt"}'] } },
    ]
    handle = answerWith(wire.frames({ said, stop: 'calls' }))
    const items = await hear(create(wire), ask(wire.model))
    const [call] = callsOf(items)
    expect(call?.tool).toBe('read')
    expect(JSON.parse(inputOf(items, call?.call ?? ''))).toEqual({ path: 'a.txt' })
    const pieces = items.filter((i) => i.kind === 'args')
    if (wire.has.pieces) expect(pieces).toHaveLength(2)
    expect(lastOf(items, 'done').stop).toBe('calls')
    expect(JSON.stringify(seen[0]?.body)).toContain('Reads a file.')
  })

  test('a call without input has an empty object', async () => {
    const said: Said[] = [{ call: { id: 'c1', name: 'read', args: ['{}'] } }]
    handle = answerWith(wire.frames({ said, stop: 'calls' }))
    const items = await hear(create(wire), ask(wire.model))
    expect(JSON.parse(inputOf(items, callsOf(items)[0]?.call ?? ''))).toEqual({})
  })

  test('calls that are given the same id are told apart', async () => {
    const call = (args: string): Said => ({ call: { id: 'read', name: 'read', args: [args] } })
    const said = [call('{"path":"a"}'), call('{"path":"b"}')]
    handle = answerWith(wire.frames({ said, stop: 'calls' }))
    const items = await hear(create(wire), ask(wire.model))
    const ids = callsOf(items).map((c) => c.call)
    expect(new Set(ids).size).toBe(2)
    expect(ids.map((id) => JSON.parse(inputOf(items, id)))).toEqual([{ path: 'a' }, { path: 'b' }])
  })

  test('an empty answer is an answer', async () => {
    handle = answerWith(wire.frames({ said: [] }))
    const items = await hear(create(wire), ask(wire.model))
    expect(items).toHaveLength(1)
    expect(lastOf(items, 'done').stop).toBe('end')
  })

  test('an answer that was too long says so', async () => {
    handle = answerWith(wire.frames({ said: [{ text: 'And' }], stop: 'length' }))
    expect(lastOf(await hear(create(wire), ask(wire.model)), 'done').stop).toBe('length')
  })

  test('aborting ends the stream and closes the socket', async () => {
    const [first, second] = wire.frames({ said: [{ text: 'One ' }, { text: 'two' }] })
    const whole = wire.frames({ said: [{ text: 'One ' }], stop: 'none' }).join('')
    expect(first && second).toBeTruthy()
    const closed = new Promise<void>((resolve) => {
      handle = (_req, res) => {
        res.on('close', resolve)
        sse(res).write(whole)
      }
    })
    const stop = new AbortController()
    const items: ModelItem[] = []
    for await (const item of create(wire).stream(ask(wire.model, { signal: stop.signal }))) {
      items.push(item)
      if (item.kind === 'text') stop.abort('cancel')
    }
    expect(textOf(items)).toBe('One ')
    const failed = lastOf(items, 'failed')
    expect(failed.failure).toMatchObject({ code: 'aborted', retryable: false })
    expect(failed.usage.outputTokens).toBeGreaterThan(0)
    await closed
  })

  test('aborting while nothing has come yet', async () => {
    const stop = new AbortController()
    const closed = new Promise<void>((resolve) => {
      handle = (_req, res) => {
        res.on('close', resolve)
        stop.abort('cancel')
      }
    })
    const items = await hear(create(wire), ask(wire.model, { signal: stop.signal }))
    expect(lastOf(items, 'failed').failure.code).toBe('aborted')
    await closed
  })

  test('a reader that goes away closes the socket', async () => {
    const whole = wire.frames({ said: [{ text: 'One ' }], stop: 'none' }).join('')
    const closed = new Promise<void>((resolve) => {
      handle = (_req, res) => {
        res.on('close', resolve)
        sse(res).write(whole)
      }
    })
    for await (const item of create(wire).stream(ask(wire.model))) if (item.kind === 'text') break
    await closed
  })

  test('429 says when to come back, in seconds', async () => {
    handle = (_req, res) => {
      res.writeHead(429, { 'content-type': 'application/json', 'retry-after': '7' })
      res.end(JSON.stringify(wire.errorBody('Too fast.')))
    }
    const failed = lastOf(await hear(create(wire), ask(wire.model)), 'failed')
    expect(failed.failure).toMatchObject({
      code: 'rate_limited',
      status: 429,
      retryable: true,
      retryAfterMs: 7_000,
    })
    expect(failed.failure.message).toContain('Too fast.')
    expect(failed.usage).toMatchObject({ inputTokens: 0, outputTokens: 0, costUsd: 0 })
    expect(seen).toHaveLength(1)
  })

  test('429 says when to come back, as a date', async () => {
    handle = (_req, res) => {
      const at = new Date(Date.now() + 3_600_000).toUTCString()
      res.writeHead(429, { 'content-type': 'application/json', 'retry-after': at })
      res.end(JSON.stringify(wire.errorBody('Too fast.')))
    }
    const { failure } = lastOf(await hear(create(wire), ask(wire.model)), 'failed')
    expect(failure.retryAfterMs).toBeGreaterThan(3_000_000)
    expect(failure.retryAfterMs).toBeLessThanOrEqual(3_600_000)
  })

  test.each([
    [500, 'provider_error', true],
    [503, 'overloaded', true],
    [401, 'unauthorized', false],
    [404, 'unknown_model', false],
    [400, 'invalid_request', false],
  ])('%i is %s', async (status, code, retryable) => {
    handle = (_req, res) => {
      res.writeHead(status, { 'content-type': 'application/json' })
      res.end(JSON.stringify(wire.errorBody('No.')))
    }
    const { failure } = lastOf(await hear(create(wire), ask(wire.model)), 'failed')
    expect(failure).toMatchObject({ code, status, retryable })
    expect(seen).toHaveLength(1)
  })

  test.each([
    'prompt is too long: 300000 tokens > 200000 maximum',
    'input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000',
    "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
    'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
    'the request exceeds the available context size, try increasing it',
  ])('a prompt that is too long: %s', async (said) => {
    handle = (_req, res) => {
      res.writeHead(400, { 'content-type': 'application/json' })
      res.end(JSON.stringify(wire.errorBody(said)))
    }
    const { failure } = lastOf(await hear(create(wire), ask(wire.model)), 'failed')
    expect(failure).toMatchObject({ code: 'context_too_long', retryable: false })
  })

  test('a key never shows in an error', async () => {
    handle = (_req, res) => {
      res.writeHead(401, { 'content-type': 'application/json' })
      res.end(JSON.stringify(wire.errorBody(`Incorrect key provided: ${KEY}.`)))
    }
    const { failure } = lastOf(await hear(create(wire), ask(wire.model)), 'failed')
    expect(failure.message).toContain('Incorrect key provided')
    expect(failure.message).not.toContain(KEY)
  })

  test('a stream that just ends is cut off', async () => {
    handle = answerWith(wire.frames({ said: [{ text: 'Half' }], stop: 'none' }))
    const items = await hear(create(wire), ask(wire.model))
    expect(textOf(items)).toBe('Half')
    const failed = lastOf(items, 'failed')
    expect(failed.failure).toMatchObject({ code: 'cut_off', retryable: true })
    expect(failed.usage.outputTokens).toBeGreaterThan(0)
  })

  test('a connection that breaks is cut off', async () => {
    const whole = wire.frames({ said: [{ text: 'Half' }], stop: 'none' }).join('')
    handle = (_req, res) => {
      sse(res).write(whole, () => res.socket?.resetAndDestroy())
    }
    const { failure } = lastOf(await hear(create(wire), ask(wire.model)), 'failed')
    expect(failure).toMatchObject({ retryable: true })
    expect(['cut_off', 'unreachable']).toContain(failure.code)
  })

  test('an answer that stalls is given up', async () => {
    const whole = wire.frames({ said: [{ text: 'Half' }], stop: 'none' }).join('')
    const closed = new Promise<void>((resolve) => {
      handle = (_req, res) => {
        res.on('close', resolve)
        sse(res).write(whole)
      }
    })
    const items = await hear(create(wire, { stallMs: 60 }), ask(wire.model))
    expect(textOf(items)).toBe('Half')
    expect(lastOf(items, 'failed').failure).toMatchObject({ code: 'timed_out', retryable: true })
    await closed
  })

  test('a provider that never answers is given up', async () => {
    handle = () => undefined
    const items = await hear(create(wire, { firstByteMs: 60 }), ask(wire.model))
    expect(lastOf(items, 'failed').failure).toMatchObject({ code: 'timed_out', retryable: true })
  })

  test('a provider that is not there', async () => {
    const gone = createServer()
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve))
    const { port } = gone.address() as AddressInfo
    await new Promise((resolve) => gone.close(resolve))
    const models = createModels({ providers: {}, ...wire.settings(`http://127.0.0.1:${port}`) })
    const { failure } = lastOf(await hear(models, ask(wire.model)), 'failed')
    expect(failure).toMatchObject({ code: 'unreachable', retryable: true, status: null })
  })

  test('an error in the middle of a stream', async () => {
    const whole = wire.frames({ said: [{ text: 'Half' }], stop: 'none' }).join('')
    const error = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }
    handle = (_req, res) => sse(res).end(`${whole}event: error\n${data(error)}`)
    const items = await hear(create(wire), ask(wire.model))
    const { failure } = lastOf(items, 'failed')
    expect(failure.retryable).toBe(true)
  })

  test('halves of surrogate pairs break neither request nor answer', async () => {
    const said: Said[] = [{ text: 'Hi \ud83d' }, { text: '\ude00 and \ud83d' }, { text: ' x' }]
    handle = answerWith(wire.frames({ said }))
    const bad = 'bad \ud800 text'
    const messages = [
      user(bad),
      message('assistant', [{ kind: 'call', call: 'c', tool: 'read', input: { path: bad } }]),
      message('tool', [{ kind: 'result', call: 'c', tool: 'read', output: bad, outcome: 'ok' }]),
    ]
    const items = await hear(create(wire), ask(wire.model, { messages, system: bad }))
    lastOf(items, 'done')
    for (const item of items) if (item.kind === 'text') expect(item.text).not.toMatch(/\p{Cs}/u)
    // A wire that has one part a piece keeps the halves apart; the text is sound all the same.
    expect(textOf(items)).toMatch(/^Hi (\u{1f600}|\ufffd\ufffd) and \ufffd x$/u)
    const sent = JSON.stringify(seen[0]?.body)
    expect(sent).toContain('bad \ufffd text')
    expect(sent).not.toContain('\\ud800')
  })

  test('an answer that broke off is gone on with', async () => {
    handle = answerWith(wire.frames({ said: [{ text: ' you.' }] }))
    const messages = [
      user('Hello'),
      message('assistant', [
        { kind: 'thinking', text: 'unsigned' },
        { kind: 'text', text: 'I see' },
      ]),
    ]
    const items = await hear(create(wire), ask(wire.model, { messages, continues: true }))
    expect(textOf(items)).toBe(' you.')
    const sent = JSON.stringify(seen[0]?.body)
    expect(sent.indexOf('Go on from that very point')).toBeGreaterThan(sent.indexOf('I see'))
  })

  test('a key follows no redirect to another host', async () => {
    let others = 0
    const other = createServer((_req, res) => {
      others++
      res.end()
    })
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    handle = (_req, res) => {
      res.writeHead(307, { location: `http://127.0.0.1:${port}/v1/steal` }).end()
    }
    const { failure } = lastOf(await hear(create(wire), ask(wire.model)), 'failed')
    other.close()
    expect(others).toBe(0)
    expect(failure).toMatchObject({ code: 'provider_error', retryable: false })
    expect(failure.message).toContain('base URL')
  })

  test('names of tools that the provider would refuse', async () => {
    const said: Said[] = [{ call: { id: 'c', name: 'git_log_all', args: ['{}'] } }]
    handle = answerWith(wire.frames({ said, stop: 'calls' }))
    const tools = [{ name: 'git.log/all', about: 'x', input: SCHEMA }]
    const items = await hear(create(wire), ask(wire.model, { tools }))
    expect(callsOf(items)[0]?.tool).toBe('git.log/all')
    expect(JSON.stringify(seen[0]?.body)).not.toContain('git.log/all')
  })

  test('what cannot be read is remarked, not sent', async () => {
    handle = answerWith(wire.frames({ said: [{ text: 'ok' }] }))
    const messages = [
      message('user', [
        { kind: 'text', text: 'Look' },
        { kind: 'file', media: 'application/zip', name: 'a.zip', data: 'UEsDBA==' },
        { kind: 'file', media: 'text/plain', name: 'n.txt', data: 'aGVsbG8gdGhlcmU=' },
      ]),
    ]
    lastOf(await hear(create(wire), ask(wire.model, { messages })), 'done')
    const sent = JSON.stringify(seen[0]?.body)
    expect(sent).toContain('a.zip')
    expect(sent).toContain('is left out')
    expect(sent).toContain('hello there')
  })
})

describe('what only one provider has', () => {
  const wireOf = (name: string): Wire => {
    const wire = WIRES.find((w) => w.name === name)
    if (!wire) throw new Error(name)
    return wire
  }

  test('the cost that OpenRouter reports wins over the table', async () => {
    const wire = wireOf('openrouter')
    const usage = { prompt_tokens: 10, completion_tokens: 5, cost: 0.0123 }
    const frames = wire.frames({ said: [{ text: 'x' }] })
    frames.splice(-1, 0, data({ id: 'c', choices: [], usage }))
    handle = answerWith(frames)
    const done = lastOf(await hear(create(wire), ask(wire.model)), 'done')
    expect(done.usage.costUsd).toBe(0.0123)
    expect(seen[0]?.body).toMatchObject({ model: 'moonshotai/kimi-k2.6', usage: { include: true } })
  })

  test('an unknown price is unknown', async () => {
    const wire = wireOf('openai chat')
    handle = answerWith(
      wire.frames({ said: [{ text: 'x' }], usage: { input: 1, output: 1, cached: 0 } }),
    )
    const done = lastOf(await hear(create(wire), ask('openai:my-own')), 'done')
    expect(done.usage.costUsd).toBeNull()
    const priced = create(wire, { prices: { 'openai:my-own': { inputUsd: 1, outputUsd: 3 } } })
    expect(lastOf(await hear(priced, ask('openai:my-own')), 'done').usage.costUsd).toBeCloseTo(4e-6)
  })

  test('Anthropic is told where to cache and how to think', async () => {
    const wire = wireOf('anthropic')
    handle = answerWith(wire.frames({ said: [{ text: 'x' }] }))
    await hear(create(wire), ask(wire.model, { thinking: { budgetTokens: 5_000 } }))
    expect(seen[0]?.path).toBe('/v1/messages')
    expect(seen[0]?.headers['x-api-key']).toBe(KEY)
    expect(seen[0]?.body).toMatchObject({
      thinking: { type: 'enabled', budget_tokens: 5_000 },
      system: [{ cache_control: { type: 'ephemeral' } }],
      messages: [{ content: [{ cache_control: { type: 'ephemeral' } }] }],
    })
    await hear(
      create(wire),
      ask('anthropic:claude-opus-4-8', { thinking: { budgetTokens: 5_000 } }),
    )
    expect(seen[1]?.body).toMatchObject({ thinking: { type: 'adaptive', display: 'summarized' } })
    await hear(create(wire), ask('sonnet'))
    expect(seen[2]?.body).toMatchObject({
      model: 'claude-sonnet-5-5',
      thinking: { type: 'adaptive' },
    })
    expect(String(seen[2]?.headers['anthropic-beta'])).toContain('thinking-binding-controls')
  })

  test('Anthropic bills what was cut off, as far as it told', async () => {
    const wire = wireOf('anthropic')
    const usage = { input: 2_000, output: 0, cached: 300 }
    handle = answerWith(wire.frames({ said: [{ text: 'Half of it' }], stop: 'none', usage }))
    const failed = lastOf(await hear(create(wire), ask(wire.model)), 'failed')
    expect(failed.usage).toMatchObject({ inputTokens: 2_000, cacheReadTokens: 300 })
    expect(failed.usage.costUsd).toBeGreaterThan(0.006)
  })

  test('thinking that is hidden goes back before its call', async () => {
    const wire = wireOf('anthropic')
    const said: Said[] = [
      { think: '', token: 'sig-hidden' },
      { call: { id: 'c1', name: 'read', args: ['{}'] } },
    ]
    handle = answerWith(wire.frames({ said, stop: 'calls' }))
    const models = create(wire)
    const items = await hear(models, ask(wire.model))
    const call = callsOf(items)[0]
    expect(items.some((i) => i.kind === 'opaque')).toBe(false)
    const history = [
      user('Hello'),
      message('assistant', [
        { kind: 'call', call: 'c1', tool: 'read', input: {}, opaque: call?.opaque as Json },
      ]),
      message('tool', [{ kind: 'result', call: 'c1', tool: 'read', output: '', outcome: 'ok' }]),
    ]
    await hear(models, ask(wire.model, { messages: history }))
    const sent = seen.at(-1)?.body.messages as { content: { type: string }[] }[]
    expect(sent[1]?.content.map((c) => c.type)).toEqual(['thinking', 'tool_use'])
  })

  test('several blocks of thinking keep their own tokens', async () => {
    const wire = wireOf('anthropic')
    const said: Said[] = [
      { think: 'one ', token: 's1' },
      { think: 'two', token: 's2' },
      { text: 'x' },
    ]
    handle = answerWith(wire.frames({ said }))
    const models = create(wire)
    const items = await hear(models, ask(wire.model))
    const opaque = items.findLast((i) => i.kind === 'opaque')
    if (opaque?.kind !== 'opaque') throw new Error('no token')
    const thinking: Part = {
      kind: 'thinking',
      text: textOf(items, 'thinking'),
      opaque: opaque.opaque,
    }
    const messages = [
      user('a'),
      message('assistant', [thinking, { kind: 'text', text: 'x' }]),
      user('b'),
    ]
    await hear(models, ask(wire.model, { messages }))
    const sent = seen.at(-1)?.body.messages as { content: unknown[] }[]
    expect(sent[1]?.content.slice(0, 2)).toMatchObject([
      { type: 'thinking', thinking: 'one ', signature: 's1' },
      { type: 'thinking', thinking: 'two', signature: 's2' },
    ])
  })

  test('ids of calls are sound and appear once, whatever a history has', async () => {
    const wire = wireOf('anthropic')
    handle = answerWith(wire.frames({ said: [{ text: 'x' }] }))
    const turn = (call: string): Message[] => [
      message('assistant', [{ kind: 'call', call, tool: 'read', input: null }]),
      message('tool', [{ kind: 'result', call, tool: 'read', output: 'A', outcome: 'denied' }]),
    ]
    const messages = [user('a'), ...turn('read'), ...turn('read'), ...turn('x:y/z'), user('b')]
    lastOf(await hear(create(wire), ask(wire.model, { messages })), 'done')
    const sent = seen[0]?.body.messages as { content: { id?: string; tool_use_id?: string }[] }[]
    const ids = sent.flatMap((m) => m.content.flatMap((c) => c.id ?? []))
    const results = sent.flatMap((m) => m.content.flatMap((c) => c.tool_use_id ?? []))
    expect(ids).toEqual(results)
    expect(new Set(ids).size).toBe(3)
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{1,40}$/)
  })

  test('OpenAI keeps nothing, and hands its thinking back sealed', async () => {
    const wire = wireOf('openai responses')
    handle = answerWith(wire.frames({ said: [{ text: 'x' }] }))
    await hear(create(wire), ask(wire.model, { thinking: { budgetTokens: 20_000 } }))
    expect(seen[0]?.path).toBe('/v1/responses')
    expect(seen[0]?.body).toMatchObject({
      store: false,
      include: ['reasoning.encrypted_content'],
      reasoning: { effort: 'high' },
    })
  })

  test('a server that leaves out the reason but says that it is done', async () => {
    const wire = wireOf('openai chat')
    const frames = wire.frames({ said: [{ text: 'All.' }], stop: 'none' })
    handle = answerWith([...frames, 'data: [DONE]\n\n'])
    const items = await hear(create(wire), ask(wire.model))
    expect(textOf(items)).toBe('All.')
    expect(lastOf(items, 'done').stop).toBe('end')
  })

  test('Google refuses a prompt', async () => {
    const wire = wireOf('google')
    handle = answerWith([data({ promptFeedback: { blockReason: 'SAFETY' } })])
    expect(lastOf(await hear(create(wire), ask(wire.model)), 'done').stop).toBe('filter')
  })

  test('Google says when to come back in its own words', async () => {
    const wire = wireOf('google')
    handle = (_req, res) => {
      res.writeHead(429, { 'content-type': 'application/json' })
      const details = [{ '@type': 'RetryInfo', retryDelay: '34s' }]
      res.end(JSON.stringify({ error: { code: 429, message: 'x', status: 'X', details } }))
    }
    const { failure } = lastOf(await hear(create(wire), ask(wire.model)), 'failed')
    expect(failure.retryAfterMs).toBe(34_000)
  })

  test('money that has run out is no matter of time', async () => {
    const wire = wireOf('openai chat')
    handle = (_req, res) => {
      res.writeHead(429, { 'content-type': 'application/json', 'retry-after': '1' })
      const error = {
        message: 'You exceeded your current quota, please check your plan.',
        type: 'insufficient_quota',
        code: 'insufficient_quota',
      }
      res.end(JSON.stringify({ error }))
    }
    const { failure } = lastOf(await hear(create(wire), ask(wire.model)), 'failed')
    expect(failure).toMatchObject({ code: 'rate_limited', retryable: false, retryAfterMs: null })
  })

  test('a redirect on the same host is followed', async () => {
    const wire = wireOf('openai chat')
    const whole = answerWith(wire.frames({ said: [{ text: 'here' }] }))
    handle = (req, res, body) => {
      if (req.url?.startsWith('/v2')) whole(req, res, body)
      else res.writeHead(308, { location: '/v2/chat/completions' }).end()
    }
    expect(textOf(await hear(create(wire), ask(wire.model)))).toBe('here')
    expect(seen.at(-1)?.headers.authorization).toBe(`Bearer ${KEY}`)
  })
})
