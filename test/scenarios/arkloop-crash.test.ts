/** What waits for a person, and who may answer, outlives a server that is killed. */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import {
  begin,
  isEnd,
  isEvent,
  listen,
  PASSWORD,
  type Person,
  personOf,
  request,
  script,
  typesOf,
} from './arkloop-server.ts'

let child: ChildProcess | null = null
const folder = mkdtempSync(join(tmpdir(), 'manifold-arkloop-crash-'))

async function start(): Promise<string> {
  const file = join(import.meta.dirname, 'arkloop-process.ts')
  const started = spawn(process.execPath, ['--import', 'tsx', file, folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child = started
  let text = ''
  started.stderr?.on('data', (chunk) => {
    text += String(chunk)
  })
  return new Promise((resolve, reject) => {
    started.once('exit', (code) => reject(new Error(`the server ended (${code}): ${text}`)))
    started.stdout?.on('data', (chunk) => {
      const url = /listening on (\S+)/.exec(String(chunk))?.[1]
      if (url) resolve(url)
    })
  })
}

async function kill(): Promise<void> {
  const killed = child
  child = null
  if (!killed || killed.exitCode !== null) return
  const gone = new Promise((resolve) => killed.once('exit', resolve))
  killed.kill('SIGKILL')
  await gone
}

afterEach(async () => {
  await kill()
  rmSync(folder, { recursive: true, force: true })
})

const login = async (url: string, id: string): Promise<Person> => {
  const body = { login: 'alice', password: PASSWORD }
  return personOf(
    url,
    id,
    await request(`${url}/v1/auth/login`, { method: 'POST', body, headers: {} }),
  )
}

test('a question is answered after two kills, by a token from before them', async () => {
  let url = await start()
  const body = { login: 'alice', password: PASSWORD, email: 'alice@example.com' }
  const made = await request(`${url}/v1/auth/register`, { method: 'POST', body, headers: {} })
  const alice = personOf(url, made.body.user_id, made)
  const key = (await alice.ask('POST', '/v1/api-keys', { name: 'k', scopes: ['data.runs.read'] }))
    .body
  const { run, thread } = await begin(alice, [
    [{ say: 'Before I go on: ' }, { call: 'ask_user', input: { question: 'Which colour?' } }],
    [{ say: 'Thank you.' }],
  ])
  const before = await listen(url, alice, run, isEvent('run.paused'))
  const waiting = await alice.ask('POST', `/v1/threads/${thread}/messages`, { content: script([]) })
  expect(waiting.status).toBe(201)

  await kill()
  url = await start()
  await kill()
  url = await start()

  const again = personOf(url, alice.id, made)
  const replayed = await listen(url, again, run, isEvent('run.paused'))
  expect(replayed.map((t) => t.raw)).toEqual(before.map((t) => t.raw))
  expect((await again.ask('GET', `/v1/runs/${run}`)).body).toMatchObject({
    status: 'running',
    waiting_for_input: true,
  })
  const byKey = { token: key.key as string }
  const last = before.at(-1)?.id as number
  const rest = listen(url, byKey, run, isEnd, `after_seq=${last}`)
  const answer = await again.ask('POST', `/v1/runs/${run}/input`, { content: '{"c":"red"}' })
  expect(answer.body).toEqual({ ok: true })
  const told = await rest
  expect(told.map((t) => t.id)).toEqual(told.map((_, i) => last + i + 1))
  expect(typesOf(told).slice(0, 3)).toEqual(['run.input_provided', 'run.resumed', 'tool.result'])
  expect(told[2]?.body.data.result).toEqual({ user_response: { c: 'red' } })
  expect(told.at(-1)?.event).toBe('run.completed')

  // What was posted meanwhile waits on, and who signed in may sign in again.
  const messages = (await again.ask('GET', `/v1/threads/${thread}/messages`)).body
  expect(messages.at(-1).id).toBe(waiting.body.id)
  const fresh = await login(url, alice.id)
  expect((await fresh.ask('GET', '/v1/me')).body.username).toBe('alice')
}, 60_000)

test('an approval waits through a kill, and words that are neither leave it waiting', async () => {
  let url = await start()
  const body = { login: 'alice', password: PASSWORD, email: 'alice@example.com' }
  const made = await request(`${url}/v1/auth/register`, { method: 'POST', body, headers: {} })
  const write = { call: 'write', input: { path: 'a.txt', content: 'x' } }
  const { run } = await begin(personOf(url, made.body.user_id, made), [[write], [{ say: 'Done.' }]])
  await listen(url, personOf(url, '', made), run, isEvent('run.paused'))

  await kill()
  url = await start()

  const alice = personOf(url, made.body.user_id, made)
  const say = (content: string) => alice.ask('POST', `/v1/runs/${run}/input`, { content })
  expect(await say('what would it write?')).toMatchObject({
    status: 422,
    body: { code: 'validation.error', details: { reason: 'decision_unclear' } },
  })
  expect((await alice.ask('GET', `/v1/runs/${run}`)).body.waiting_for_input).toBe(true)
  expect((await say('{"decision":"approve"}')).body).toEqual({ ok: true })
  const told = await listen(url, alice, run, isEnd)
  expect(told.map((t) => t.id)).toEqual(told.map((_, i) => i + 1))
  expect(told.filter((t) => t.event === 'tool.result')).toHaveLength(1)
  expect(told.at(-1)?.event).toBe('run.completed')
}, 60_000)
