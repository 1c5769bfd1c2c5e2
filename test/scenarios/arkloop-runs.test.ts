/** Arkloop's runs over real sockets: real store, engine and tools, the scripted model. */

import { uuidv7 } from 'uuidv7'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { frames } from '../support/sse.ts'
import {
  type Ark,
  begin,
  beginIn,
  isEnd,
  isEvent,
  listen,
  openArk,
  type Person,
  script,
  typesOf,
  until,
} from './arkloop-server.ts'

let ark: Ark
let alice: Person

beforeAll(async () => {
  ark = await openArk({
    world: {
      agents: {
        assistant: { permissions: { otherwise: { write: 'ask', execute: 'ask' } } },
        thrifty: { limits: { turns: 1 } },
      },
    },
  })
  alice = await ark.register('alice')
})

afterAll(async () => {
  await ark.close()
  expect(ark.logged.filter((line) => line.includes('"err"'))).toEqual([])
})

const says = (text: string) => [[{ say: text }]]
const statusOf = async (run: string) => (await alice.ask('GET', `/v1/runs/${run}`)).body.status
const ended = (run: string) =>
  until(async () => !['running', 'cancelling'].includes(await statusOf(run)))

describe('create', () => {
  it('answers 201 with the run and the trace, which the header repeats and the events carry', async () => {
    const made = await alice.ask('POST', '/v1/threads', {})
    const thread = made.body.id
    const posted = await alice.ask('POST', `/v1/threads/${thread}/messages`, {
      content: script(says('hello')),
    })
    const answer = await alice.ask('POST', `/v1/threads/${thread}/runs`)
    expect(answer.status).toBe(201)
    expect(Object.keys(answer.body)).toEqual(['run_id', 'trace_id'])
    expect(answer.body.trace_id).toMatch(/^[0-9a-f]{32}$/)
    expect(answer.headers.get('x-trace-id')).toBe(answer.body.trace_id)
    const told = await listen(ark.url, alice, answer.body.run_id, isEnd)
    const traces = told.slice(1).map((t) => t.body.data.trace_id)
    expect(new Set(traces)).toEqual(new Set([answer.body.trace_id]))
    expect(told[0]?.body.data).toEqual({
      continuation_source: 'none',
      continuation_loop: false,
      thread_tail_message_id: posted.body.id,
    })
  })

  it('a thread with no message at all is accepted', async () => {
    const { body } = await alice.ask('POST', '/v1/threads', {})
    const run = await alice.ask('POST', `/v1/threads/${body.id}/runs`, {})
    expect(run.status).toBe(201)
    await listen(ark.url, alice, run.body.run_id, isEnd)
  })

  it('refuses malformed ids and unknown words with 422', async () => {
    const { body } = await alice.ask('POST', '/v1/threads', {})
    const bad = [
      { route_id: 'bad id' },
      { route_id: '' },
      { persona_id: '' },
      { persona_id: 'a@b@c' },
      { output_model_key: 'gpt4' },
      { reasoning_mode: 'sideways' },
      { reasoning_mode: 'constructor' },
    ]
    for (const request of bad) {
      const answer = await alice.ask('POST', `/v1/threads/${body.id}/runs`, request)
      expect([request, answer.status, answer.body.code]).toEqual([request, 422, 'validation.error'])
    }
    const other = await alice.ask('POST', `/v1/threads/${uuidv7()}/runs`)
    expect([other.status, other.body.code]).toEqual([404, 'threads.not_found'])
    const noId = await alice.ask('POST', '/v1/threads/nonsense/runs')
    expect([noId.status, noId.body.code]).toEqual([422, 'validation.error'])
  })

  it('a busy thread refuses, also while it is being cancelled and while it waits', async () => {
    const { thread, run } = await begin(alice, [[{ call: 'ask_user', input: { question: 'q?' } }]])
    await listen(ark.url, alice, run, isEvent('run.paused'))
    const busy = await alice.ask('POST', `/v1/threads/${thread}/runs`)
    expect(busy.status).toBe(409)
    expect(busy.body).toMatchObject({
      code: 'runs.thread_busy',
      message: 'thread already running',
      trace_id: busy.headers.get('x-trace-id'),
    })
    await alice.ask('POST', `/v1/runs/${run}:cancel`)
    await ended(run)
  })

  it('of many at once exactly one is made', async () => {
    const { body } = await alice.ask('POST', '/v1/threads', {})
    await alice.ask('POST', `/v1/threads/${body.id}/messages`, {
      content: script([[{ hang: true }]]),
    })
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => alice.ask('POST', `/v1/threads/${body.id}/runs`)),
    )
    const statuses = answers.map((a) => a.status).sort()
    expect(statuses).toEqual([201, 409, 409, 409, 409, 409, 409, 409])
    const made = answers.find((a) => a.status === 201)
    await alice.ask('POST', `/v1/runs/${made?.body.run_id}:cancel`)
    await ended(made?.body.run_id)
  })

  it('personas, versions, routes and models that are not there fail the run, not the request', async () => {
    const cases: [object, string, object?][] = [
      [{ persona_id: 'nobody' }, 'persona.not_found'],
      [
        { persona_id: 'assistant@9' },
        'persona.version_mismatch',
        { persona_id: 'assistant', requested_version: '9', available_version: '1' },
      ],
      [{ route_id: uuidv7() }, 'routing.not_found'],
      [{ model: 'no-such-model' }, 'routing.model_not_found'],
    ]
    for (const [body, errorClass, details] of cases) {
      const { run } = await begin(alice, says('x'), body as Record<string, unknown>)
      const told = await listen(ark.url, alice, run, isEnd)
      const last = told.at(-1)
      expect([body, last?.event, last?.body.error_class]).toEqual([body, 'run.failed', errorClass])
      expect(last?.body.data).toMatchObject({
        error_class: errorClass,
        ...(details ? { details } : {}),
      })
      expect(typeof last?.body.error).toBe('string')
      expect(told[0]?.body.data).toMatchObject(body)
    }
  })

  it('the personas that the official clients know by heart answer', async () => {
    const { run } = await begin(alice, says('x'), { persona_id: 'normal', mode: 'chat' })
    const told = await listen(ark.url, alice, run, isEnd)
    expect(told.at(-1)?.event).toBe('run.completed')
  })

  it('an account may have no more runs at once than the server allows', async () => {
    const small = await openArk({ maxConcurrentRuns: 2 })
    try {
      const bob = await small.register('bob')
      const hang = [[{ hang: true }]]
      const first = await begin(bob, hang)
      await begin(bob, hang)
      const { body } = await bob.ask('POST', '/v1/threads', {})
      const refused = await bob.ask('POST', `/v1/threads/${body.id}/runs`)
      expect([refused.status, refused.body.code, refused.body.message]).toEqual([
        429,
        'runs.limit_exceeded',
        'concurrent run limit exceeded',
      ])
      const other = await small.register('other')
      expect((await begin(other, hang)).run).toBeTruthy()
      await bob.ask('POST', `/v1/runs/${first.run}:cancel`)
      await listen(small.url, bob, first.run, isEnd)
      const threads = await Promise.all(
        Array.from({ length: 6 }, async () => (await bob.ask('POST', '/v1/threads', {})).body.id),
      )
      const begun = await Promise.all(
        threads.map(async (id) => {
          await bob.ask('POST', `/v1/threads/${id}/messages`, { content: script(hang) })
          return (await bob.ask('POST', `/v1/threads/${id}/runs`)).status
        }),
      )
      expect(begun.sort()).toEqual([201, 429, 429, 429, 429, 429])
    } finally {
      await small.close()
    }
  })
})

