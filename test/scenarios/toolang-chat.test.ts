/**
 * Chats over real sockets: what is refused and how, streams as the AI SDK reads them, stop, steer and
 * restart.
 */

import { DefaultChatTransport, readUIMessageStream, type UIMessage, type UIMessageChunk } from 'ai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { long } from '../../src/dialects/toolang/id.ts'
import { frames } from '../support/sse.ts'
import { type Agent, ask, type Fields, openAgent, says, script, until } from './toolang-agent.ts'

let agent: Agent
beforeAll(async () => {
  agent = await openAgent()
})
afterAll(() => agent.close())

const chat = (body: object) => agent.ask('POST', '/api/v1/chat', body)
const run = async (id: string): Promise<Fields> =>
  (await agent.ask('GET', `/api/v1/runs/${id}`)).body

/** A stream that has begun; its frames as they come. */
async function stream(body: object) {
  const response = await fetch(`${agent.own}/api/v1/chat/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const seen: Fields[] = []
  let isDone = false
  const over = (async () => {
    for await (const { data, comment } of frames(response)) {
      if (comment !== null) continue
      expect(isDone, 'nothing comes after [DONE]').toBe(false)
      if (data === '[DONE]') isDone = true
      else seen.push(JSON.parse(data))
    }
    return isDone
  })()
  const has = (type: string) =>
    until(
      async () => seen.find((f) => f.type === type),
      (f) => f !== undefined,
    ) as Promise<Fields>
  return { response, seen, over, has }
}

const typesOf = (seen: Fields[]): string[] =>
  seen.map((f) => f.type).filter((t, i, all) => t !== all[i - 1])

describe('a chat', () => {
  it('is answered whole, on a thread that the server names', async () => {
    const { status, body } = await chat(says('hello one'))
    expect(status).toBe(200)
    expect(body.thread_id).toMatch(/^web_[0-9a-hjkmnp-tv-z]{26}$/)
    expect(body.thread).toMatchObject({ id: body.thread_id, title: 'hello one', run_count: 1 })
    expect(body.message).toMatchObject({
      id: `${body.run_id}:input:0`,
      parts: [{ type: 'text', text: 'hello one' }],
      meta: { action: 'start', input_index: 0 },
    })
    expect(body.assistant).toMatchObject({
      id: `${body.run_id}:step:1`,
      parts: [{ type: 'text', text: 'You said: hello one' }],
      meta: {},
    })
    const next = await chat({ ...says('and two'), thread: body.thread_id })
    expect(next.body.thread).toMatchObject({ run_count: 2, title: 'hello one' })
  })

  it('belongs to its peer', async () => {
    const peer = { type: 'agent', name: 'bob', thread: 'chat_bobthrd1' }
    const { body } = await chat({ ...says('from bob'), client: 'chat', peer })
    expect(body.thread_id).toMatch(/^chat_/)
    expect(body.thread.peer).toEqual(peer)
    const thread = body.thread_id
    expect((await chat({ ...says('again'), thread, peer })).status).toBe(200)
    expect((await chat({ ...says('again'), thread })).status).toBe(200)
    const stranger = await chat({ ...says('x'), thread, peer: { type: 'user', name: 'user' } })
    expect(stranger).toMatchObject({
      status: 409,
      body: { detail: `chat thread peer mismatch: ${thread}` },
    })
    const robot = await chat({ ...says('x'), peer: { type: 'robot' } })
    expect(robot.body).toEqual({ detail: 'unsupported thread peer type: robot' })
    const noName = await chat({ ...says('x'), peer: { type: 'agent' } })
    expect(noName.body).toEqual({ detail: 'agent thread peer requires name' })
  })

  it('echoes its parts and its meta, and tells them to the model', async () => {
    const parts = [
      { type: 'text', text: 'see' },
      {
        type: 'image',
        image_url: 'data:image/png;base64,iVBORw0KGgo=',
        filename: 'a.png',
        media_type: 'image/png',
      },
    ]
    const { body } = await chat({ message: { parts, meta: { from: 'test' } } })
    expect(body.thread.title).toBe('see [image:a.png]')
    expect(body.message.parts[1]).toEqual({ ...parts[1], detail: 'auto' })
    expect(body.message.meta).toEqual({ from: 'test', action: 'start', input_index: 0 })
    const audio = { type: 'audio', data_url: 'data:audio/wav;base64,UklGRg==' }
    const heard = await chat({ message: { parts: [audio] } })
    expect(heard.body.message.parts[0]).toEqual({
      ...{ type: 'audio', data: 'UklGRg==', format: 'wav', media_type: 'audio/wav' },
    })
    const file = { type: 'file', file_data: 'data:application/pdf;base64,JVBERi0=' }
    const read = await chat({ message: { parts: [file] } })
    expect(read.body.message.parts[0]).toEqual(file)
    const { last } = await agent.engine.thread(long(read.body.thread_id.slice(4)) as string)
    const pdf = { kind: 'file', media: 'application/pdf', data: 'JVBERi0=' }
    expect(last?.input).toEqual([pdf])
  })

  it('is refused in the words of the real server', async () => {
    const refusals: [unknown, number, unknown][] = [
      [undefined, 422, [{ type: 'missing', loc: ['body'], msg: 'Field required', input: null }]],
      [{}, 422, [{ type: 'missing', loc: ['body', 'message'], msg: 'Field required', input: {} }]],
      [
        { ...says('x'), client: 'phone' },
        422,
        [
          {
            type: 'literal_error',
            loc: ['body', 'client'],
            msg: "Input should be 'web', 'tui' or 'chat'",
            input: 'phone',
            ctx: { expected: "'web', 'tui' or 'chat'" },
          },
        ],
      ],
      [
        { message: { parts: [] } },
        422,
        [
          {
            type: 'too_short',
            loc: ['body', 'message', 'parts'],
            msg: 'List should have at least 1 item after validation, not 0',
            input: [],
            ctx: { field_type: 'List', min_length: 1, actual_length: 0 },
          },
        ],
      ],
      [
        { ...says('x'), thread: '' },
        422,
        [
          {
            type: 'string_too_short',
            loc: ['body', 'thread'],
            msg: 'String should have at least 1 character',
            input: '',
            ctx: { min_length: 1 },
          },
        ],
      ],
      [
        '{nope',
        422,
        [
          {
            type: 'json_invalid',
            loc: ['body', 1],
            msg: 'JSON decode error',
            input: {},
            ctx: { error: 'Expecting property name enclosed in double quotes' },
          },
        ],
      ],
      [{ message: { role: 'assistant', parts: [{}] } }, 422, 'chat message role must be user'],
      [{ message: { role: 'system', parts: [{}] } }, 422, 'unsupported message role: system'],
      [{ message: { parts: [{}] } }, 422, 'unknown message part type: <empty>'],
      [
        { message: { parts: [{ type: 'image' }] } },
        422,
        'image part requires image_url or file_id',
      ],
      ...[
        { type: 'image', image_url: 'data:image/png;base64,!!' },
        { type: 'audio', data: '!!', format: 'wav' },
        { type: 'file', file_data: 'data:application/pdf;base64,' },
      ].map((part): [unknown, number, unknown] => [
        { message: { parts: [part] } },
        422,
        `${part.type} part requires its data in base64`,
      ]),
      [{ ...says('x'), thread: 'web_zzzzzzzz' }, 404, 'chat thread not found: web_zzzzzzzz'],
    ]
    for (const [body, status, detail] of refusals)
      expect(await chat(body as object)).toMatchObject({ status, body: { detail } })
    const query = await agent.ask('GET', '/api/v1/runs?limit=x')
    expect(query.body.detail).toEqual([
      {
        type: 'int_parsing',
        loc: ['query', 'limit'],
        msg: 'Input should be a valid integer, unable to parse string as an integer',
        input: 'x',
      },
    ])
  })

  it('answers paths that are not there as the real server does', async () => {
    expect(await agent.ask('GET', '/api/v1/nope')).toMatchObject({
      status: 404,
      body: { detail: 'Not Found' },
    })
    const method = await agent.ask('DELETE', '/api/v1/profile')
    expect(method).toMatchObject({ status: 405, body: { detail: 'Method Not Allowed' } })
    expect(method.headers.get('allow')).toContain('GET')
    expect(method.headers.get('vary')).toBe('Origin')
    const slash = await agent.ask('GET', '/api/v1/profile/')
    expect(slash.status).toBe(307)
    const followed = await fetch(`${agent.own}/api/v1/profile/`)
    expect(followed.status).toBe(200)
  })

  it('with the same request_id is the same run', async () => {
    const body = { ...says('once'), request_id: 'req-1' }
    const [first, second] = await Promise.all([chat(body), chat(body)])
    expect(second.body.run_id).toBe(first.body.run_id)
    expect(first.body.message.meta.request_id).toBe('req-1')
    const other = await chat({ ...says('other words'), request_id: 'req-1' })
    expect(other.status).toBe(409)
    const { over, seen } = await stream(body)
    expect(await over).toBe(true)
    expect(seen[0]?.messageId).toBe(first.body.run_id)
  })

  it('that fails says so in the answer', async () => {
    const { status, body } = await chat(script([{ fail: { message: 'fake failure' } }]))
    expect(status).toBe(200)
    expect(body.assistant).toMatchObject({
      parts: [{ type: 'text', text: 'fake failure' }],
      meta: { error: 'fake failure' },
    })
    expect(body.thread.latest_run.status).toBe('failed')
    const { output } = await run(body.run_id)
    expect(output).toMatchObject({ status: 'failed', error: 'fake failure' })
    expect(output.steps.at(-1)).toMatchObject({
      virtual: true,
      record: { kind: 'runtime', output: [{ type: 'text', text: 'fake failure' }] },
    })
  })
})

describe('the stream', () => {
  it('is read by the AI SDK as it is', async () => {
    const transport = new DefaultChatTransport<UIMessage>({
      api: `${agent.own}/api/v1/chat/stream`,
      prepareSendMessagesRequest: () => ({
        body: script(
          [{ say: 'Let me look.' }, { call: 'write', input: { path: 'a.txt', content: 'A' } }],
          [{ call: 'read', input: { path: 'nowhere.txt' } }],
          [{ say: 'It is written.' }],
        ),
      }),
    })
    const chunks: UIMessageChunk[] = []
    const source = await transport.sendMessages({
      ...{ trigger: 'submit-message', chatId: 'c', messageId: undefined, messages: [] },
      abortSignal: undefined,
    })
    const kept = source.pipeThrough(
      new TransformStream<UIMessageChunk, UIMessageChunk>({
        transform(chunk, out) {
          chunks.push(chunk)
          out.enqueue(chunk)
        },
      }),
    )
    let last: UIMessage | null = null
    const errors: unknown[] = []
    const read = readUIMessageStream({ stream: kept, onError: (e) => errors.push(e) })
    for await (const message of read) last = message
    expect(errors).toEqual([])
    expect(last?.id).toMatch(/^run_/)
    expect(last?.metadata).toMatchObject({ runId: last?.id, role: 'assistant' })
    const parts = last?.parts ?? []
    expect(parts.map((p) => p.type)).toEqual([
      ...['step-start', 'text', 'tool-write', 'step-start', 'tool-read', 'step-start', 'text'],
    ])
    expect(parts[2]).toMatchObject({
      state: 'output-available',
      input: { path: 'a.txt', content: 'A' },
      output: { ok: true },
    })
    expect(parts[4]).toMatchObject({ state: 'output-error' })
    expect(parts[6]).toMatchObject({ text: 'It is written.', state: 'done' })
    expect(chunks.at(-1)).toMatchObject({ type: 'finish', finishReason: 'stop' })
  })

  it('has the frames and the headers of the real server', async () => {
    const { response, seen, over } = await stream(
      script([{ call: 'list', input: { path: '.' } }], [{ say: 'Done.' }]),
    )
    expect(response.headers.get('x-vercel-ai-ui-message-stream')).toBe('v1')
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(await over).toBe(true)
    expect(typesOf(seen)).toEqual([
      ...['start', 'message-metadata', 'start-step', 'tool-input-start', 'tool-input-delta'],
      ...['tool-input-available', 'finish-step', 'tool-output-available', 'start-step'],
      ...['text-start', 'text-delta', 'text-end', 'finish-step', 'finish'],
    ])
    expect(seen.find((f) => f.type === 'tool-input-start')).toMatchObject({ toolName: 'list' })
  })

  it('tells errors as frames and ends', async () => {
    const { seen, over } = await stream(script([{ fail: { message: 'fake failure' } }]))
    expect(await over).toBe(true)
    expect(typesOf(seen)).toEqual([
      ...['start', 'message-metadata', 'start-step', 'error', 'finish'],
    ])
    expect(seen.at(-2)).toEqual({ type: 'error', errorText: 'fake failure' })
    expect(seen.at(-1)).toEqual({ type: 'finish' })
  })

  it('is refused before it begins', async () => {
    for (const [body, status] of [
      [{ message: { role: 'system', parts: [{ type: 'text', text: 'x' }] } }, 422],
      [{ ...says('x'), model: 'nope/none' }, 422],
      [says('/nosuch thing'), 422],
      [{ ...says('x'), thread: 'web_zzzzzzzz' }, 404],
    ] as const) {
      const { response } = await stream(body)
      expect(response.status).toBe(status)
    }
    const before = await agent.ask('GET', '/api/v1/threads?limit=-1')
    await chat({ ...says('x'), model: 'nope/none' })
    const after = await agent.ask('GET', '/api/v1/threads?limit=-1')
    expect(after.body.items).toHaveLength(before.body.items.length)
  })
})

describe('a run that goes on', () => {
  const SLOW = [{ say: 'a' }, { hang: true }]

  it('is interrupted by an immediate stop, and every stream of it ends', async () => {
    const { has, over, seen } = await stream(script(SLOW))
    const { messageId } = await has('start')
    await has('text-delta')
    const events = fetch(`${agent.own}/api/v1/runs/${messageId}/stream`).then((r) => r.text())
    const { status, body } = await agent.ask('POST', `/api/v1/runs/${messageId}/stop`, {
      ...{ reason: 'enough', request_id: 'sp-1' },
    })
    expect(status).toBe(200)
    expect(body.run).toMatchObject({ status: 'canceled', error: 'enough' })
    expect(body.run.failure).toMatchObject({ reason: 'enough' })
    expect(body.input).toMatchObject({
      ...{ action: 'stop', mode: 'immediate', request_id: 'sp-1' },
      ref: { kind: 'input', index: 1 },
    })
    expect(await over).toBe(true)
    expect(seen.at(-1)).toEqual({ type: 'finish' })
    expect(await events).toContain('"type":"run_end"')
    const again = await agent.ask('POST', `/api/v1/runs/${messageId}/stop`, 'null')
    expect(again).toMatchObject({ status: 200, body: { run: { status: 'canceled' } } })
  })

  it('answers a buffered chat also when it is stopped', async () => {
    const answer = chat(script(SLOW))
    const id = await running()
    await agent.ask('POST', `/api/v1/runs/${id}/stop`)
    const { status, body } = await answer
    expect(status).toBe(200)
    expect(body.thread.latest_run.status).toBe('canceled')
    expect(body.assistant.meta.error).toBe('canceled')
  })

  const running = async (): Promise<string> => {
    const { body } = await until(
      () => agent.ask('GET', '/api/v1/runs?limit=1'),
      ({ body }) => body.items[0]?.status === 'running',
    )
    return body.items[0].id
  }

  it('can be stopped before its turn has come', async () => {
    const first = await stream(script(SLOW))
    const { messageId, messageMetadata } = await first.has('start')
    const thread = messageMetadata.threadId
    const waiting = stream({ ...says('second'), thread })
    const { body } = await until(
      () => agent.ask('GET', `/api/v1/runs?thread_id=${thread}`),
      (a) => a.body.items.length === 2,
    )
    const [second] = body.items
    expect(second).toMatchObject({ input_text: 'second', status: 'running', started_at: null })
    const stopped = await agent.ask('POST', `/api/v1/runs/${second.id}/stop`)
    expect(stopped.body.run.status).toBe('canceled')
    const { over, seen } = await waiting
    expect(await over).toBe(true)
    expect(seen).toEqual([{ type: 'finish' }])
    expect((await run(messageId)).output.status).toBe('running')
    await agent.ask('POST', `/api/v1/runs/${messageId}/stop`)
    expect(await first.over).toBe(true)
  })

  it('lets its step come to an end when it is stopped for the next one', async () => {
    const { has, over, seen } = await stream(
      script(
        [{ say: 'one ' }, { pause: 300 }, { say: 'two' }, { call: 'list', input: {} }],
        [{ say: 'never' }],
      ),
    )
    const { messageId } = await has('start')
    await has('text-delta')
    const { body } = await agent.ask('POST', `/api/v1/runs/${messageId}/stop`, {
      mode: 'next_step',
    })
    expect(body.run.status).toBe('running')
    expect(await over).toBe(true)
    const said = seen.filter((f) => f.type === 'text-delta').map((f) => f.delta)
    expect(said.join('')).toBe('one two')
    expect((await run(messageId)).output.status).toBe('canceled')
  })

  it('reads what it is steered with at its next step', async () => {
    const { has, over } = await stream(script([{ say: 'a' }, { pause: 300 }], [{ say: 'b' }]))
    const { messageId } = await has('start')
    const body = { ...says('steer words'), request_id: 'st-1' }
    const first = await agent.ask('POST', `/api/v1/runs/${messageId}/steer`, body)
    expect(first.body.input).toMatchObject({
      ...{ action: 'steer', mode: 'next_step', request_id: 'st-1' },
      ref: { kind: 'input', index: 1 },
      message: { role: 'user', parts: [{ type: 'text', text: 'steer words' }] },
    })
    const second = await agent.ask('POST', `/api/v1/runs/${messageId}/steer`, body)
    expect(second.body).toEqual(first.body)
    expect(await over).toBe(true)
    const { inputs, output } = await run(messageId)
    expect(inputs).toHaveLength(2)
    expect(inputs[1].message.parts).toEqual([{ type: 'text', text: 'steer words' }])
    expect(output.steps[1].record.input).toContainEqual({ kind: 'input', index: 1 })
    const late = await agent.ask('POST', `/api/v1/runs/${messageId}/steer`, says('x'))
    expect(late.body).toEqual({ detail: `run is not running: ${messageId}` })
  })

  it('is replaced when it is restarted', async () => {
    const { has, over } = await stream(script(SLOW))
    const { messageId } = await has('start')
    await has('text-delta')
    const body = { ...says('instead'), request_id: 'rs-1' }
    const first = await agent.ask('POST', `/api/v1/runs/${messageId}/restart`, body)
    expect(first.body.previous_run).toMatchObject({
      id: messageId,
      superseded: { type: 'replaced', by: first.body.run_id },
    })
    expect(await over).toBe(true)
    const second = await agent.ask('POST', `/api/v1/runs/${messageId}/restart`, body)
    expect(second.body.run_id).toBe(first.body.run_id)
    const again = await agent.ask('POST', `/api/v1/runs/${messageId}/restart`, says('x'))
    expect(again.body).toEqual({ detail: `run is already superseded: ${messageId}` })
    const next = await until(
      () => run(first.body.run_id),
      (r) => r.output.status === 'finished',
    )
    expect(next.output.steps[0].message.parts[0].text).toBe('You said: instead')
    expect((await run(messageId)).output.error).toBe('Run was restarted.')
    const listed = await agent.ask('GET', `/api/v1/runs?thread_id=${next.info.thread_id}`)
    expect(listed.body.items.map((i: Fields) => i.id)).toEqual([first.body.run_id])
  })
})

describe('beside other dialects', () => {
  it('asks where nothing keeps commands apart, says that it waits, and others answer', async () => {
    const open = await openAgent({ isolated: false })
    try {
      const response = await fetch(`${open.own}/api/v1/chat/stream`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(
          script([{ call: 'write', input: { path: 'b.txt', content: 'B' } }], [{ say: 'Done.' }]),
        ),
      })
      const seen: Fields[] = []
      for await (const { data, comment } of frames(response)) {
        if (comment !== null || data === '[DONE]') continue
        const frame = JSON.parse(data) as Fields
        seen.push(frame)
        if (frame.type !== 'data-waiting') continue
        expect(frame.data).toMatchObject({ kind: 'approval', tools: ['write'] })
        const asks = await ask(open.url, 'GET', '/manifold/v1/asks')
        const [first] = asks.body.items
        const answer = await ask(
          ...([open.url, 'POST', `/manifold/v1/asks/${first.id}/answer`] as const),
          { body: { allow: true } },
        )
        expect(answer.status).toBe(202)
      }
      expect(seen.find((f) => f.type === 'tool-output-available')).toBeDefined()
    } finally {
      await open.close()
    }
  })

  it('shows threads of another dialect, and they go on here', async () => {
    const started = await ask(agent.url, 'POST', '/api/v1/run', {
      body: { prompt: 'from ownware', model: 'scripted:x' },
    })
    expect(started.status).toBe(200)
    const { body } = await until(
      () => agent.ask('GET', '/api/v1/threads?limit=1'),
      (a) => a.body.items[0]?.title === 'from ownware' && a.body.items[0].active_run === null,
    )
    const thread = body.items[0].id
    expect(thread).toMatch(/^chat_/)
    const next = await chat({ ...says('from toolang'), thread })
    expect(next.body.thread.run_count).toBe(2)
    const atRoot = await ask(agent.url, 'GET', `/api/v1/threads/${thread}`)
    expect(atRoot.body.info.id).toBe(thread)
    const prefixed = await ask(agent.url, 'GET', '/toolang/healthz')
    expect(prefixed.body.ok).toBe(true)
  })
})

describe('the agent as a whole', () => {
  it('tells its events from a cursor on, live and again', async () => {
    const aborted = new AbortController()
    const { body: before } = await agent.ask('GET', '/api/v1/agent/events?limit=1')
    const live = (async () => {
      const seen: Fields[] = []
      const response = await fetch(`${agent.own}/api/v1/agent/stream?after=${before.cursor}`, {
        signal: aborted.signal,
      })
      for await (const f of frames(response)) {
        if (f.comment !== null) continue
        seen.push(JSON.parse(f.data))
        if (seen.length === 3) return seen
      }
      return seen
    })()
    await chat(says('told'))
    await agent.ask('PUT', '/api/v1/prompts/told/file', { content: 'x' })
    const seen = await live
    aborted.abort()
    expect(seen.map((e) => e.type)).toEqual(['thread_update', 'thread_update', 'prompt_changed'])
    const again = await agent.ask('GET', `/api/v1/agent/events?after=${before.cursor}`)
    expect(again.body.items).toEqual(seen)
    const updates = await agent.ask('GET', '/api/v1/events?limit=1')
    expect(updates.body.items[0]).toMatchObject({
      kind: 'prompt_changed',
      payload: { name: 'told', visibility: 'private' },
    })
    const stub = await fetch(`${agent.own}/api/v1/events/stream`)
    expect(await stub.text()).toBe(': ok\n\n')
  })

  it('tells the prompt that was really sent', async () => {
    const { body } = await chat(says('what instructs you?'))
    const { output } = await run(body.run_id)
    const { instruct, context } = output.steps[0].record.payload
    const sent = await agent.ask('GET', `/api/v1/instruct/${instruct}`)
    expect(sent.body.body).toContain('You are a general assistant.')
    expect(sent.body.body).toContain('Where you work:')
    expect((await agent.ask('GET', `/api/v1/context/${context}`)).status).toBe(200)
  })
})
