/**
 * What the command line and the terminal of the next version need beside the operations of this one:
 * threads made before their first word, a place in the queue, cancel, rewind, fork, and the file by
 * which they find the agent.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { frames } from '../support/sse.ts'
import { type Agent, type Fields, openAgent, says, script, until } from './toolang-agent.ts'

let agent: Agent
let root: string
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'manifold-toolang-root-'))
  agent = await openAgent({ root })
})
afterAll(async () => {
  await agent.close()
  rmSync(root, { recursive: true, force: true })
})

const post = async (path: string, body?: unknown): Promise<Fields> => {
  const answer = await agent.ask('POST', `/api/v1/${path}`, body)
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  return answer.body
}
const get = async (path: string): Promise<Fields> =>
  (await agent.ask('GET', `/api/v1/${path}`)).body
const chat = (thread: string, text: string) => post('chat', { ...says(text), thread })
const open = async (client: string): Promise<string> =>
  (await post('threads', { client })).thread_id

async function stream(body: object): Promise<Fields[]> {
  const response = await fetch(`${agent.own}/api/v1/chat/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const seen: Fields[] = []
  for await (const { data, comment } of frames(response))
    if (comment === null && data !== '[DONE]') seen.push(JSON.parse(data))
  return seen
}

describe('the next version', () => {
  it('makes a thread before its first word, and finds it in the list', async () => {
    const made = await post('threads', { client: 'tui' })
    expect(made.thread_id).toMatch(/^term_/)
    expect(made.thread).toMatchObject({ channel: 'terminal', status: 'idle', run_count: 0 })
    expect((await get('threads?limit=1')).items[0]).toEqual(made.thread)
    const { thread_id } = await chat(made.thread_id, 'first word')
    expect(thread_id).toBe(made.thread_id)
    const peer = { type: 'agent', name: 'bob', thread: null }
    const other = await post('threads', { client: 'chat', peer })
    expect(other.thread).toMatchObject({ peer, title: 'bob' })
    const bad = await agent.ask('POST', '/api/v1/threads', { client: 'fax' })
    expect(bad.status).toBe(422)
  })

  it('hears its place in the queue first; the AI SDK, which knows no such frame, does not', async () => {
    const thread = await open('tui')
    const [queued, start] = await stream({ ...says('a'), thread })
    expect(queued).toMatchObject({ type: 'run_queued', event_type: 'run_queued' })
    expect(queued?.payload).toMatchObject({ thread_id: thread, position: 0 })
    expect(start).toMatchObject({ type: 'start', messageId: queued?.payload.run_id })
    void stream({ ...script([{ say: 'a' }, { pause: 300 }]), thread })
    await until(
      () => get(`threads/${thread}`),
      ({ info }) => info.active_run !== null,
    )
    const [second] = await stream({ ...says('b'), thread })
    expect(second?.payload.position).toBeGreaterThan(0)
    const [first] = await stream({ ...says('c'), thread: await open('web') })
    expect(first?.type).toBe('start')
  })

  it('cancels with a command', async () => {
    const { run_id: run } = await chat(await open('tui'), 'x')
    const { input } = await post(`runs/${run}/cancel`)
    expect(input).toMatchObject({ kind: 'stop', ref: { kind: 'command' } })
    expect(input).not.toHaveProperty('action')
  })

  it('rewinds a thread to before a run, also one that goes on', async () => {
    const thread = await open('tui')
    const first = await chat(thread, 'first')
    const second = await chat(thread, 'second')
    void stream({ ...script([{ say: 'a' }, { hang: true }]), thread })
    const { info } = await until(
      () => get(`threads/${thread}`),
      (t) => t.info.active_run !== null,
    )
    const rewound = await post(`runs/${second.run_id}/rewind`, {})
    expect(rewound).toEqual({
      ...{ run_id: null, thread_id: thread, message: null },
      superseded_run_ids: [second.run_id, info.active_run.id],
    })
    const after = await get(`threads/${thread}`)
    expect(after.info).toMatchObject({ run_count: 1, active_run: null })
    expect(after.runs.map((r: Fields) => r.info.id)).toEqual([first.run_id])
    expect((await get(`runs/${second.run_id}`)).info.superseded).toEqual({
      ...{ type: 'rewound', by: null },
    })
    const again = await agent.ask('POST', `/api/v1/runs/${second.run_id}/rewind`, {})
    expect(again.body).toEqual({ detail: `run is already superseded: ${second.run_id}` })
    const none = await agent.ask('POST', '/api/v1/runs/run_none/rewind', {})
    expect(none.status).toBe(404)
    expect((await chat(thread, 'third')).thread.run_count).toBe(2)
  })

  it('forks a thread at a run, with it or without', async () => {
    const source = await open('web')
    const first = await chat(source, 'first')
    const second = await chat(source, 'second')
    const forked = await post(`runs/${second.run_id}/fork`, {})
    expect(forked).toEqual({
      ...{ run_id: null, thread_id: expect.stringMatching(/^web_/), source_thread_id: source },
      ...{ from_run_id: second.run_id, include_anchor: true, message: null },
      copied_run_ids: [first.run_id, second.run_id],
    })
    const before = await post(`runs/${second.run_id}/fork`, { include_anchor: false })
    expect(before.copied_run_ids).toEqual([first.run_id])
    const { thread } = await chat(before.thread_id, 'other')
    expect(thread).toMatchObject({ id: before.thread_id, title: 'first', run_count: 1 })
    expect((await get(`threads/${source}`)).info.run_count).toBe(2)
  })

  it('finds the agent by a file that goes with the server', async () => {
    const file = join(root, 'agents', 'assistant', '.runtime', 'status.json')
    const status = JSON.parse(readFileSync(file, 'utf8'))
    expect(status).toMatchObject({
      ...{ agent: 'assistant', status: 'running', endpoint: agent.own, pid: process.pid },
      models: expect.arrayContaining(['scripted:x']),
    })
    expect((await fetch(`${status.endpoint}/healthz`)).status).toBe(200)
    const { folder } = agent
    await agent.close(false)
    expect(existsSync(file)).toBe(false)
    agent = await openAgent({ folder, root })
    expect(JSON.parse(readFileSync(file, 'utf8')).endpoint).toBe(agent.own)
  })
})