describe('events', () => {
  const turns = [
    [
      { think: 'Let me think.', chunk: 4 },
      { say: 'Let me <look>.', chunk: 5 },
      { call: 'read', input: { path: 'nothing.txt' }, chunk: 6 },
      { usage: { inputTokens: 3000, outputTokens: 1000, cacheReadTokens: 1000 } },
    ],
    [{ say: 'There is nothing.' }],
  ]

  it('are framed with both key sets, numbered from 1 without gap, replay and live alike', async () => {
    const { run } = await begin(alice, turns)
    const live = await listen(ark.url, alice, run, isEnd)
    expect(live.map((t) => t.id)).toEqual(live.map((_, i) => i + 1))
    for (const { id, event, body } of live) {
      expect(body).toMatchObject({ seq: id, type: event, run_id: run, created_at: body.ts })
      expect(body.event_id).toMatch(/^[0-9a-f-]{36}$/)
      expect(body.ts).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d*[1-9])?Z$/)
      expect(body.data).toBeTypeOf('object')
    }
    const types = typesOf(live).filter((t, i, all) => t !== all[i - 1])
    expect(types).toEqual([
      'run.started',
      'worker.job.received',
      'run.route.selected',
      'llm.request',
      'message.delta',
      'tool.call.delta',
      'tool.call',
      'llm.turn.completed',
      'tool.result',
      'llm.request',
      'message.delta',
      'llm.turn.completed',
      'run.completed',
    ])
    const said = live.filter((t) => t.event === 'message.delta')
    const spoken = said.filter((t) => t.body.data.channel !== 'thinking')
    expect(spoken.map((t) => t.body.data.content_delta).join('')).toBe(
      'Let me <look>.There is nothing.',
    )
    for (const { body } of spoken)
      expect(body).toMatchObject({
        content_delta: body.data.content_delta,
        data: { content: body.data.content_delta, role: 'assistant' },
      })
    const thought = said.filter((t) => t.body.data.channel === 'thinking')
    expect(thought.map((t) => t.body.data.content_delta).join('')).toBe('Let me think.')
    expect(thought.every((t) => !('content' in t.body.data))).toBe(true)
    const call = live.find(isEvent('tool.call'))
    expect(call?.body).toMatchObject({
      tool_name: 'read',
      data: { tool_name: 'read', arguments: { path: 'nothing.txt' } },
    })
    const result = live.find(isEvent('tool.result'))
    expect(result?.body).toMatchObject({ tool_name: 'read', error_class: 'tool.execution_failed' })
    expect(live.at(-1)?.body.data).toMatchObject({
      usage: { input_tokens: expect.any(Number), cache_read_input_tokens: 1000 },
      assistant_message: {
        role: 'assistant',
        content: [{ type: 'text', text: 'There is nothing.' }],
      },
    })
    const again = await listen(ark.url, alice, run, isEnd)
    expect(again.map((t) => t.raw)).toEqual(live.map((t) => t.raw))
    expect(live.some((t) => t.raw.data.includes('<'))).toBe(false)
  })

  it('answer with exactly the headers of the real system, and ping at once', async () => {
    const { run } = await begin(alice, says('hi'))
    await ended(run)
    const stop = new AbortController()
    const response = await fetch(`${ark.url}/v1/runs/${run}/events?after_seq=1`, {
      headers: { authorization: `bearer ${alice.token}` },
      signal: stop.signal,
    })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(response.headers.get('cache-control')).toBe('no-cache')
    expect(response.headers.get('x-accel-buffering')).toBe('no')
    expect(response.headers.get('x-trace-id')).toMatch(/^[0-9a-f]{32}$/)
    const first = []
    for await (const frame of frames(response)) {
      first.push(frame)
      if (first.length === 2) break
    }
    expect(first[0]?.comment).toBe('ping')
    expect(first[1]?.id).toBe('2')
    stop.abort()
  })

  it('resume after a number, in the query or in Last-Event-ID; the query wins', async () => {
    const { run } = await begin(alice, says('one two three'))
    const all = await listen(ark.url, alice, run, isEnd)
    const tail = await listen(ark.url, alice, run, isEnd, 'after_seq=3')
    expect(tail.map((t) => t.raw)).toEqual(all.slice(3).map((t) => t.raw))
    const follow = async (query: string, headers: object) => {
      const answer = await alice.ask('GET', `/v1/runs/${run}/events?${query}`, undefined, headers)
      return (answer.body as string).match(/^id: \d+$/gm)?.map((l) => Number(l.slice(4))) ?? []
    }
    expect((await follow('follow=false', { 'last-event-id': '4' }))[0]).toBe(5)
    expect((await follow('follow=false&after_seq=1', { 'last-event-id': '4' }))[0]).toBe(2)
    expect(await follow(`follow=false&after_seq=${all.length}`, {})).toEqual([])
  })

  it('are refused before any byte of the stream', async () => {
    const { run } = await begin(alice, says('x'))
    for (const query of ['after_seq=-1', 'after_seq=abc', 'follow=maybe']) {
      const { status, body } = await alice.ask('GET', `/v1/runs/${run}/events?${query}`)
      expect([query, status, body.code]).toEqual([query, 422, 'validation.error'])
    }
    const nobody = await ark.ask('GET', `/v1/runs/${run}/events`)
    expect([nobody.status, nobody.body.code]).toEqual([401, 'auth.missing_token'])
    const unknown = await alice.ask('GET', `/v1/runs/${uuidv7()}/events`)
    expect([unknown.status, unknown.body.code]).toEqual([404, 'runs.not_found'])
    const method = await alice.ask('POST', `/v1/runs/${run}/events`, {})
    expect([method.status, method.body.code]).toEqual([405, 'http.method_not_allowed'])
  })

  it('go on after the end: the stream stays open, and the title follows', async () => {
    const { thread, run } = await begin(alice, says('x'))
    let isTitled = false
    const told = await listen(ark.url, alice, run, (t) => {
      if (isEnd(t) && !isTitled) {
        isTitled = true
        void alice.ask('PATCH', `/v1/threads/${thread}`, { title: 'A new title' })
      }
      return t.event === 'thread.title.updated'
    })
    expect(told.at(-1)?.body.data).toMatchObject({ thread_id: thread, title: 'A new title' })
    expect(told.at(-2)?.event).toBe('run.completed')
  })

  it('a provider that fails after all tries interrupts the run, which says so before', async () => {
    const fail = { fail: { code: 'overloaded', message: 'Busy.', retryable: true } }
    const { run } = await begin(alice, [[fail]])
    const told = await listen(ark.url, alice, run, isEnd)
    expect(typesOf(told)).toContain('run.llm.retry')
    expect(told.at(-1)?.event).toBe('run.interrupted')
    expect(told.at(-1)?.body.error_class).toBe('provider.retryable')
    expect(await statusOf(run)).toBe('interrupted')
  })

  it('a run over its limit fails with the limit’s class', async () => {
    const { run } = await begin(
      alice,
      [[{ call: 'read', input: { path: 'x' } }], [{ say: 'never' }]],
      { persona_id: 'thrifty' },
    )
    const told = await listen(ark.url, alice, run, isEnd)
    expect(told.at(-1)?.body.error_class).toBe('agent.reasoning_iterations_exceeded')
  })
})

