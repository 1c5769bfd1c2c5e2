/**
 * The faults that were measured on the real server (its contract numbers them), tried on the product
 * as a process: each of them fails here if it ever comes back.
 */

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ServerProcess, spawnServer } from '../support/process.ts'
import { frames } from '../support/sse.ts'
import { ask as askAt, type Fields, says, script, until } from './toolang-agent.ts'

let folder: string
let server: ServerProcess
const start = async () => {
  server = await spawnServer({ dataDir: folder, args: ['--model', 'scripted:x'] })
}
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'manifold-toolang-faults-'))
  await start()
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

const at = (path: string): string => `${server.url}/toolang/api/v1/${path}`
const ask = (method: string, path: string, body?: unknown) =>
  askAt(`${server.url}/toolang/api/v1/`, method, path, { body })
const get = async (path: string): Promise<Fields> => (await ask('GET', path)).body
const chat = async (body: object): Promise<Fields> => (await ask('POST', 'chat', body)).body
const words = (answer: Fields): string => answer.assistant.parts[0].text
const HANG = script([{ say: 'a' }, { hang: true }])

/** A stream that goes on: its frames, and a promise of its end. */
async function stream(body: object) {
  const headers = { 'content-type': 'application/json' }
  const init = { method: 'POST', headers, body: JSON.stringify(body) }
  const response = await fetch(at('chat/stream'), init)
  const seen: Fields[] = []
  const last = (async () => {
    let end = ''
    for await (const { data, comment } of frames(response)) {
      if (comment === null) end = data
      if (comment === null && data !== '[DONE]') seen.push(JSON.parse(data))
    }
    return end
  })()
  // Who kills the server tears the stream; that is looked at where it matters.
  last.catch(() => {})
  const [first] = await until(
    async () => seen,
    (s) => s.some((f) => f.type === 'text-delta'),
  )
  const { runId: run, threadId: thread } = (first as Fields).messageMetadata
  return { run: run as string, thread: thread as string, seen, last }
}

async function events(path: string, headers = {}): Promise<Fields[]> {
  const seen: Fields[] = []
  for await (const f of frames(await fetch(at(path), { headers })))
    if (f.comment === null) seen.push(JSON.parse(f.data))
  return seen
}

