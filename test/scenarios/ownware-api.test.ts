/**
 * The Ownware dialect over real sockets: real store, real engine, real tools, the scripted model.
 * What is restarted here is everything but the process.
 */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { uuidv7 } from 'uuidv7'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openBox } from '../../src/access/index.ts'
import { openCatalog } from '../../src/catalog/index.ts'
import { ownware } from '../../src/dialects/ownware/index.ts'
import { createEngine, DEFAULT_SETTINGS } from '../../src/engine/index.ts'
import { openEndpoints } from '../../src/models/endpoints.ts'
import { createModels } from '../../src/models/index.ts'
import { createRunner, openWorkspace } from '../../src/sandbox/index.ts'
import { createServer } from '../../src/server/server.ts'
import { openSqliteStore } from '../../src/store/index.ts'
import { createToolbox } from '../../src/tools/index.ts'
import { frames, json, type SseFrame } from '../support/sse.ts'

// ---- a server ---------------------------------------------------------------------------------

const silent = { debug() {}, info() {}, warn() {}, error() {} }

async function openServer(folder: string) {
  const store = await openSqliteStore({ folder: join(folder, 'data') })
  const models = createModels({
    providers: {},
    ollamaUrl: 'http://127.0.0.1:9',
    defaultModel: 'scripted:x',
  })
  const runner = createRunner({ mode: 'plain' })
  const toolbox = createToolbox({ runner, openWorkspace, allowPrivateFetch: false })
  const catalog = await openCatalog({ folders: [], writable: join(folder, 'agents') })
  const endpoints = await openEndpoints({ store, models, box: openBox(join(folder, 'data')) })
  const engine = createEngine({
    ...{ store, models, toolbox, catalog, endpoints, log: silent },
    sandbox: { runner, openWorkspace },
    clock: Date.now,
    newId: uuidv7,
    settings: {
      ...DEFAULT_SETTINGS,
      worker: uuidv7(),
      workspace: join(folder, 'workspace'),
      retryMs: 1,
    },
  })
  const dialect = ownware(engine, { version: '9.9.9', startedAt: Date.now(), now: Date.now })
  const server = createServer({
    engine,
    dialects: [dialect],
    host: '127.0.0.1',
    port: 0,
    access: { tokens: { matches: () => false } },
    log: silent,
    graceMs: 200,
  })
  const { url } = await server.listen()
  await engine.start()
  return {
    url,
    async close() {
      const told = server.close()
      await engine.close()
      await told
      await Promise.all([toolbox.close(), catalog.close()])
      await store.close()
    },
  }
}

let folder: string
let server: Awaited<ReturnType<typeof openServer>>

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'manifold-ownware-'))
  mkdirSync(join(folder, 'workspace'))
  server = await openServer(folder)
})

afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

async function restart(): Promise<void> {
  await server.close()
  server = await openServer(folder)
}

// ---- a client -----------------------------------------------------------------------------------

type Body = Record<string, unknown>

interface Answer<T = Body> {
  status: number
  headers: Headers
  body: T
}