describe('cancel', () => {
  it('needs no body, is idempotent, and writes one request', async () => {
    const { run } = await begin(alice, [[{ say: 'I begin' }, { hang: true }]])
    await listen(ark.url, alice, run, isEvent('message.delta'))
    const first = await alice.ask('POST', `/v1/runs/${run}:cancel`, {
      last_seen_seq: 5,
      client_cancelled_at: '2026-01-02T03:04:05Z',
    })
    expect([first.status, first.body]).toEqual([200, { ok: true }])
    expect((await alice.ask('POST', `/v1/runs/${run}:cancel`)).body).toEqual({ ok: true })
    const told = await listen(ark.url, alice, run, isEnd)
    expect((await alice.ask('POST', `/v1/runs/${run}:cancel`)).body).toEqual({ ok: true })
    const requests = told.filter(isEvent('run.cancel_requested'))
    expect(requests).toHaveLength(1)
    expect(requests[0]?.body.data).toMatchObject({
      trace_id: first.headers.get('x-trace-id'),
      last_seen_seq: 5,
      visible_seq_cutoff: 5,
      requested_by_user_id: alice.id,
      client_cancelled_at: '2026-01-02T03:04:05Z',
    })
    expect(told.at(-1)?.event).toBe('run.cancelled')
    expect(await statusOf(run)).toBe('cancelled')
  })

  it('refuses nonsense', async () => {
    const { run } = await begin(alice, says('x'))
    const bad = await alice.ask('POST', `/v1/runs/${run}:cancel`, { last_seen_seq: -1 })
    expect([bad.status, bad.body.code]).toEqual([422, 'validation.error'])
    const noTime = { client_cancelled_at: '2026-02-30T00:00:00Z' }
    const never = await alice.ask('POST', `/v1/runs/${run}:cancel`, noTime)
    expect([never.status, never.body.message]).toEqual([
      422,
      'invalid client_cancelled_at: must be RFC3339',
    ])
    const none = await alice.ask('POST', `/v1/runs/${uuidv7()}:cancel`, {})
    expect([none.status, none.body.code]).toEqual([404, 'runs.not_found'])
    for (const [method, path, status] of [
      ['POST', `/v1/runs/${run}:explode`, 404],
      ['POST', `/v1/runs/${run}/cancel`, 404],
      ['POST', `/v1/runs/${run}/retry`, 404],
      ['GET', `/v1/runs/${run}:cancel`, 405],
      ['PUT', `/v1/runs/${run}`, 405],
      ['GET', '/v1/runs/', 404],
      ['GET', `/v1/runs/${run}/`, 200],
    ] as const) {
      const answer = await alice.ask(method, path, method === 'GET' ? undefined : {})
      expect([method, path, answer.status]).toEqual([method, path, status])
      const codes = { 200: undefined, 404: 'http.not_found', 405: 'http.method_not_allowed' }
      expect(answer.body.code).toBe(codes[status])
    }
  })
})

