/** OAH's sessions over real sockets: messages, runs, steps, the stream, restarts. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isEnd, type Json, type OahServer, script, startOah } from './oah-server.ts'

let server: OahServer

beforeAll(async () => {
  server = await startOah()
})

afterAll(() => server.stop())

const dense = (ids: number[]): boolean => ids.every((id, i) => id === (ids[0] as number) + i)

describe('a message', () => {
  it('is accepted with a receipt and answered by a run', async () => {
    const session = await server.newSession()
    const receipt = await server.say(session, 'hello', { metadata: { k: 'v' } })
    expect(receipt).toEqual({
      messageId: expect.stringMatching(/^msg_[0-9a-f]{32}$/),
      runId: expect.stringMatching(/^run_[0-9a-f]{32}$/),
      status: 'queued',
      delivery: 'active_run',
      createdAt: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
    })
    const run = await server.ended(receipt.runId as string)
    expect(run).toMatchObject({
      sessionId: session,
      triggerType: 'message',
      triggerRef: receipt.messageId,
      status: 'completed',
      switchCount: 0,
      initiatorRef: 'standalone:anonymous',
    })
    const { body } = await server.ask<{ items: Json[] }>(
      'GET',
      `/api/v1/sessions/${session}/messages`,
    )
    expect(body.items.map((m) => [m.role, m.content])).toEqual([
      ['user', 'hello'],
      ['assistant', [{ type: 'text', text: 'You said: hello' }]],
    ])
    expect(body.items[0]).toMatchObject({ id: receipt.messageId, metadata: { k: 'v' } })
    const one = await server.ask('GET', `/api/v1/sessions/${session}/messages/${receipt.messageId}`)
    expect(one.body).toEqual(body.items[0])
  })

  it('streams dense, from 0, in causal order, with tools', async () => {
    const session = await server.newSession()
    const said = script(
      [{ say: 'Let me look. ' }, { call: 'list', input: {} }],
      [{ say: 'Nothing there.' }],
    )
    const { runId } = await server.say(session, said)
    const told = await server.stream(session, isEnd(runId))
    expect(told[0]?.id).toBe(0)
    expect(dense(told.map((f) => f.id))).toBe(true)
    const names = told.map((f) => f.event).filter((e, i, all) => e !== all[i - 1])
    expect(names).toEqual([
      'run.queued',
      'run.started',
      'message.delta',
      'message.completed',
      'tool.started',
      'tool.completed',
      'message.completed',
      'message.delta',
      'message.completed',
      'run.completed',
    ])
    const tool = told.find((f) => f.event === 'tool.started')?.data
    expect(tool).toMatchObject({ toolName: 'List', sourceType: 'native', retryPolicy: 'safe' })
    const steps = await server.ask<{ items: Json[] }>('GET', `/api/v1/runs/${runId}/steps`)
    expect(steps.body.items.map((s) => [s.seq, s.stepType, s.status])).toEqual([
      [1, 'system', 'completed'],
      [2, 'model_call', 'completed'],
      [3, 'tool_call', 'completed'],
      [4, 'model_call', 'completed'],
      [5, 'system', 'completed'],
    ])
    const metadata = told.find((f) => f.event === 'message.delta')?.data.metadata as Json
    expect(metadata.modelCallStepId).toBe(steps.body.items[1]?.id)
    expect(steps.body.items[3]).toMatchObject({
      input: { request: { messages: [{ role: 'system' }, { role: 'user' }, {}, {}, {}] } },
      output: { response: { text: 'Nothing there.', finishReason: 'stop' } },
    })
  })

  it('tells thinking in snapshots that replace', async () => {
    const session = await server.newSession()
    const said = script([{ think: 'hmm, well' }, { say: 'Yes, it is.' }])
    const { runId } = await server.say(session, said)
    const told = await server.stream(session, isEnd(runId))
    const deltas = told.filter((f) => f.event === 'message.delta').map((f) => f.data)
    expect(deltas.every((d) => Array.isArray(d.content))).toBe(true)
    const last = [
      { type: 'reasoning', text: 'hmm, well' },
      { type: 'text', text: 'Yes, it is.' },
    ]
    expect(deltas.at(-1)?.content).toEqual(last)
    const done = told.find((f) => f.event === 'message.completed')?.data
    expect(done).toMatchObject({ content: last, finishReason: 'stop' })
  })
})

describe('what goes wrong', () => {
  it('has the code that OAH has for whatever a model fails with; the log says which it was', async () => {
    const session = await server.newSession()
    const failing = script([{ fail: { code: 'unauthorized', message: 'bad key' } }])
    const { runId } = await server.say(session, failing)
    const told = { errorCode: 'model_stream_failed', errorMessage: 'bad key' }
    expect(await server.ended(runId as string)).toMatchObject({ status: 'failed', ...told })
    const frames = await server.stream(session, isEnd(runId))
    expect(frames.at(-1)).toMatchObject({ event: 'run.failed', data: told })
    const log = frames.find((f) => f.event === 'engine.log')
    expect(log?.data.details).toMatchObject({ code: 'unauthorized' })
  })

  it('is told in a sentence when it is no message, as JSON in UTF-8', async () => {
    const session = await server.newSession()
    const post = (body: unknown) => server.ask('POST', `/api/v1/sessions/${session}/messages`, body)
    for (const content of [5, [{ type: 'video' }], undefined]) {
      const { status, body, headers } = await post({ content })
      const message = 'content: Say it as text, or as a list of text, image and file parts.'
      expect([status, body]).toMatchObject([400, { error: { code: 'invalid_request', message } }])
      expect(headers.get('content-type')).toBe('application/json; charset=utf-8')
    }
    const { headers } = await server.ask('GET', `/api/v1/sessions/${session}`)
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8')
  })
})

describe('the stream', () => {
  it('goes on after a cursor, after Last-Event-ID, and for one run', async () => {
    const session = await server.newSession()
    const first = await server.say(session, 'one')
    await server.ended(first.runId as string)
    const second = await server.say(session, 'two')
    await server.ended(second.runId as string)
    const all = await server.stream(session, isEnd(second.runId))
    const last = all.at(-1)?.id as number
    const after = await server.stream(session, (f) => f.id === last, `?cursor=${last - 3}`)
    expect(after).toEqual(all.slice(-3))
    const resumed = await server.stream(session, (f) => f.id === last, '', {
      'Last-Event-ID': String(last - 2),
    })
    expect(resumed).toEqual(all.slice(-2))
    const only = await server.stream(session, isEnd(second.runId), `?runId=${second.runId}`)
    expect(only).toEqual(all.filter((f) => f.data.runId === second.runId))
    const garbage = await server.stream(session, isEnd(second.runId), '?cursor=abc')
    expect(garbage).toEqual(all)
  })

  it('begins with a comment and dates each frame', async () => {
    const session = await server.newSession()
    await server.ended((await server.say(session, 'x')).runId as string)
    const stop = new AbortController()
    const path = `${server.url}/api/v1/sessions/${session}/events`
    const response = await fetch(path, { signal: stop.signal })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    let text = ''
    while (!text.includes('run.completed'))
      text += new TextDecoder().decode((await reader.read()).value)
    stop.abort()
    expect(text.startsWith(': connected\n\nid: 0\nevent: run.queued\ncreatedAt: 2')).toBe(true)
  })

  it('says 404 before it opens', async () => {
    const { status, body } = await server.ask('GET', '/api/v1/sessions/ses_nope/events')
    expect([status, body]).toEqual([
      404,
      { error: { code: 'session_not_found', message: 'Session ses_nope was not found.' } },
    ])
  })
})

describe('pages', () => {
  it('go both ways through messages', async () => {
    const session = await server.newSession()
    for (const text of ['a', 'b', 'c'])
      await server.ended((await server.say(session, text)).runId as string)
    const path = `/api/v1/sessions/${session}/messages`
    const all = (await server.ask<{ items: Json[] }>('GET', path)).body.items
    expect(all).toHaveLength(6)
    for (const direction of ['forward', 'backward']) {
      const seen: Json[] = []
      for (let cursor = ''; ; ) {
        const query = `?pageSize=4&direction=${direction}${cursor && `&cursor=${cursor}`}`
        const { body } = await server.ask<{ items: Json[]; nextCursor?: string }>(
          'GET',
          path + query,
        )
        if (direction === 'forward') seen.push(...body.items)
        else seen.unshift(...body.items)
        if (!body.nextCursor) break
        cursor = body.nextCursor
      }
      expect(seen).toEqual(all)
    }
    const bad = await server.ask('GET', `${path}?cursor=zzz`)
    expect([bad.status, (bad.body.error as Json).code]).toEqual([400, 'invalid_cursor'])
    const middle = all[2] as Json
    const around = await server.ask('GET', `${path}/${middle.id}/context?before=1&after=2`)
    expect(around.body).toEqual({
      anchor: middle,
      before: [all[1]],
      after: [all[3], all[4]],
      hasMoreBefore: true,
      hasMoreAfter: true,
    })
  })
})

describe('a session', () => {
  it('can be changed until it is used, and deleted with its runs', async () => {
    const session = await server.newSession(undefined, { title: 'First' })
    const path = `/api/v1/sessions/${session}`
    const patched = await server.ask('PATCH', path, {
      title: 'Renamed',
      modelRef: 'platform/scripted:other',
    })
    expect(patched.body).toMatchObject({ title: 'Renamed', modelRef: 'platform/scripted:other' })
    expect((await server.ask('PATCH', path, {})).status).toBe(400)
    const { runId } = await server.say(session, 'hi')
    await server.ended(runId as string)
    const locked = await server.ask('PATCH', path, { modelRef: null })
    expect([locked.status, (locked.body.error as Json).code]).toEqual([409, 'session_model_locked'])
    const wrong = await server.ask('PATCH', path, { activeAgentName: 'nobody' })
    expect([wrong.status, (wrong.body.error as Json).code]).toEqual([404, 'agent_not_found'])
    expect((await server.ask('DELETE', path)).status).toBe(204)
    expect((await server.ask('GET', path)).status).toBe(404)
    expect((await server.ask('GET', `/api/v1/runs/${runId}`)).status).toBe(404)
  })

  it('is compacted, and says when there was nothing to compact', async () => {
    const session = await server.newSession()
    const path = `/api/v1/sessions/${session}/compact`
    expect((await server.ask('POST', path)).body).toMatchObject({
      status: 'completed',
      compacted: false,
      reason: 'insufficient_history',
    })
    for (let i = 0; i < 6; i++)
      await server.ended((await server.say(session, `message ${i}`)).runId as string)
    const { body } = await server.ask('POST', path, { instructions: 'short' })
    expect(body).toMatchObject({ compacted: true, summaryMessageId: expect.any(String) })
    const messages = await server.ask<{ items: Json[] }>(
      'GET',
      `/api/v1/sessions/${session}/messages`,
    )
    const kinds = messages.body.items.map((m) => (m.metadata as Json | undefined)?.runtimeKind)
    expect(kinds.slice(-2)).toEqual(['compact_boundary', 'compact_summary'])
    expect(messages.body.items.at(-1)?.id).toBe(body.summaryMessageId)
    await server.say(session, script([{ hang: true }]))
    const busy = await server.ask('POST', path)
    expect([busy.status, (busy.body.error as Json).code]).toEqual([409, 'session_busy'])
  })
})
