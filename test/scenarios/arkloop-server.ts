/** A server that speaks Arkloop, with people on it. For the scenarios. */

import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { uuidv7 } from 'uuidv7'
import { openAccounts } from '../../src/access/accounts/index.ts'
import { openTokens } from '../../src/access/index.ts'
import { type ArkloopSettings, arkloop } from '../../src/dialects/arkloop/index.ts'
import { native } from '../../src/dialects/native/index.ts'
import { ownware } from '../../src/dialects/ownware/index.ts'
import type { Accounts } from '../../src/kernel/accounts.ts'
import { createServer } from '../../src/server/server.ts'
import { frames, type SseFrame } from '../support/sse.ts'
import { openWorld, type World, type WorldOptions } from '../support/world.ts'

export type Json = Record<string, unknown>

export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: answers are compared, not typed.
  body: any
  headers: Headers
}

export interface Person {
  id: string
  token: string
  /** The cookie that the browser would hold. */
  cookie: string
  ask(method: string, path: string, body?: unknown, headers?: object): Promise<Answer>
}

export interface Ark {
  world: World
  accounts: Accounts
  url: string
  serverToken: string
  logged: string[]
  ask(method: string, path: string, body?: unknown, headers?: object): Promise<Answer>
  register(login: string, invite?: string): Promise<Person>
  close(erase?: boolean): Promise<void>
}

export interface ArkOptions extends Partial<ArkloopSettings> {
  world?: WorldOptions
  /** Requests worked on at once. */
  inFlight?: number
  accounts?: { now?(): number; registration?: 'open' | 'invited'; graceMs?: number }
}

export const PASSWORD = 'correct horse 9'

export async function openArk(options: ArkOptions = {}): Promise<Ark> {
  const { world: worldOptions, accounts: accountOptions, inFlight, ...settings } = options
  const folder = worldOptions?.folder ?? mkdtempSync(join(tmpdir(), 'manifold-arkloop-'))
  const world = await openWorld({ ...worldOptions, folder, settings: { drainMs: 100 } })
  const tokens = openTokens(folder)
  const accounts = openAccounts({
    dataFolder: folder,
    store: world.store,
    isServerToken: (candidate) => tokens.matches(candidate),
    newId: uuidv7,
    now: Date.now,
    ...accountOptions,
  })
  const dialect = arkloop(world.engine, accounts, {
    version: '1.0.0',
    newId: uuidv7,
    now: Date.now,
    workspaceFor: (account) => workspaceFor(folder, account),
    source: (agent) => world.source(agent),
    ...settings,
  })
  const facts = { version: '1.0.0', startedAt: Date.now(), now: Date.now }
  const logged: string[] = []
  const log = (fields: object, text?: string) => void logged.push(JSON.stringify([fields, text]))
  const server = createServer({
    engine: world.engine,
    dialects: [native(world.engine, facts), ownware(world.engine, facts), dialect],
    host: '127.0.0.1',
    port: 0,
    access: { tokens },
    log: { debug() {}, info: log, warn: log, error: log },
    graceMs: 200,
    ...(inFlight === undefined ? {} : { inFlight }),
  })
  const { url } = await server.listen()
  const ask: Ark['ask'] = (method, path, body, headers = {}) =>
    request(url + path, { method, body, headers })
  return {
    ...{ world, accounts, url, logged, ask, serverToken: tokens.value() },
    async register(login, invite) {
      const answer = await ask('POST', '/v1/auth/register', {
        ...{ login, password: PASSWORD, email: `${login}@example.com` },
        ...(invite ? { invite_code: invite } : {}),
      })
      if (answer.status !== 201) throw new Error(JSON.stringify(answer.body))
      return personOf(url, answer.body.user_id, answer)
    },
    async close(erase = true) {
      const told = server.close()
      await world.engine.close()
      await told
      await world.close(erase)
    },
  }
}

function workspaceFor(folder: string, account: string): string {
  const path = account === 'local' ? join(folder, 'workspace') : join(folder, 'accounts', account)
  mkdirSync(path, { recursive: true })
  return path
}

export function personOf(url: string, id: string, answer: Answer): Person {
  const token = answer.body.access_token as string
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] as string
  const authorization = `Bearer ${token}`
  return {
    ...{ id, token, cookie },
    ask: (method, path, body, headers = {}) =>
      request(url + path, { method, body, headers: { authorization, ...headers } }),
  }
}

export async function request(
  url: string,
  { method, body, headers }: { method: string; body?: unknown; headers: object },
): Promise<Answer> {
  const given = { ...headers } as Record<string, string>
  const init: RequestInit = { method, headers: given }
  if (typeof body === 'string') init.body = body
  else if (body !== undefined) init.body = JSON.stringify(body)
  const response = await fetch(url, init)
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
  const parsed = isJson && text !== '' ? JSON.parse(text) : text
  return { status: response.status, body: parsed, headers: response.headers }
}

export const script = (turns: unknown): string => `script ${JSON.stringify(turns)}`

/** A thread with one message and a run on it. */
export async function begin(
  person: Person,
  turns: unknown,
  body: Json = {},
): Promise<{ thread: string; run: string; trace: string; message: string }> {
  const made = await person.ask('POST', '/v1/threads', { title: 'A thread' })
  return beginIn(person, made.body.id, turns, body)
}

export async function beginIn(person: Person, thread: string, turns: unknown, body: Json = {}) {
  const message = await person.ask('POST', `/v1/threads/${thread}/messages`, {
    content: script(turns),
  })
  const run = await person.ask('POST', `/v1/threads/${thread}/runs`, body)
  if (run.status !== 201) throw new Error(JSON.stringify(run.body))
  return {
    thread,
    run: run.body.run_id as string,
    trace: run.body.trace_id as string,
    message: message.body.id as string,
  }
}

export interface Told {
  id: number
  event: string
  body: Json & { data: Json; seq: number; type: string }
  raw: SseFrame
}

/** Everything a run's stream says until the frame that is `last`, pings left out. */
export async function listen(
  url: string,
  person: Pick<Person, 'token'>,
  run: string,
  isLast: (told: Told) => boolean,
  query = 'after_seq=0',
): Promise<Told[]> {
  const response = await fetch(`${url}/v1/runs/${run}/events?${query}`, {
    headers: { authorization: `Bearer ${person.token}` },
  })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  const seen: Told[] = []
  for await (const raw of frames(response)) {
    if (raw.comment !== null) continue
    const told = { id: Number(raw.id), event: raw.event ?? '', body: JSON.parse(raw.data), raw }
    seen.push(told)
    if (isLast(told)) return seen
  }
  throw new Error(`the stream ended after ${seen.map((t) => t.event).join(', ')}`)
}

const ENDS = ['run.completed', 'run.failed', 'run.cancelled', 'run.interrupted']

export const isEnd = ({ event }: Told): boolean => ENDS.includes(event)

export const isEvent =
  (type: string) =>
  ({ event }: Told): boolean =>
    event === type

export const typesOf = (told: Told[]): string[] => told.map((t) => t.event)

/** Resolves when `look` gives something. */
export async function until<T>(look: () => Promise<T | null | false>): Promise<T> {
  for (let i = 0; i < 400; i++) {
    const found = await look()
    if (found !== null && found !== false) return found
    await new Promise((r) => setTimeout(r, 15))
  }
  throw new Error('it did not happen')
}