describe('input', () => {
  const asks = [
    [{ call: 'ask_user', input: { question: 'Which colour?', options: ['red', 'blue'] } }],
    [{ say: 'Good.' }],
  ]

  it('answers a question: text, or a form', async () => {
    for (const [content, response] of [
      ['red', 'red'],
      ['{"c":"red"}', { c: 'red' }],
      ['{}', {}],
    ] as const) {
      const { run } = await begin(alice, asks)
      const asked = await listen(ark.url, alice, run, isEvent('run.paused'))
      const request = asked.find(isEvent('run.input_requested'))
      expect(request?.body.data).toMatchObject({
        message: 'Which colour?',
        requestedSchema: { properties: { answer: { type: 'string' } } },
      })
      expect(asked.find(isEvent('run.waiting_for_input'))).toBeDefined()
      const run1 = (await alice.ask('GET', `/v1/runs/${run}`)).body
      expect(run1).toMatchObject({ status: 'running', waiting_for_input: true })
      const answer = await alice.ask('POST', `/v1/runs/${run}/input`, { content })
      expect([answer.status, answer.body]).toEqual([200, { ok: true }])
      const told = await listen(ark.url, alice, run, isEnd)
      const from = typesOf(told).indexOf('run.input_requested')
      expect(typesOf(told).slice(from, from + 6)).toEqual([
        'run.input_requested',
        'run.waiting_for_input',
        'run.paused',
        'run.input_provided',
        'run.resumed',
        'tool.result',
      ])
      expect(told.find(isEvent('run.input_provided'))?.body.data).toMatchObject({
        content,
        trace_id: answer.headers.get('x-trace-id'),
      })
      expect(told.find(isEvent('tool.result'))?.body.data).toMatchObject({
        tool_name: 'ask_user',
        tool_call_id: request?.body.data.request_id,
        result: { user_response: response },
      })
    }
  })

  it('approves and denies; what is clearly neither is refused, and the run waits on', async () => {
    const writes = (file: string) => [
      [{ call: 'write', input: { path: file, content: 'x' } }],
      [{ say: 'Done.' }],
    ]
    const { run } = await begin(alice, writes('a.txt'))
    const asked = await listen(ark.url, alice, run, isEvent('run.paused'))
    expect(asked.find(isEvent('run.input_requested'))?.body.data).toMatchObject({
      message: expect.stringContaining('a.txt'),
      requestedSchema: {
        properties: { decision: { type: 'string' }, reason: { type: 'string' } },
        required: ['decision'],
      },
    })
    for (const content of ['maybe later', 'what does it do?', '{"colour":"red"}']) {
      const refused = await alice.ask('POST', `/v1/runs/${run}/input`, { content })
      expect([content, refused.status, refused.body.code]).toEqual([
        content,
        422,
        'validation.error',
      ])
    }
    expect((await alice.ask('GET', `/v1/runs/${run}`)).body.waiting_for_input).toBe(true)
    await alice.ask('POST', `/v1/runs/${run}/input`, { content: 'yes' })
    const told = await listen(ark.url, alice, run, isEnd)
    expect(told.find(isEvent('tool.result'))?.body.error_class).toBeUndefined()

    const other = await begin(alice, writes('b.txt'))
    await listen(ark.url, alice, other.run, isEvent('run.paused'))
    const content = '{"decision":"deny","reason":"Not that file."}'
    await alice.ask('POST', `/v1/runs/${other.run}/input`, { content })
    const denied = await listen(ark.url, alice, other.run, isEnd)
    const result = denied.find(isEvent('tool.result'))
    expect(result?.body.error_class).toBe('policy.denied')
    expect(JSON.stringify(result?.body.data)).toContain('Not that file.')
  })

  it('may come through another dialect, and is told here in words', async () => {
    const { run, thread } = await begin(alice, [
      [{ call: 'write', input: { path: 'c.txt', content: 'x' } }],
      [{ say: 'Done.' }],
    ])
    await listen(ark.url, alice, run, isEvent('run.paused'))
    const path = `/api/v1/threads/thread_${thread.replaceAll('-', '')}/resume`
    const approved = await ark.ask('POST', path, { action: 'approve' })
    expect(approved.status).toBe(200)
    const told = await listen(ark.url, alice, run, isEnd)
    expect(told.find(isEvent('run.input_provided'))?.body.data.content).toBe('approve')
    expect(told.find(isEvent('tool.result'))?.body.error_class).toBeUndefined()
    const late = await alice.ask('POST', `/v1/runs/${run}/input`, { content: 'yes' })
    expect(late.body.code).toBe('runs.not_active')
  })

  it('has its limits: 32768 bytes pass, one more is refused, and so is nothing', async () => {
    const { run } = await begin(alice, asks)
    await listen(ark.url, alice, run, isEvent('run.paused'))
    const send = (content: unknown) => alice.ask('POST', `/v1/runs/${run}/input`, { content })
    expect(await send('  ')).toMatchObject({
      status: 422,
      body: { code: 'validation.error', message: 'content must not be empty' },
    })
    // Two bytes a letter.
    expect(await send('é'.repeat(16_385))).toMatchObject({
      status: 422,
      body: { message: 'content too large' },
    })
    expect((await send(5)).status).toBe(422)
    expect((await alice.ask('POST', `/v1/runs/${run}/input`)).status).toBe(422)
    // The form is looked at before the run.
    const unknown = await alice.ask('POST', `/v1/runs/${uuidv7()}/input`, { content: ' ' })
    expect(unknown.status).toBe(422)
    expect(await alice.ask('POST', `/v1/runs/${uuidv7()}/input`, { content: 'x' })).toMatchObject({
      status: 404,
      body: { code: 'runs.not_found' },
    })
    expect((await send('é'.repeat(16_384))).status).toBe(200)
    await listen(ark.url, alice, run, isEnd)
    expect(await send('x')).toMatchObject({
      status: 409,
      body: { code: 'runs.not_active', message: 'run is not active' },
    })
  })

  it('steers a run that waits for nothing, and is no message of the thread', async () => {
    const { run, thread } = await begin(alice, [
      [{ say: 'One.' }, { pause: 300 }],
      [{ say: 'Two.' }],
    ])
    await listen(ark.url, alice, run, isEvent('message.delta'))
    const steered = await alice.ask('POST', `/v1/runs/${run}/input`, { content: ' go left ' })
    expect(steered.status).toBe(200)
    const told = await listen(ark.url, alice, run, isEnd)
    expect(told.find(isEvent('run.input_provided'))?.body.data).toEqual({
      content: 'go left',
      trace_id: steered.headers.get('x-trace-id'),
    })
    expect(told.find(isEvent('run.steering_injected'))?.body.data.content).toBe('go left')
    expect(told.filter(isEvent('llm.turn.completed'))).toHaveLength(2)
    const messages = (await alice.ask('GET', `/v1/threads/${thread}/messages`)).body
    expect(messages.map((m: { role: string }) => m.role)).toEqual(['user', 'assistant'])
  })

  it('is refused while the run is being cancelled', async () => {
    const { run } = await begin(alice, asks)
    await listen(ark.url, alice, run, isEvent('run.paused'))
    await alice.ask('POST', `/v1/runs/${run}:cancel`)
    const late = await alice.ask('POST', `/v1/runs/${run}/input`, { content: 'red' })
    expect([late.status, late.body.code]).toEqual([409, 'runs.not_active'])
    await ended(run)
  })
})

