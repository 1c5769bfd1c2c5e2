/** A server that speaks Clotho, and a client that counts what it is told. For the scenarios. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { type ClothoSettings, clotho, tokenFile } from '../../src/dialects/clotho/index.ts'
import { native } from '../../src/dialects/native/index.ts'
import { createServer } from '../../src/server/server.ts'
import { openWorld, type World, type WorldOptions } from '../support/world.ts'

export interface Frame {
  type: string
  data: Record<string, unknown>
  timestamp: string
  [key: string]: unknown
}

export interface Answer {
  status: number
  body: unknown
  headers: Headers
}

export interface Gateway {
  world: World
  url: string
  token: string
  logged: string[]
  ask(method: string, path: string, body?: unknown, headers?: object): Promise<Answer>
  newChat(): Promise<string>
  connect(chat: string): Promise<Client>
  stop(erase?: boolean): Promise<void>
}

interface Options extends Partial<ClothoSettings> {
  world?: WorldOptions
}

export async function startGateway({
  world: worldOptions,
  ...settings
}: Options = {}): Promise<Gateway> {
  const folder = worldOptions?.folder ?? mkdtempSync(join(tmpdir(), 'manifold-clotho-'))
  const world = await openWorld({ ...worldOptions, folder, settings: { drainMs: 100 } })
  const logged: string[] = []
  const log = (fields: object, text?: string) => void logged.push(JSON.stringify([fields, text]))
  const dialect = clotho(world.engine, {
    version: '1.0.0',
    dataFolder: folder,
    clothoHome: null,
    clock: Date.now,
    sandbox: { describe: async () => ({ mode: 'plain', isIsolated: false, problem: 'No walls.' }) },
    ...settings,
  })
  const facts = { version: '1.0.0', startedAt: Date.now() }
  const server = createServer({
    engine: world.engine,
    dialects: [native(world.engine, facts), dialect],
    host: '127.0.0.1',
    port: 0,
    access: { tokens: { matches: () => false } },
    log: { debug: log, info: log, warn: log, error: log },
    graceMs: 200,
  })
  const { url } = await server.listen()
  const token = tokenOf(folder)
  const ask: Gateway['ask'] = (method, path, body, headers = {}) =>
    request(url + path, { method, body, headers: { authorization: `Bearer ${token}`, ...headers } })
  const clients: Client[] = []
  return {
    ...{ world, url, token, logged, ask },
    async newChat() {
      const { body } = await ask('POST', '/api/chats')
      return (body as { chat_id: string }).chat_id
    },
    async connect(chat) {
      const client = await openClient(`${url.replace('http', 'ws')}/ws/${chat}?token=${token}`)
      clients.push(client)
      return client
    },
    async stop(erase = true) {
      for (const client of clients) client.socket.terminate()
      await server.close()
      await world.close(false)
      if (erase) rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const tokenOf = (folder: string): string =>
  (JSON.parse(readFileSync(tokenFile(folder), 'utf8')) as { api_token: string }).api_token

export async function request(
  url: string,
  { method, body, headers }: { method: string; body?: unknown; headers: object },
): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const init = body === undefined ? {} : { body: text }
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const answer = await fetch(url, { method, headers: { ...type, ...headers } as never, ...init })
  const told = await answer.text()
  let parsed: unknown = told
  if (answer.headers.get('content-type')?.includes('json')) parsed = JSON.parse(told)
  return { status: answer.status, body: parsed, headers: answer.headers }
}

export interface Client {
  socket: WebSocket
  frames: Frame[]
  send(frame: unknown): void
  /** The first frame after the `from`-th that is of the type; rejects when the socket closes. */
  until(type: string, from?: number): Promise<Frame>
  /** Once so many frames of the type have come. */
  count(type: string, times: number): Promise<void>
  /** Resolves with the code. */
  closed: Promise<{ code: number; reason: string }>
}

export function openClient(url: string): Promise<Client> {
  const socket = new WebSocket(url)
  const frames: Frame[] = []
  let wake: (() => void)[] = []
  const tell = () => {
    const waiting = wake
    wake = []
    for (const then of waiting) then()
  }
  let isClosed = false
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => {
      isClosed = true
      resolve({ code, reason: String(reason) })
      tell()
    })
  })
  socket.on('message', (data) => {
    frames.push(JSON.parse(String(data)) as Frame)
    tell()
  })
  const wait = async <T>(what: string, find: () => T | undefined): Promise<T> => {
    for (;;) {
      const found = find()
      if (found !== undefined) return found
      if (isClosed) throw new Error(`closed before ${what}: ${JSON.stringify(frames)}`)
      await new Promise<void>((resolve) => wake.push(resolve))
    }
  }
  const client: Client = {
    socket,
    frames,
    closed,
    send: (frame) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
    until: (type, from = 0) => wait(type, () => frames.slice(from).find((f) => f.type === type)),
    async count(type, times) {
      const have = () => frames.filter((f) => f.type === type).length
      await wait(`${times} ${type}`, () => (have() >= times ? true : undefined))
    },
  }
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(client))
    socket.on('error', reject)
    socket.once('unexpected-response', (_, res) => {
      let body = ''
      res.on('data', (chunk) => {
        body += String(chunk)
      })
      res.once('end', () => reject(new Refused(res.statusCode ?? 0, res.headers, body)))
    })
  })
}

export class Refused extends Error {
  readonly status: number
  readonly type: string
  readonly body: string

  constructor(status: number, headers: object, body: string) {
    super(`refused with ${status}`)
    this.status = status
    this.type = String((headers as Record<string, unknown>)['content-type'])
    this.body = body
  }
}

/** A prompt that the scripted model reads as its answers, a list of acts a turn. */
export const script = (...turns: unknown[][]): string => `script ${JSON.stringify(turns)}`

export const says = (text: string) => [{ say: text }]

export const shell = (command: string, id?: string) => ({
  call: 'shell',
  input: { command },
  ...(id ? { id } : {}),
})

export const typesOf = (frames: Frame[]): string[] =>
  frames.map((f) => f.type).filter((t, i, all) => t !== all[i - 1])

export const run = (message: string, stream = true) => ({ type: 'run', data: { message, stream } })

export const approve = (approved: unknown) => ({ type: 'tool_approval', data: { approved } })
