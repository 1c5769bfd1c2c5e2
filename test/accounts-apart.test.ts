/**
 * No dialect reaches across accounts. Somebody has an account of their own, a thread, a run that
 * waits and a persona in it; then every route of every other dialect is asked, as the server's owner,
 * with their ids in each place and dress. Nothing of theirs is told and nothing of theirs changes.
 * The routes are taken from the dialects' own tables, so that a new one is tried by itself.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { runId as oahRun, sessionId } from '../src/dialects/oah/id.ts'
import { agentId, threadId } from '../src/dialects/ownware/id.ts'
import { runId as toolangRun, threadId as toolangThread } from '../src/dialects/toolang/id.ts'
import { openProduct, type Product } from './support/product.ts'

let product: Product
let bob: string
let thread: string
let run: string
let ask: string
let account: string
let persona: string
let clotho: string

/** Words that only bob has said or written. */
const WORDS = 'zanzibar'

const script = (...turns: unknown[]): string => `script ${JSON.stringify(turns)}`

async function register(login: string): Promise<string> {
  const { body } = await product.ask('POST', '/v1/auth/register', {
    ...{ login, password: 'correct horse 9', email: `${login}@example.com` },
  })
  return body.access_token
}

async function asBob(method: string, path: string, body?: unknown) {
  const answer = await product.ask(method, path, body, { authorization: `Bearer ${bob}` })
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

async function waiting(): Promise<void> {
  for (let i = 0; i < 500; i++) {
    const asks = await product.manifold.store.asks({ thread, limit: 1, offset: 0 })
    ask = asks.items[0]?.id ?? ''
    if (ask !== '') return
    await new Promise((r) => setTimeout(r, 10))
  }
  throw new Error('the run does not wait')
}

beforeAll(async () => {
  product = await openProduct({ model: 'scripted:x' })
  await register('alice')
  bob = await register('bob')
  await asBob('POST', '/v1/personas', {
    ...{
      persona_key: 'secretary',
      version: '1',
      display_name: WORDS,
      prompt_md: `You say ${WORDS}.`,
    },
  })
  const agents = product.manifold.engine.catalog.agents()
  persona = agents.find((a) => a.instructions.includes(WORDS))?.name as string
  const provider = await asBob('POST', '/v1/llm-providers', {
    ...{ name: WORDS, provider: 'openai', api_key: `sk-${WORDS}`, scope: 'user' },
    base_url: `http://127.0.0.1:9/${WORDS}`,
  })
  await asBob('POST', `/v1/llm-providers/${provider.id}/models`, { model: `${WORDS}-7` })
  thread = (await asBob('POST', '/v1/threads', { title: WORDS })).id
  account = (await asBob('GET', '/v1/me')).account_id
  const content = script([
    { say: `It is ${WORDS}.` },
    { call: 'ask_user', input: { question: `Which ${WORDS}?` } },
  ])
  await asBob('POST', `/v1/threads/${thread}/messages`, { content })
  run = (await asBob('POST', `/v1/threads/${thread}/runs`, { persona_id: 'secretary' })).run_id
  await waiting()
  clotho = JSON.parse(readFileSync(join(product.folder, 'clotho.json'), 'utf8')).api_token
}, 60_000)

afterAll(() => product.close())

/** What a place in a path can be: bob's things, bare and as the dialect would write them. */
function dressesOf(dialect: string): string[] {
  const bare = [thread, run, ask, persona]
  if (dialect === 'ownware') return [...bare, threadId(thread), agentId(thread), agentId(run)]
  if (dialect === 'oah') return [...bare, sessionId(thread), oahRun(run), account]
  if (dialect === 'clotho') return [...bare, thread.replaceAll('-', '')]
  if (dialect === 'toolang')
    return [...bare, toolangRun(run), toolangThread('web', thread), toolangThread('task', thread)]
  return [...bare, account]
}

const isPlace = /\{\w+\}/g

/** Every place with the same thing, then a thread in the first and each thing in all others. */
function pathsOf(dialect: string, path: string): string[] {
  const places = path.match(isPlace)?.length ?? 0
  if (places === 0) return [path]
  const dresses = dressesOf(dialect)
  const all = dresses.map((dress) => path.replace(isPlace, dress))
  if (places === 1) return all
  const mixed = dresses
    .filter((dress) => dress === thread || dress.length > 36 || dress.startsWith('web_'))
    .flatMap((first) =>
      ['root', ...dresses].map((rest) => {
        let n = 0
        return path.replace(isPlace, () => (n++ === 0 ? first : rest))
      }),
    )
  return [...new Set([...all, ...mixed])]
}

/** Names under which the dialects take ids in bodies and queries; each gets its likeliest dress. */
const named = (): Record<string, string> => ({
  ...{ thread, threadId: threadId(thread), thread_id: toolangThread('web', thread) },
  ...{ run, runId: run, run_id: toolangRun(run), sessionId: sessionId(thread) },
  ...{ chat_id: thread, ask, requestId: ask, askId: ask, parent: thread, from: thread },
  ...{ agent: persona, profileId: persona, profile: persona, agentName: persona },
})

const WORDING = {
  ...{ input: 'x', message: 'x', content: 'x', prompt: 'x', text: 'x', title: 'x', answer: 'x' },
  ...{ decision: 'approve', approved: true, allow: true, agent: 'assistant' },
}

interface Told {
  name: string
  /** All that was sent. */
  asked: string
  status: number
  text: string
}

/** What a stream has stored it tells at once; nothing more is waited for. */
const STREAM_MS = 100

async function told(method: string, path: string, body?: unknown): Promise<Told> {
  const left = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let status = 0
  let text = ''
  try {
    const response = await fetch(product.url + path, {
      method,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${clotho}` },
      ...(body === undefined || method === 'GET' ? {} : { body: JSON.stringify(body) }),
      signal: left.signal,
    })
    status = response.status
    timer = setTimeout(() => left.abort(), STREAM_MS)
    if (!response.headers.get('content-type')?.startsWith('text/event-stream')) clearTimeout(timer)
    const decoder = new TextDecoder()
    for await (const bytes of response.body ?? []) text += decoder.decode(bytes, { stream: true })
  } catch (error) {
    if (!left.signal.aborted) throw error
  } finally {
    clearTimeout(timer)
    left.abort()
  }
  const name = `${method} ${path}`
  return { name, asked: `${path} ${JSON.stringify(body)}`, status, text }
}

/** Everything by which one could know a thing of bob's: each thing with its dresses. */
const things = (): string[][] => [
  [WORDS],
  [account],
  [ask],
  [persona],
  [thread, thread.replaceAll('-', ''), toolangThread('web', thread).slice(4)],
  [run, run.replaceAll('-', ''), toolangRun(run).slice(4)],
]

/** A refusal may repeat what was asked for; an answer may not. */
function leaks({ name, asked, status, text }: Told): string[] {
  const among = (said: string, dresses: string[]): boolean => dresses.some((d) => said.includes(d))
  return things()
    .filter((thing) => among(text, thing) && !(status >= 400 && among(asked, thing)))
    .map(([thing]) => `${name} (${status}) tells ${thing}: ${around(text, thing as string)}`)
}

const around = (text: string, word: string): string => {
  const at = Math.max(0, text.indexOf(word))
  return text.slice(Math.max(0, at - 120), at + 120)
}

const DIALECTS = ['native', 'ownware', 'clotho', 'oah', 'toolang']

it.each(DIALECTS)(
  '%s tells nothing of another account, and changes nothing of it',
  async (dialect) => {
    const { store, engine } = product.manifold
    const before = { log: await store.read(thread, 0, 1000), thread: await engine.thread(thread) }
    const routes = product.manifold.routes.filter((r) => r.dialect === dialect)
    expect(routes.length).toBeGreaterThan(5)
    const asks: (() => Promise<Told>)[] = []
    for (const { method, path } of routes) {
      for (const one of pathsOf(dialect, path)) {
        const at = `/${dialect}${one}`
        if (method === 'GET') {
          asks.push(() => told(method, at))
          if (one === path) {
            asks.push(() => told(method, `${at}?${new URLSearchParams(named())}`))
            for (const [key, id] of Object.entries(named()))
              asks.push(() => told(method, `${at}?${key}=${id}`))
          }
          continue
        }
        asks.push(() => told(method, at, WORDING))
        if (one !== path) asks.push(() => told(method, at, {}))
        else
          for (const [key, id] of Object.entries(named()))
            asks.push(() => told(method, at, { input: 'x', prompt: 'x', message: 'x', [key]: id }))
      }
    }
    const found: string[] = []
    let next = 0
    const labour = async (): Promise<void> => {
      for (let go = asks[next++]; go; go = asks[next++]) found.push(...leaks(await go()))
    }
    await Promise.all(Array.from({ length: 8 }, labour))
    expect(found).toEqual([])
    expect(await store.read(thread, 0, 1000)).toEqual(before.log)
    expect((await engine.thread(thread)).active?.asks.map((a) => a.ask)).toEqual([ask])
    const page = { agent: persona, limit: 10, offset: 0 }
    expect((await store.threads(page)).items.filter((t) => t.account !== account)).toEqual([])
    expect((await store.runs(page)).items.map((r) => r.id)).toEqual([run])
    expect(engine.catalog.agent(persona)?.instructions).toBe(`You say ${WORDS}.`)
  },
  180_000,
)

it('a socket to a chat of another account is refused', async () => {
  const url = `${product.url.replace('http', 'ws')}/ws/${thread}?token=${clotho}`
  const end = await new Promise<string>((resolve) => {
    const socket = new WebSocket(url)
    socket.on('message', (bytes) => resolve(`told ${bytes}`))
    socket.once('unexpected-response', (_, { statusCode }) => resolve(`refused ${statusCode}`))
    socket.once('close', (code) => resolve(`closed ${code}`))
    socket.once('open', () =>
      socket.send(JSON.stringify({ type: 'run', data: { message: 'x', stream: true } })),
    )
    socket.once('error', () => {})
  })
  expect(end).toMatch(/^(refused 40[34]|closed 4\d\d\d|told \{"type":"agent.error")/)
  expect(end).not.toContain(WORDS)
  expect((await product.manifold.engine.thread(thread)).queue).toEqual([])
})

it('where a credential is needed, that of a user opens Arkloop and nothing else', async () => {
  const far = { 'x-forwarded-for': '203.0.113.9' }
  const look = async (path: string, token: string) =>
    (await product.ask('GET', path, undefined, { ...far, authorization: `Bearer ${token}` })).status
  expect(await look('/v1/me', bob)).toBe(200)
  for (const path of [
    '/manifold/v1/threads',
    '/ownware/api/v1/threads?profileId=assistant',
    '/clotho/api/chats',
    '/oah/api/v1/workspaces',
    '/toolang/api/v1/threads',
  ])
    expect([path, await look(path, bob)]).toEqual([path, 401])
})