describe('lists', () => {
  it('a thread’s runs, newest first; and the whole account’s as an array or an envelope', async () => {
    const first = await begin(alice, says('one'))
    await ended(first.run)
    const second = await beginIn(alice, first.thread, [
      [
        { say: 'x'.repeat(20) },
        { usage: { inputTokens: 3000, outputTokens: 900, cacheReadTokens: 2000 } },
      ],
    ])
    await ended(second.run)
    const runs = await alice.ask('GET', `/v1/threads/${first.thread}/runs`)
    expect(runs.body).toEqual([
      { run_id: second.run, status: 'completed', created_at: expect.any(String) },
      { run_id: first.run, status: 'completed', created_at: expect.any(String) },
    ])
    const one = await alice.ask('GET', `/v1/threads/${first.thread}/runs?limit=1`)
    expect(one.body).toHaveLength(1)
    for (const limit of ['0', '201', 'x'])
      expect(
        (await alice.ask('GET', `/v1/threads/${first.thread}/runs?limit=${limit}`)).status,
      ).toBe(422)

    const list = await alice.ask('GET', `/v1/runs?thread_id=${first.thread}`)
    expect(list.body.map((r: { run_id: string }) => r.run_id)).toEqual([second.run, first.run])
    expect(list.headers.get('x-total-count')).toBe('2')
    const me = (await alice.ask('GET', '/v1/me')).body
    expect(list.body[0]).toEqual({
      run_id: second.run,
      org_id: me.account_id,
      account_id: me.account_id,
      thread_id: first.thread,
      status: 'completed',
      model: 'test',
      persona_id: 'assistant',
      parent_run_id: null,
      total_input_tokens: 3000,
      total_output_tokens: 900,
      total_cost_usd: expect.any(Number),
      duration_ms: expect.any(Number),
      cache_hit_rate: 0.4,
      credits_used: 4,
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
      completed_at: expect.stringMatching(/^\d{4}-.*Z$/),
      failed_at: null,
      created_by_user_id: alice.id,
      created_by_user_name: 'alice',
      created_by_email: 'alice@example.com',
    })
    const envelope = await alice.ask('GET', `/v1/runs?thread_id=${first.thread}&limit=1&offset=1`)
    expect(envelope.body).toMatchObject({ data: [{ run_id: first.run }], total: 2 })
  })

  it('pages by `before`, a run or a time; an unknown cursor is refused', async () => {
    const thread = (await alice.ask('POST', '/v1/threads', {})).body.id
    const made: string[] = []
    for (const text of ['a', 'b', 'c']) {
      const { run } = await beginIn(alice, thread, says(text))
      await ended(run)
      made.unshift(run)
    }
    const page = async (query: string) =>
      (await alice.ask('GET', `/v1/runs?thread_id=${thread}&limit=2${query}`)).body
    const ids = (rows: { run_id: string }[]) => rows.map((r) => r.run_id)
    const first = await page('')
    expect(ids(first)).toEqual(made.slice(0, 2))
    expect(ids(await page(`&before=${made[1]}`))).toEqual(made.slice(2))
    expect(ids(await page(`&before=${made[2]}`))).toEqual([])
    const early = encodeURIComponent('2001-01-01T00:00:00Z')
    expect(await page(`&before=${early}`)).toEqual([])
    expect((await alice.ask('GET', '/v1/runs?before=nowhere')).status).toBe(422)
    expect((await alice.ask('GET', `/v1/runs?before=${uuidv7()}`)).status).toBe(422)
  })

  it('filters, and says what is wrong with a filter', async () => {
    const { run, thread } = await begin(alice, [[{ fail: { code: 'invalid_request' } }]])
    await ended(run)
    const find = async (query: string) =>
      (await alice.ask('GET', `/v1/runs?${query}`)).body.map((r: { run_id: string }) => r.run_id)
    expect(await find(`run_id=${run}`)).toEqual([run])
    expect(await find(`thread_id=${thread.slice(0, 35)}&status=failed`)).toEqual([run])
    expect(await find(`thread_id=${thread}&status=completed`)).toEqual([])
    for (const unknown of ['strange', 'constructor', '__proto__'])
      expect(await find(`thread_id=${thread}&status=${unknown}`)).toEqual([])
    expect(await find(`thread_id=${thread}&model=TES`)).toEqual([run])
    expect(await find(`thread_id=${thread}&persona_id=assis`)).toEqual([run])
    expect(await find(`thread_id=${thread}&persona_id=nobody`)).toEqual([])
    expect(await find(`thread_id=${thread}&since=2001-01-01T00:00:00Z`)).toEqual([run])
    expect(await find(`thread_id=${thread}&until=2001-01-01T00:00:00Z`)).toEqual([])
    for (const [query, message] of [
      ['limit=0', 'limit must be 1-200'],
      ['offset=-1', 'offset must be >= 0'],
      ['since=yesterday', 'invalid since: must be RFC3339'],
      ['since=2026-02-31T00:00:00Z', 'invalid since: must be RFC3339'],
      ['account_id=5', 'invalid account_id'],
      ['run_id=zzz', 'invalid run_id'],
      ['since=2002-01-01T00:00:00Z&until=2001-01-01T00:00:00Z', 'since must not be after until'],
    ]) {
      const { status, body } = await alice.ask('GET', `/v1/runs?${query}`)
      expect([query, status, body.message]).toEqual([query, 422, message])
    }
  })

  it('one run as it is, with the trace of the request', async () => {
    const { run, thread } = await begin(alice, says('x'))
    await ended(run)
    const { status, body, headers } = await alice.ask('GET', `/v1/runs/${run}`)
    expect(status).toBe(200)
    const account = body.account_id
    expect(body).toEqual({
      run_id: run,
      account_id: account,
      org_id: account,
      thread_id: thread,
      created_by_user_id: alice.id,
      status: 'completed',
      waiting_for_input: false,
      created_at: expect.any(String),
      trace_id: headers.get('x-trace-id'),
    })
    expect((await alice.ask('GET', '/v1/runs/not-a-uuid')).body.code).toBe('validation.error')
    expect((await alice.ask('GET', `/v1/runs/${uuidv7()}`)).body.code).toBe('runs.not_found')
  })
})