describe('a fault of the real server is not here', () => {
  it('1: one slow chat makes all others wait', async () => {
    const slow = await stream(HANG)
    const said = Array.from({ length: 50 }, (_, n) => `chat ${n}`)
    const answers = await Promise.all(said.map((text) => chat(says(text))))
    expect(answers.map(words)).toEqual(said.map((text) => `You said: ${text}`))
    expect((await get(`runs/${slow.run}`)).output.status).toBe('running')
    await ask('POST', `runs/${slow.run}/stop`)
  })

  it('2: what a kill leaves is running for ever, and what was queued is lost', async () => {
    const { run, thread } = await stream(script([{ say: 'one ' }, { pause: 400 }, { say: 'two' }]))
    void ask('POST', 'chat', { ...says('queued'), thread }).catch(() => {})
    await until(
      () => get(`runs?thread_id=${thread}`),
      ({ items }) => items.length === 2,
    )
    await server.kill()
    await start()
    const info = await until(
      async () => (await get(`threads/${thread}`)).info as Fields,
      (i) => i.active_run === null && i.latest_run.status === 'finished',
    )
    expect(info.run_count).toBe(2)
    const { output } = await get(`runs/${run}`)
    expect(output.status).toBe('finished')
    expect(output.steps.at(-1).message.parts[0].text).toBe('one two')
    const late = await ask('POST', `runs/${run}/steer`, says('too late'))
    expect(late).toMatchObject({ status: 409, body: { detail: `run is not running: ${run}` } })
  })

  it('3: a stop stops nothing, and whoever listens hangs', async () => {
    const { run, thread, seen, last } = await stream(HANG)
    const buffered = chat(HANG)
    const watched = events(`runs/${run}/stream`)
    const { body } = await ask('POST', `runs/${run}/stop`, { reason: 'enough' })
    expect(body.run).toMatchObject({ status: 'canceled', error: 'enough' })
    expect(await last).toBe('[DONE]')
    expect(seen.at(-1)).toEqual({ type: 'finish' })
    expect((await watched).at(-1)).toMatchObject({ type: 'run_end' })
    expect((await chat({ ...says('next'), thread })).thread.latest_run.status).toBe('finished')
    const other = await until(
      () => get('runs?limit=5'),
      ({ items }) => items.some((r: Fields) => r.status === 'running'),
    )
    const waiting = other.items.find((r: Fields) => r.status === 'running')
    await ask('POST', `runs/${waiting.id}/stop`)
    expect((await buffered).assistant.meta).toEqual({ error: 'canceled' })
  })

  it('4: a replay ends after 500 events, and streams hang behind the end', async () => {
    const text = Array.from({ length: 900 }, (_, n) => `w${n} `).join('')
    const { run_id: run } = await chat(script([{ say: text, chunk: 1 }]))
    const all = await events(`runs/${run}/stream`)
    const deltas = all.filter((e) => e.type === 'part_delta')
    expect(deltas.map((e) => e.payload.delta.text).join('')).toBe(text)
    expect(all.map((e) => e.cursor)).toEqual(all.map((_, n) => n + 1))
    expect(all.at(-1)?.type).toBe('run_end')
    const middle = Math.floor(all.length / 2)
    expect(await events(`runs/${run}/stream?after=${middle}`)).toEqual(all.slice(middle))
    const header = { 'last-event-id': String(middle) }
    expect(await events(`runs/${run}/stream`, header)).toEqual(all.slice(middle))
    expect(await events(`runs/${run}/stream?after=100000`)).toEqual([])
    expect(await get(`runs/${run}/events?limit=-1`)).toEqual({ cursor: all.length, items: all })
  })

  it('4: a chat stream that is lost cannot be joined again', async () => {
    const torn = await stream(script([{ say: 'one ' }, { pause: 300 }, { say: 'two' }]))
    const { cursor } = await get(`runs/${torn.run}/events`)
    const rest = await events(`runs/${torn.run}/stream?after=${cursor}`)
    expect(rest.map((e) => e.cursor)).toEqual(rest.map((_, n) => cursor + n + 1))
    const ended = rest.find((e) => e.type === 'step_end')
    expect(ended?.payload.output).toEqual([{ type: 'text', text: 'one two' }])
  })

  it('5: a request that is sent again is a second run', async () => {
    const body = { ...says('once'), request_id: 'r-5' }
    const [first, second] = await Promise.all([chat(body), chat(body)])
    expect(second.run_id).toBe(first.run_id)
    expect((await chat(body)).run_id).toBe(first.run_id)
    const other = await ask('POST', 'chat', { ...says('other'), request_id: 'r-5' })
    expect(other.status).toBe(409)
  })

  it.each([
    ['a model that is not there', { ...says('x'), model: 'nope/none' }],
    ['a command that is not there', says('/nosuch thing')],
    [
      'a role that may not speak',
      { message: { role: 'system', parts: [{ type: 'text', text: 'x' }] } },
    ],
    ['a part of no kind', { message: { parts: [{ type: 'video' }] } }],
  ])('6: %s is a 500, or a stream without end', async (_, body) => {
    const count = async () => (await get('threads?limit=-1')).items.length
    const before = await count()
    for (const path of ['chat', 'chat/stream'])
      expect(await ask('POST', path, body)).toMatchObject({
        ...{ status: 422, body: { detail: expect.any(String) } },
      })
    expect(await count(), 'no empty thread is left behind').toBe(before)
  })

  it('7: jobs never run', async () => {
    const task = await ask('POST', 'tasks', { title: 'T', body: 'say hi' })
    const done = await until(
      async () => (await get(`tasks/${task.body.item.id}`)).item as Fields,
      (t) => t.stage === 'done',
    )
    expect(done.runtime.last_run.status).toBe('succeeded')
    expect((await get(`threads/${done.runtime.thread_id}`)).info.run_count).toBe(1)
    const chore = await ask('POST', 'chores', {
      title: 'C',
      body: 'say ho',
      schedule: 'FREQ=SECONDLY',
    })
    const { id } = chore.body.item
    await until(
      async () => (await get(`chores/${id}`)).item as Fields,
      (c) => c.runtime.last_run?.status === 'succeeded',
    )
    await ask('PATCH', `chores/${id}`, { state: 'inactive' })
  })

  it('8: a file that cannot be read, or a ref that cannot be fetched, ends all watching', async () => {
    const home = join(folder, 'agents', 'assistant')
    mkdirSync(join(home, 'skills', 'broken'), { recursive: true })
    mkdirSync(join(home, 'prompts'), { recursive: true })
    writeFileSync(join(home, 'skills', 'broken', 'SKILL.md'), '---\nx: [1\n---\n')
    const wired = { ref: 'http://127.0.0.1:9/gone.md' }
    expect((await ask('PUT', 'prompts/gone/wired', wired)).body.item.error).toBeDefined()
    const skills = await until(
      () => get('skills'),
      ({ items }) => items.some((s: Fields) => s.name === 'broken'),
    )
    expect(skills.items.find((s: Fields) => s.name === 'broken').error).toContain('YAML')
    expect((await ask('PUT', 'prompts/after/file', { content: 'A {{input}}' })).status).toBe(200)
    writeFileSync(join(home, 'prompts', 'outside.md'), 'O {{input}}')
    await until(
      () => ask('GET', 'prompts/outside'),
      (a) => a.status === 200,
    )
    expect(words(await chat(says('/outside x')))).toBe('You said: O x')
    expect(words(await chat(says('/after x')))).toBe('You said: A x')
  })

  it('9: what was written cannot be read for two seconds', async () => {
    await ask('PUT', 'prompts/quick/file', { content: 'Q' })
    expect((await get('prompts/quick')).item.content).toBe('Q')
    await ask('DELETE', 'prompts/quick/file')
    expect((await ask('GET', 'prompts/quick')).status).toBe(404)
  })

  it.each(['..', '%2e%2e', '..%2f..%2fagents', '.', '%2Fetc', 'a%00b'])(
    '10: %s as the name of a capability empties a folder',
    async (name) => {
      await ask('PUT', 'skills/kept/file', { content: '---\ndescription: K.\n---\n\nBody.\n' })
      for (const method of ['DELETE', 'PUT']) {
        const path = `/toolang/api/v1/skills/${name}/file`
        expect(await raw(method, path, server.url)).toBeGreaterThanOrEqual(400)
      }
      const home = join(folder, 'agents', 'assistant')
      expect(existsSync(join(home, 'skills', 'kept', 'SKILL.md'))).toBe(true)
      expect(existsSync(join(home, 'agent.json'))).toBe(true)
    },
  )

  it('10: a page whose name was rebound to this machine may ask', async () => {
    const path = '/toolang/api/v1/caps'
    expect(await raw('GET', path, server.url)).toBe(200)
    expect(await raw('GET', path, server.url, { host: 'evil.example' })).toBe(403)
  })
})

/** The path as it is: other clients would tidy it. */
const raw = (method: string, path: string, url: string, headers = {}): Promise<number> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const json = { 'content-type': 'application/json', ...headers }
    const req = request({ hostname, port, method, path, headers: json }, (res) => {
      res.resume()
      resolve(res.statusCode ?? 0)
    })
    req.on('error', reject)
    req.end(method === 'PUT' ? JSON.stringify({ content: 'x' }) : undefined)
  })