async function ask<T = Body>(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer<T>> {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: { 'Content-Type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type') === 'application/json'
  return {
    status: response.status,
    headers: response.headers,
    body: (isJson ? JSON.parse(text) : text) as T,
  }
}

interface Started {
  runId: string
  threadId: string
}

const script = (...turns: unknown[][]): string => `script ${JSON.stringify(turns)}`

async function run(prompt: string, more: Body = {}): Promise<Started> {
  const { status, body } = await ask<Started & Body>('POST', '/api/v1/run', {
    profileId: 'assistant',
    prompt,
    ...more,
  })
  expect(body).toMatchObject({ status: 'running' })
  expect(status).toBe(200)
  return body
}

const open: AbortController[] = []
afterEach(() => {
  for (const controller of open.splice(0)) controller.abort()
})

/** Reads a stream in the background, as clients do. */
function watch(path: string) {
  const seen: Body[] = []
  const controller = new AbortController()
  open.push(controller)
  const waiting: (() => void)[] = []
  let isOver = false
  let failure: unknown = null
  const wake = (): void => {
    for (const go of waiting.splice(0)) go()
  }
  const reading = (async () => {
    const response = await fetch(`${server.url}${path}`, { signal: controller.signal })
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
    for await (const frame of frames(response)) {
      if (frame.data !== '') seen.push({ event: (frame as SseFrame).event, ...json(frame) })
      wake()
    }
  })()
    .catch((error: unknown) => {
      if (!controller.signal.aborted) failure = error
    })
    .finally(() => {
      isOver = true
      wake()
    })
  return {
    seen,
    ended: reading,
    get isOver() {
      return isOver
    },
    /** The first frame of that type that fits. */
    async until(type: string, fits: (frame: Body) => boolean = () => true): Promise<Body> {
      for (;;) {
        const found = seen.find((f) => f.type === type && fits(f))
        if (found) return found
        if (failure) throw failure
        if (isOver) throw new Error(`no ${type} among ${seen.map((f) => f.type).join(', ')}`)
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
    },
  }
}

const root = (threadId: string, since?: number): string =>
  `/api/v1/threads/${threadId}/agents/root/events${since === undefined ? '' : `?since=${since}`}`

const numbered = (seen: Body[]): Body[] => seen.filter((f) => f.seq !== undefined)
const types = (seen: Body[]): unknown[] => seen.map((f) => f.type)
const seqs = (seen: Body[]): unknown[] => numbered(seen).map((f) => f.seq)
const countTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1)

const WRITES = (path: string): string =>
  script(
    [{ say: 'Calling. ' }, { call: 'write', id: 'c1', input: { path, content: 'hi' } }],
    [{ say: 'Done.' }],
  )

// ---- scenarios ----------------------------------------------------------------------------------

describe('the four calls of the page', () => {
  it('start, stream, continue', async () => {
    const models = await ask<Body[]>('GET', '/api/v1/models')
    expect(Array.isArray(models.body)).toBe(true)
    expect(models.body[0]).toHaveProperty('hasCredentials')
    const posted = await ask('POST', '/api/v1/run', { profileId: 'assistant', prompt: 'hello' })
    expect(posted.headers.get('content-type')).toBe('application/json')
    expect(posted.body).toEqual({
      runId: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-/),
      threadId: expect.stringMatching(/^thread_[0-9a-f]{32}$/),
      agentId: 'root',
      profileId: 'assistant',
      candidateId: null,
      model: 'scripted:x',
      status: 'running',
      timeoutMs: 1_800_000,
    })
    const { threadId } = posted.body as unknown as Started
    const stream = watch(root(threadId))
    await stream.until('session.end')
    expect(types(numbered(stream.seen)).filter((t) => t !== 'text.delta')).toEqual([
      'user.message',
      'session.start',
      'turn.start',
      'text.complete',
      'turn.end',
      'session.end',
    ])
    await stream.until('stream.replay.complete')
    await run('again', { threadId })
    await stream.until('session.end', (f) => (f.seq as number) > 8)
    expect(seqs(stream.seen)).toEqual(countTo(numbered(stream.seen).length))
    expect(stream.isOver).toBe(false)
    expect(stream.seen.every((f) => f.event === f.type)).toBe(true)
  })

  it('lets a reader come back anywhere, with the same bytes', async () => {
    const { threadId } = await run(script([{ say: 'one two three four' }]))
    const first = watch(root(threadId))
    await first.until('session.end')
    const last = numbered(first.seen).length
    for (const since of [0, 1, 4, last]) {
      const again = watch(root(threadId, since))
      const complete = await again.until('stream.replay.complete')
      expect(numbered(again.seen)).toEqual(numbered(first.seen).slice(since))
      expect(complete).toMatchObject({
        since,
        replayedThroughSeq: last,
        maxSeqAtStart: last,
        liveTail: false,
      })
    }
    const ahead = await ask('GET', root(threadId, last + 1))
    expect(ahead).toMatchObject({
      status: 409,
      body: { error: 'cursor_ahead', streamHighWaterCursor: last },
    })
    const bad = await ask('GET', `${root(threadId)}?since=x`)
    expect(bad).toMatchObject({ status: 400, body: { error: 'cursor_invalid' } })
  })
})