describe('again', () => {
  const words = async (thread: string) =>
    (await alice.ask('GET', `/v1/threads/${thread}/messages`)).body.map(
      (m: { role: string; run_id?: string }) => [m.role, m.run_id],
    )

  it(':retry does the last run again and hides what came of it', async () => {
    const { run, thread, message } = await begin(alice, says('first'))
    await ended(run)
    const again = await alice.ask('POST', `/v1/threads/${thread}:retry`)
    expect(again.status).toBe(201)
    const told = await listen(ark.url, alice, again.body.run_id, isEnd)
    expect(told[0]?.body.data.source).toBe('retry')
    expect(await words(thread)).toEqual([
      ['user', again.body.run_id],
      ['assistant', again.body.run_id],
    ])
    const messages = (await alice.ask('GET', `/v1/threads/${thread}/messages`)).body
    expect(messages[0].id).toBe(message)
    const { body } = await alice.ask('POST', '/v1/threads', {})
    expect(await alice.ask('POST', `/v1/threads/${body.id}:retry`)).toMatchObject({
      status: 400,
      body: { code: 'runs.invalid_state' },
    })
  })

  it(':retry is done by whom it was done before', async () => {
    const { run, thread } = await begin(alice, says('first'), { persona_id: 'work' })
    await ended(run)
    const { run_id } = (await alice.ask('POST', `/v1/threads/${thread}:retry`)).body
    await ended(run_id)
    const [row] = (await alice.ask('GET', `/v1/runs?run_id=${run_id}`)).body
    expect(row.persona_id).toBe('work')
  })

  it(':retry of a thread whose last word waits begins a run', async () => {
    const { body } = await alice.ask('POST', '/v1/threads', {})
    await alice.ask('POST', `/v1/threads/${body.id}/messages`, { content: script(says('x')) })
    const run = await alice.ask('POST', `/v1/threads/${body.id}:retry`, {})
    expect((await listen(ark.url, alice, run.body.run_id, isEnd)).at(-1)?.event).toBe(
      'run.completed',
    )
  })

  it(':continue takes up what broke off, and nothing else', async () => {
    const broken = [
      [{ say: 'Half of it' }, { fail: { code: 'invalid_request' } }],
      [{ say: ' and more' }],
    ]
    const { run, thread } = await begin(alice, broken)
    await ended(run)
    const go = await alice.ask('POST', `/v1/threads/${thread}:continue`, { run_id: run })
    expect(go.status).toBe(201)
    const told = await listen(ark.url, alice, go.body.run_id, isEnd)
    expect(told[0]?.body.data).toMatchObject({
      resume_from_run_id: run,
      continuation_source: 'user_followup',
      continuation_loop: true,
    })
    const runs = (await alice.ask('GET', `/v1/threads/${thread}/runs`)).body
    expect(runs[0]).toMatchObject({ run_id: go.body.run_id, resume_from_run_id: run })
    expect((await words(thread)).filter(([role]: string[]) => role === 'user')).toHaveLength(1)
    for (const wrong of [go.body.run_id, uuidv7()])
      expect(
        await alice.ask('POST', `/v1/threads/${thread}:continue`, { run_id: wrong }),
      ).toMatchObject({
        status: 400,
        body: { code: 'runs.invalid_state' },
      })
    expect((await alice.ask('POST', `/v1/threads/${thread}:continue`, {})).status).toBe(422)
  })

  it('a message after a run that was cancelled resumes it', async () => {
    const { run, thread } = await begin(alice, [[{ say: 'I was' }, { hang: true }]])
    await listen(ark.url, alice, run, isEvent('message.delta'))
    await alice.ask('POST', `/v1/runs/${run}:cancel`, { last_seen_seq: 3 })
    await ended(run)
    const next = await beginIn(alice, thread, says('Now then.'))
    const told = await listen(ark.url, alice, next.run, isEnd)
    expect(told[0]?.body.data).toMatchObject({
      resume_from_run_id: run,
      continuation_response: true,
    })
  })

  it('they too refuse a busy thread', async () => {
    const { run, thread, message } = await begin(alice, [[{ hang: true }]])
    const all = [
      await alice.ask('POST', `/v1/threads/${thread}:retry`),
      await alice.ask('POST', `/v1/threads/${thread}:continue`, { run_id: run }),
      await alice.ask('PATCH', `/v1/threads/${thread}/messages/${message}`, { content: 'x' }),
    ]
    expect(all.map((a) => [a.status, a.body.code])).toEqual(
      all.map(() => [409, 'runs.thread_busy']),
    )
    await alice.ask('POST', `/v1/runs/${run}:cancel`)
    await ended(run)
  })
})