describe('an approval', () => {
  it('shows what is asked, refuses nonsense, and runs the tool once it is given', async () => {
    const { threadId, runId } = await run(WRITES('approved.txt'))
    const stream = watch(root(threadId))
    const request = await stream.until('permission.request')
    expect(request).toMatchObject({
      requestId: 'c1',
      toolName: 'write',
      input: { path: 'approved.txt', content: 'hi' },
      inputSummary: '2 input fields',
      operationHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    const resume = `/api/v1/threads/${threadId}/resume`
    expect(await ask('POST', resume, {})).toMatchObject({
      status: 400,
      body: { message: 'Missing required field: action' },
    })
    expect((await ask('POST', resume, { action: 'banana' })).status).toBe(400)
    expect(await ask('POST', resume, { action: 'approve', requestId: 'nope' })).toMatchObject({
      status: 404,
      body: { error: 'permission_request_not_found' },
    })
    expect(await ask('POST', resume, { action: 'answer', answer: 'x' })).toMatchObject({
      status: 409,
    })
    const snapshot = await ask('GET', `/api/v1/runs/${runId}`)
    expect(snapshot.body).toMatchObject({ status: 'waiting', terminal: false, endSeq: null })
    expect(existsSync(join(folder, 'workspace/approved.txt'))).toBe(false)
    const approved = await ask('POST', resume, { action: 'approve' })
    expect(approved).toMatchObject({
      status: 200,
      body: { threadId, action: 'approve', approved: true, pendingCount: 0 },
    })
    await stream.until('session.end')
    expect(readFileSync(join(folder, 'workspace/approved.txt'), 'utf8')).toBe('hi')
    const order = types(numbered(stream.seen))
    expect(order.filter((t) => /^(perm|tool.call.end|check)/.test(String(t)))).toEqual([
      'permission.request',
      'permission.response',
      'tool.call.end',
      'checkpoint.saved',
    ])
    expect(await ask('POST', resume, { action: 'approve' })).toMatchObject({
      status: 404,
      body: { message: `No active runtime for thread "${threadId}"` },
    })
  })

  it('is asked for one call at a time, as clients that name no request expect', async () => {
    const call = (path: string) => ({ call: 'write', id: path, input: { path, content: 'hi' } })
    const { threadId } = await run(
      script([call('seen.txt'), call('unseen.txt')], [{ say: 'Done.' }]),
    )
    const stream = watch(root(threadId))
    const resume = `/api/v1/threads/${threadId}/resume`
    const first = await stream.until('permission.request')
    const early = { action: 'approve', requestId: 'unseen.txt' }
    expect((await ask('POST', resume, early)).body.error).toBe('permission_request_not_found')
    expect((await ask('POST', resume, { action: 'approve' })).status).toBe(200)
    const second = await stream.until('permission.request', (f) => f.seq !== first.seq)
    expect([first.requestId, second.requestId]).toEqual(['seen.txt', 'unseen.txt'])
    expect((await ask('POST', resume, { action: 'deny' })).status).toBe(200)
    await stream.until('session.end')
    const made = ['seen.txt', 'unseen.txt'].map((f) => existsSync(join(folder, 'workspace', f)))
    expect(made).toEqual([true, false])
  })

  it('may be given after a restart, to readers that come back with their cursor', async () => {
    const { threadId } = await run(WRITES('restarted.txt'))
    const before = watch(root(threadId))
    const request = await before.until('permission.request')
    await before.until('stream.replay.complete')
    await restart()
    await before.ended
    expect(before.seen.at(-1)).toEqual({
      event: 'stream.shutdown',
      type: 'stream.shutdown',
      threadId,
      agentId: 'root',
      reason: 'gateway_shutdown',
      retryAfterMs: 5000,
    })
    const after = watch(root(threadId, request.seq as number))
    await after.until('stream.replay.complete', (f) => f.liveTail === true)
    const approved = await ask('POST', `/api/v1/threads/${threadId}/resume`, { action: 'approve' })
    expect(approved.status).toBe(200)
    await after.until('session.end', (f) => f.reason === 'end_turn')
    const all = [...numbered(before.seen), ...numbered(after.seen)]
    expect(seqs(all)).toEqual(countTo(all.length))
    expect(types(all).filter((t) => t === 'tool.call.end')).toHaveLength(1)
    expect(existsSync(join(folder, 'workspace/restarted.txt'))).toBe(true)
  })

  it('may be refused; the model is told and goes on', async () => {
    const { threadId } = await run(WRITES('refused.txt'))
    const stream = watch(root(threadId))
    await stream.until('permission.request')
    await ask('POST', `/api/v1/threads/${threadId}/resume`, { action: 'deny', requestId: 'c1' })
    const end = await stream.until('tool.call.end')
    expect(end).toMatchObject({ isError: true })
    expect(end).not.toHaveProperty('outputBytesRaw')
    await stream.until('session.end', (f) => f.reason === 'end_turn')
    expect(existsSync(join(folder, 'workspace/refused.txt'))).toBe(false)
  })

  it('may be decided by its hash, once', async () => {
    const { threadId, runId } = await run(WRITES('hashed.txt'))
    const { operationHash } = await watch(root(threadId)).until('permission.request')
    const path = `/api/v1/runs/${runId}/permissions/c1/decision`
    const wrong = { decision: 'approve', operationHash: '0'.repeat(64) }
    expect((await ask('POST', path, wrong)).body.error).toBe('permission_operation_mismatch')
    const right = { decision: 'approve', operationHash }
    expect(await ask('POST', path, right)).toMatchObject({
      status: 200,
      body: { runId, requestId: 'c1', decision: 'approve', operationHash },
    })
    expect(await ask('POST', path, right)).toMatchObject({
      status: 409,
      body: { error: 'permission_already_decided' },
    })
    const other = `/api/v1/runs/${runId}/permissions/c2/decision`
    expect((await ask('POST', other, right)).body.error).toBe('permission_request_not_found')
  })

  it('may hold for ever', async () => {
    const prompt = (path: string): string =>
      script([{ call: 'edit', input: { path, old: 'hi', new: 'ho' } }], [{ say: 'Done.' }])
    const first = await run(prompt('approved.txt'))
    const stream = watch(root(first.threadId))
    await stream.until('permission.request')
    await ask('POST', `/api/v1/threads/${first.threadId}/resume`, { action: 'always' })
    await stream.until('session.end')
    const second = await run(prompt('approved.txt'))
    const quiet = watch(root(second.threadId))
    await quiet.until('session.end')
    expect(types(quiet.seen)).not.toContain('permission.request')
  })

  it('may be a question, answered in words', async () => {
    const { threadId } = await run(
      script(
        [{ call: 'ask_user', id: 'q1', input: { question: 'Which?', options: ['red', 'blue'] } }],
        [{ say: 'Thanks.' }],
      ),
    )
    const stream = watch(root(threadId))
    const request = await stream.until('permission.request')
    expect(request).toMatchObject({
      requestId: 'q1',
      toolName: 'ask_user',
      input: { question: 'Which?', options: [{ label: 'red' }, { label: 'blue' }] },
    })
    const answered = await ask('POST', `/api/v1/threads/${threadId}/resume`, {
      action: 'answer',
      answer: 'blue',
    })
    expect(answered.status).toBe(200)
    const end = await stream.until('tool.call.end')
    expect(end).toMatchObject({ result: 'blue', isError: false })
    await stream.until('session.end')
  })
})

describe('a busy thread', () => {
  it('refuses another run, and is free again when it was stopped', async () => {
    const { threadId, runId } = await run(script([{ say: 'thinking ' }, { hang: true }]))
    const stream = watch(root(threadId))
    await stream.until('text.delta')
    const again = { profileId: 'assistant', prompt: 'x', threadId }
    expect(await ask('POST', '/api/v1/run', again)).toMatchObject({
      status: 409,
      body: { error: 'conflict', message: 'Thread already has an active run. Abort it first.' },
    })
    expect(
      await ask('POST', `/api/v1/threads/${threadId}/resume`, { action: 'approve' }),
    ).toMatchObject({ status: 409, body: { message: 'No pending permission request' } })
    const active = await ask('GET', '/api/v1/runs/active')
    expect(active.body.runs).toContainEqual(
      expect.objectContaining({ threadId, status: 'running' }),
    )
    const aborted = await ask('POST', `/api/v1/threads/${threadId}/abort`, {})
    expect(aborted.body).toEqual({ aborted: true, cancelRequested: true, threadId })
    expect(await stream.until('session.end')).toMatchObject({ reason: 'aborted', turnCount: 1 })
    expect(types(stream.seen)).toContain('text.complete')
    const snapshot = await ask('GET', `/api/v1/runs/${runId}`)
    expect(snapshot.body).toMatchObject({
      status: 'cancelled',
      terminal: true,
      startSeq: 0,
      endSeq: numbered(stream.seen).length,
      cancelRequestedAt: expect.any(Number),
    })
    const cancelled = await ask('POST', `/api/v1/runs/${runId}/cancel`)
    expect(cancelled).toMatchObject({
      status: 200,
      body: { status: 'cancelled', terminal: true, cancellation: 'already_terminal' },
    })
    const quiet = await ask('POST', `/api/v1/threads/${threadId}/abort`)
    expect(quiet.body).toEqual({ aborted: true, cancelRequested: false, threadId })
    await run('free again', { threadId })
  })

  it('stops at a cancel of its run', async () => {
    const { threadId, runId } = await run(script([{ hang: true }]))
    const stream = watch(root(threadId))
    await stream.until('turn.start')
    const cancelled = await ask('POST', `/api/v1/runs/${runId}/cancel`, {})
    expect(cancelled).toMatchObject({
      status: 202,
      body: { runId, outcomeKnown: true, cancellation: 'requested' },
    })
    await stream.until('session.end', (f) => f.reason === 'aborted')
  })
})

describe('the stream of one run', () => {
  it('ends with the run, live and replayed', async () => {
    const first = await run('one')
    await watch(root(first.threadId)).until('session.end')
    const { threadId, runId } = await run(
      script([{ say: 'two ' }, { pause: 60 }, { say: 'more' }]),
      {
        threadId: first.threadId,
      },
    )
    const live = watch(`/api/v1/runs/${runId}/events`)
    await live.ended
    expect(live.seen[0]).toMatchObject({ type: 'stream.start', runId, threadId, agentId: 'root' })
    expect(live.seen.at(-1)).toMatchObject({ type: 'session.end' })
    const { body } = await ask('GET', `/api/v1/runs/${runId}`)
    const start = body.startSeq as number
    const end = body.endSeq as number
    expect(seqs(live.seen)).toEqual(countTo(end).slice(start))
    const replay = watch(`/api/v1/runs/${runId}/events?since=${start + 1}`)
    await replay.ended
    expect(seqs(replay.seen)).toEqual(countTo(end).slice(start + 1))
    expect(replay.seen.at(-1)).toMatchObject({
      type: 'stream.replay.complete',
      replayedThroughSeq: end,
      liveTail: false,
    })
    const early = await ask('GET', `/api/v1/runs/${runId}/events?since=0`)
    expect(early).toMatchObject({
      status: 409,
      body: { error: 'cursor_mismatch', runStartSeq: start },
    })
    const late = await ask('GET', `/api/v1/runs/${runId}/events?since=${end + 1}`)
    expect(late).toMatchObject({ status: 409, body: { error: 'cursor_ahead', runEndSeq: end } })
    const unknown = await ask('GET', `/api/v1/runs/${uuidv7()}/events`)
    expect(unknown).toMatchObject({ status: 404, body: { error: 'run_not_found' } })
  })
})

describe('a key against doing things twice', () => {
  it('gives the first answer again, also after a restart, and refuses another request', async () => {
    const key = { 'Idempotency-Key': crypto.randomUUID() }
    const body = { profileId: 'assistant', prompt: 'once' }
    const first = await ask('POST', '/api/v1/run', body, key)
    expect(first.headers.get('idempotency-replayed')).toBeNull()
    await restart()
    const second = await ask('POST', '/api/v1/run', body, key)
    expect(second.body).toEqual(first.body)
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(await ask('POST', '/api/v1/run', { ...body, prompt: 'other' }, key)).toMatchObject({
      status: 409,
      body: { error: 'idempotency_conflict' },
    })
    const bad = await ask('POST', '/api/v1/run', body, { 'Idempotency-Key': 'notauuid' })
    expect(bad).toMatchObject({ status: 400, body: { error: 'idempotency_key_invalid' } })
  })
})

describe('mistakes', () => {
  const post = (body: unknown) => ask('POST', '/api/v1/run', body)

  it('are the caller’s, are said plainly, and leave nothing behind', async () => {
    const count = async () =>
      ((await ask('GET', '/api/v1/threads?profileId=assistant')).body.items as unknown[]).length
    const before = await count()
    const wrong: [unknown, number, string][] = [
      [{ profileId: 'nope', prompt: 'x' }, 404, 'Profile "nope" not found'],
      [{ profileId: 'assistant' }, 400, 'Invalid body: '],
      [{ profileId: 'assistant', prompt: 'x', bogus: 1 }, 400, 'Invalid body: '],
      [{ prompt: 'x', threadId: 'thread_nope' }, 404, 'Thread "thread_nope" not found'],
      [{ prompt: 'x', workspaceId: 'w' }, 404, 'Workspace "w" not found'],
      ['{bad', 400, 'Invalid JSON in request body'],
      ['', 400, 'Request body is required.'],
    ]
    for (const [body, status, message] of wrong) {
      const answer = await post(body)
      expect(answer.status).toBe(status)
      expect(answer.body.message).toContain(message)
      expect(answer.headers.get('x-ownware-correlation-id')).toBe(answer.body.correlationId)
    }
    for (const model of ['nosuch:model', 'openai:gpt-4o', 'no such name']) {
      const { status, body } = await post({ prompt: 'x', model })
      expect([status, body.category]).toEqual([400, 'invalid_request'])
    }
    expect(await count()).toBe(before)
  })

  it('in the path are found before anything is done', async () => {
    const strange = await ask('GET', '/api/v1/threads/thread_a;b')
    expect(strange).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    const nowhere = await ask('GET', '/api/v1/nope')
    expect(nowhere.body.message).toBe('Route not found: GET /api/v1/nope')
    expect((await ask('PUT', '/api/v1/run', {})).status).toBe(404)
  })

  it('of the model are told in the stream, and the run says that it failed', async () => {
    const { threadId, runId } = await run(
      script([{ say: 'half ' }, { fail: { code: 'provider_error', message: '500 no' } }]),
    )
    const stream = watch(root(threadId))
    expect(await stream.until('session.end')).toMatchObject({ reason: 'error' })
    expect(stream.seen.find((f) => f.type === 'error')).toMatchObject({
      code: 'PROVIDER_ERROR',
      message: '500 no',
      recoverable: false,
    })
    const { body } = await ask('GET', `/api/v1/runs/${runId}`)
    expect(body).toMatchObject({ status: 'failed', code: 'run_failed' })
    const thread = await ask('GET', `/api/v1/threads/${threadId}`)
    expect(thread.body).toMatchObject({ status: 'error' })
  })
})

describe('a sub-agent', () => {
  it('has a stream of its own that ends with it, and its approvals are answered at the root', async () => {
    const prompt = WRITES('child.txt')
    const { threadId } = await run(
      script(
        [{ call: 'task', id: 't1', input: { prompt, name: 'writer' } }],
        [{ say: 'All done.' }],
      ),
    )
    const stream = watch(root(threadId))
    const { agentId } = await stream.until('agent.spawn')
    const path = `/api/v1/threads/${threadId}/agents/${agentId}/events`
    const child = watch(path)
    const request = await child.until('permission.request')
    const resumed = await ask('POST', `/api/v1/threads/${threadId}/resume`, {
      action: 'approve',
      requestId: request.requestId,
    })
    expect(resumed.body).toMatchObject({ approved: true, pendingCount: 0 })
    await child.ended
    expect(types(child.seen).slice(-2)).toEqual(['session.end', 'done'])
    expect(types(child.seen)).not.toContain('user.message')
    await stream.until('session.end')
    expect(stream.seen.find((f) => f.type === 'agent.complete')).toMatchObject({
      agentId,
      status: 'completed',
      result: 'Done.',
    })
    const replay = watch(path)
    await replay.ended
    expect(numbered(replay.seen)).toEqual(numbered(child.seen))
    expect(types(replay.seen).slice(-2)).toEqual(['stream.replay.complete', 'done'])
    const agents = await ask('GET', `/api/v1/threads/${threadId}/agents`)
    expect(agents.body).toMatchObject({
      count: 2,
      agents: [
        { agentId: 'root', parentAgentId: null, eventCount: numbered(stream.seen).length },
        { agentId, parentAgentId: 'root', eventCount: numbered(child.seen).length },
      ],
    })
    const nobody = watch(`/api/v1/threads/${threadId}/agents/nobody/events`)
    await nobody.ended
    expect(types(nobody.seen)).toEqual(['stream.start', 'stream.replay.complete', 'done'])
  })
})

describe('threads', () => {
  it('are made, changed, listed and erased', async () => {
    const made = await ask('POST', '/api/v1/threads', { profileId: 'assistant', title: 't' })
    expect(made).toMatchObject({
      status: 201,
      body: { title: 't', status: 'active', messageCount: 0, model: null, workspaceId: null },
    })
    const path = `/api/v1/threads/${made.body.id}`
    const changed = await ask('PATCH', path, {
      title: 'new',
      status: 'completed',
      model: 'scripted:y',
    })
    expect(changed.body).toMatchObject({ title: 'new', status: 'completed', model: 'scripted:y' })
    expect(await ask('PATCH', path, { model: 'nosuch:x' })).toMatchObject({
      status: 400,
      body: { error: 'unknown_model' },
    })
    const listed = await ask('GET', '/api/v1/threads?profileId=assistant')
    expect(listed.body.items).toContainEqual(changed.body)
    expect((await ask('DELETE', path)).status).toBe(204)
    expect(await ask('GET', path)).toMatchObject({
      status: 404,
      body: { message: `Thread "${made.body.id}" not found` },
    })
  })

  it('are opened by clients in one go, and read on from the last closed turn', async () => {
    const { threadId } = await run(WRITES('hydrated.txt'))
    const stream = watch(root(threadId))
    await stream.until('permission.request')
    const before = await ask('GET', `/api/v1/threads/${threadId}/hydrate`)
    expect(before.body).toMatchObject({
      runningAgentId: 'root',
      lastClosedTurnEndSeq: 0,
      maxSeq: numbered(stream.seen).length,
    })
    expect(before.body.messages).toHaveLength(1)
    await ask('POST', `/api/v1/threads/${threadId}/resume`, { action: 'approve' })
    await stream.until('session.end')
    const after = await ask('GET', `/api/v1/threads/${threadId}/hydrate`)
    const ends = stream.seen.filter((f) => f.type === 'turn.end')
    expect(after.body).toMatchObject({
      runningAgentId: null,
      lastClosedTurnEndSeq: ends.at(-1)?.seq,
      messages: [
        { role: 'user' },
        {
          role: 'assistant',
          content: 'Calling. Done.',
          tools: [{ name: 'write', isError: false }],
          model: 'scripted:x',
        },
      ],
    })
    const messages = await ask('GET', `/api/v1/threads/${threadId}/messages`)
    expect(messages.body).toEqual(after.body.messages)
    const history = await ask(
      'GET',
      `/api/v1/threads/${threadId}/agents/root/events/history?since=2`,
    )
    expect(history.body).toMatchObject({ since: 2, count: numbered(stream.seen).length - 2 })
    const events = history.body.events as Body[]
    expect(events.map((e) => ({ ...(e.payload as Body), seq: e.seq }))).toEqual(
      numbered(stream.seen)
        .slice(2)
        .map(({ event: _, ...f }) => f),
    )
    const markdown = await ask<string>('GET', `/api/v1/threads/${threadId}/export?format=markdown`)
    expect(markdown.headers.get('content-type')).toBe('text/markdown; charset=utf-8')
    expect(markdown.body).toContain('```tool: write')
  })

  it('keep the model they were given', async () => {
    const { threadId } = await run('x', { model: 'scripted:other' })
    await watch(root(threadId)).until('session.end')
    const next = await run('y', { threadId })
    expect(next).toMatchObject({ model: 'scripted:other' })
    await watch(`/api/v1/runs/${next.runId}/events`).ended
    const third = await run('z', { threadId, model: 'scripted:third' })
    await watch(`/api/v1/runs/${third.runId}/events`).ended
    expect((await ask('GET', `/api/v1/threads/${threadId}`)).body.model).toBe('scripted:third')
  })
})

describe('the rest', () => {
  it('says what is there', async () => {
    const health = await ask('GET', '/api/v1/health')
    expect(health.body).toEqual({ status: 'ok', version: '9.9.9', uptime: expect.any(Number) })
    const { body } = await ask('GET', '/api/v1/capabilities')
    expect(body.contract).toEqual({ name: 'ownware.gateway', major: 1, revision: '0.30.0' })
    const profiles = await ask<Body[]>('GET', '/api/v1/profiles')
    const assistant = profiles.body.find((p) => p.id === 'assistant')
    expect(assistant).toMatchObject({ name: 'assistant', hasMcp: false })
    expect(assistant?.useCount).toBeGreaterThan(0)
    const one = await ask('GET', '/api/v1/profiles/assistant')
    expect(one.body.soulMd).toContain('# Assistant')
    const tools = await ask<Body[]>('GET', '/api/v1/profiles/assistant/tools')
    expect(tools.body).toHaveLength(assistant?.toolCount as number)
    expect(tools.body).toContainEqual(
      expect.objectContaining({ name: 'write', isReadOnly: false, requiresPermission: true }),
    )
    expect((await ask('GET', '/api/v1/profiles/nope')).status).toBe(404)
  })

  it('lets pages of this machine read it, and ignores a token that it does not ask for', async () => {
    const plain = await ask('GET', '/api/v1/models', undefined, { Authorization: 'Bearer none' })
    expect(plain.status).toBe(200)
    expect(plain.headers.get('access-control-allow-methods')).toContain('PATCH')
    const page = await ask('GET', '/api/v1/models', undefined, { Origin: 'http://localhost:5173' })
    expect(page.headers.get('access-control-allow-origin')).toBe('http://localhost:5173')
    const evil = await ask(
      'POST',
      '/api/v1/run',
      { prompt: 'x' },
      { Origin: 'https://evil.example' },
    )
    expect(evil).toMatchObject({ status: 403, body: { error: 'forbidden_origin' } })
    expect(evil.headers.get('access-control-allow-origin')).not.toBe('https://evil.example')
  })

  it('takes attachments and says what it took', async () => {
    const attachments = [{ filename: 'a.txt', data: 'aGk=', mimeType: 'text/plain' }]
    const { body } = await ask('POST', '/api/v1/run', { prompt: 'see', attachments })
    expect(body.attachments).toEqual([
      { filename: 'a.txt', mimeType: 'text/plain', sizeBytes: 2, category: 'text' },
    ])
    const message = await watch(root(body.threadId as string)).until('user.message')
    expect(message).toMatchObject({ text: 'see', attachments: body.attachments })
    const bad = await ask('POST', '/api/v1/run', {
      prompt: 'see',
      attachments: [{ filename: 'a.txt', data: '%%%', mimeType: 'text/plain' }],
    })
    expect(bad).toMatchObject({
      status: 400,
      body: { error: 'attachment_invalid', reason: 'base64_invalid', index: 0 },
    })
  })

  it('hints at changes', async () => {
    const response = await fetch(`${server.url}/api/v1/events`)
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    const { value } = await reader.read()
    expect(new TextDecoder().decode(value)).toBe(':ready\n\n')
    await reader.cancel()
  })
})
