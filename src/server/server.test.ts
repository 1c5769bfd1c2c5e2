import { request } from 'node:http'
import { type AddressInfo, connect, createServer as createPort } from 'node:net'
import { Readable } from 'node:stream'
import { afterEach, expect, test } from 'vitest'
import WebSocket from 'ws'
import type { Event } from '../kernel/event.ts'
import { Fault } from '../kernel/fault.ts'
import type { Engine, Reading } from '../kernel/ports.ts'
import { type Dialect, route } from '../wire/dialect.ts'
import type { Feed } from '../wire/projection.ts'
import { z } from '../wire/schema.ts'
import { createServer, type Server, type ServerOptions } from './server.ts'

/** One thread's log in memory, followed as the engine lets it be followed. */
function openLog() {
  const events: Event[] = []
  const readings = new Set<Reading>()
  const note = (text: string) => {
    const data = { level: 'info', code: 'x', text } as const
    const event: Event = {
      thread: 't',
      seq: events.length + 1,
      at: 0,
      type: 'note',
      run: null,
      data,
    }
    events.push(event)
    for (const reading of readings) void reading.tell([event])
  }
  const engine = {
    follow(reading: Reading) {
      queueMicrotask(async () => {
        await reading.tell(events.slice(reading.after))
        readings.add(reading)
        await reading.caughtUp?.(events.length)
      })
      return { close: () => readings.delete(reading) }
    },
    onCommit: () => () => {},
    stats: () => ({ readers: readings.size }),
    store: { runs: async () => ({ items: [], total: 3 }) },
  } as unknown as Engine
  return { engine, note, readings }
}

const notes = (more: Partial<Feed<number, string>> = {}): Feed<number, string> => ({
  thread: 't',
  projection: { open: () => 0, tell: (n, e) => [n + 1, e.type === 'note' ? [e.data.text] : []] },
  wants: () => true,
  write: (frame) => `data: ${frame}\n\n`,
  opening: () => ': hi\n\n',
  goodbye: (reason) => `event: bye\ndata: ${reason}\n\n`,
  ...more,
})

const seen: { aborted: number; closed: number } = { aborted: 0, closed: 0 }

const refuse: Dialect['refuse'] = (fault, { method, path }) => ({
  status:
    { invalid: 400, unauthenticated: 401, forbidden: 403, too_large: 413 }[
      fault.code as 'invalid'
    ] ?? (fault.details.method ? 405 : fault.code === 'internal' ? 500 : 404),
  json: { code: fault.code, message: fault.message, details: fault.details, method, path },
})

const plain = (name: string, routes: Dialect['routes'], more: Partial<Dialect> = {}): Dialect => ({
  name,
  about: `${name} & co`,
  routes,
  refuse,
  headers: () => ({ 'X-From': name }),
  ...more,
})

const alpha = plain(
  'alpha',
  [
    route({
      method: 'GET',
      path: '/a/things/{id}',
      summary: '',
      answers: {},
      owns: ({ id }) => id?.startsWith('a_') ?? false,
      handle: ({ path, query, base, url, peer }) => ({
        status: 200,
        headers: { 'content-type': 'application/json; charset=utf-8' },
        json: { alpha: path.id, query, base, url, peer },
      }),
    }),
    route({
      method: 'POST',
      path: '/a/things/{id}:poke',
      summary: '',
      body: z.strictObject({ n: z.number() }),
      bodyLimit: 100,
      answers: {},
      handle: ({ body, path }) => ({ status: 201, json: { poked: path.id, n: body.n } }),
    }),
    route({
      method: 'POST',
      path: '/a/things',
      summary: '',
      body: z.unknown(),
      answers: {},
      handle: ({ body }) => ({ status: 201, json: { body } }),
    }),
    route({
      method: 'GET',
      path: '/a/stream',
      summary: '',
      answers: {},
      handle: () => ({ status: 200, feed: notes() }),
    }),
    route({
      method: 'GET',
      path: '/a/slow',
      summary: '',
      answers: {},
      handle: ({ signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            seen.aborted++
            resolve({ status: 204, empty: true })
          })
        }),
    }),
    route({
      method: 'GET',
      path: '/a/told',
      summary: '',
      answers: {},
      handle: () => {
        let times = 0
        return { status: 200, json: { toJSON: () => `Grüße 👋 ${++times}` } }
      },
    }),
    route({
      method: 'GET',
      path: '/a/bytes',
      summary: '',
      answers: {},
      handle: () => ({
        status: 200,
        bytes: Readable.from([Buffer.from('ab'), Buffer.from('c')]),
        type: 'text/x',
      }),
    }),
    route({
      method: 'GET',
      path: '/a/bug',
      summary: '',
      answers: {},
      handle: () => {
        throw new Error('the secret')
      },
    }),
    route({
      method: 'PUT',
      path: '/a/raw',
      summary: '',
      rawBody: true,
      answers: {},
      handle: async ({ raw }) => {
        let size = 0
        for await (const chunk of raw) size += (chunk as Buffer).length
        return { status: 200, json: { size } }
      },
    }),
    route({
      method: 'PUT',
      path: '/a/upload/{how}',
      summary: '',
      rawBody: true,
      bodyLimit: 100_000,
      answers: {},
      handle: async ({ raw, path }) => {
        for await (const _ of raw) if (path.how === 'begun') break
        throw new Fault('forbidden', 'not this one')
      },
    }),
    route({
      method: 'GET',
      path: '/healthz',
      summary: '',
      isPublic: true,
      answers: {},
      handle: () => ({ status: 200, json: { ok: true } }),
    }),
  ],
  {
    sockets: [
      {
        path: '/a/ws/{id}',
        maxBytes: 1000,
        pingEveryMs: 60_000,
        open({ path }, socket) {
          if (path.id === 'no') throw new Fault('forbidden', 'not you')
          if (path.id === 'gone') socket.close(4004, 'not here')
          if (path.id === 'feed') socket.follow(notes({ opening: () => 'opened' }))
          return {
            message: async (text) => {
              if (path.id === 'big')
                for (let i = 0; i < Number(text); i++) socket.send('x'.repeat(9_000_000))
              await new Promise((r) => setImmediate(r))
              socket.send(`echo ${text}`)
            },
            closed: () => void seen.closed++,
          }
        },
      },
    ],
  },
)

const beta = plain(
  'beta',
  [
    route({
      method: 'GET',
      path: '/a/things/{thing}',
      summary: '',
      answers: {},
      owns: ({ thing }) => thing?.startsWith('b_') ?? false,
      handle: ({ path }) => ({ status: 200, json: { beta: path.thing } }),
    }),
    route({
      method: 'GET',
      path: '/healthz',
      summary: '',
      isPublic: true,
      answers: {},
      handle: () => ({ status: 200, json: { status: 'ok' } }),
    }),
  ],
  {
    admit: ({ headers }) => {
      if (headers.authorization !== 'Bearer b') throw new Fault('unauthenticated', 'no token')
      return { id: 'b', account: 'b' }
    },
  },
)

const open: Server[] = []
const logged: unknown[] = []

async function start(more: Partial<ServerOptions> = {}) {
  const log = openLog()
  const quiet = () => {}
  const server = createServer({
    engine: log.engine,
    dialects: [alpha, beta],
    host: '127.0.0.1',
    port: 0,
    access: { tokens: { matches: (t) => t === 'secret' }, allowedOrigins: ['http://ok'] },
    log: { debug: quiet, info: quiet, warn: quiet, error: (f) => void logged.push(f) },
    graceMs: 2000,
    ...more,
  })
  open.push(server)
  const { url, port, ports } = await server.listen()
  return { server, url, port, ports, ...log }
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((s) => s.close()))
})

/** The whole answer as it came over the socket. */
const raw = (port: number, text: string) =>
  new Promise<string>((resolve) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.setEncoding('utf8')
    socket.on('data', (piece: string) => {
      answer += piece
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', () => resolve(answer))
  })

/** One that nobody has just now. */
const freePort = () =>
  new Promise<number>((resolve) => {
    const holder = createPort().listen(0, '127.0.0.1', () => {
      const { port } = holder.address() as AddressInfo
      holder.close(() => resolve(port))
    })
  })

const until = async (isTrue: () => boolean) => {
  for (let i = 0; i < 1000 && !isTrue(); i++) await new Promise((r) => setTimeout(r, 2))
  expect(isTrue()).toBe(true)
}

test('ids decide between two owners, at the root, under the name, and on an own port', async () => {
  const { url, ports } = await start({ listens: { beta: 0 } })
  const auth = { headers: { authorization: 'Bearer b' } }
  const get = async (at: string) => (await fetch(at, auth)).json() as Promise<unknown>
  expect(await get(`${url}/a/things/a_1?x=1&x=2&y=z`)).toMatchObject({
    alpha: 'a_1',
    query: { x: ['1', '2'], y: 'z' },
    base: url,
    url: '/a/things/a_1?x=1&x=2&y=z',
    peer: { address: '127.0.0.1', isLoopback: true },
  })
  expect(await get(`${url}/a/things/b_1`)).toEqual({ beta: 'b_1' })
  expect(await get(`${url}/beta/a/things/a_1`)).toEqual({ beta: 'a_1' })
  expect(await get(`${url}/alpha/a/things/b_1`)).toMatchObject({
    alpha: 'b_1',
    base: `${url}/alpha`,
  })
  expect(await get(`http://127.0.0.1:${ports.beta}/a/things/a_1`)).toEqual({ beta: 'a_1' })
  expect(await get(`${url}/healthz`)).toEqual({ ok: true, status: 'ok' })
  expect(await get(`${url}/beta/healthz`)).toEqual({ status: 'ok' })
})

test('what a dialect prepares is there before anybody can connect', async () => {
  const port = await freePort()
  const reached: (string | undefined)[] = []
  const prepare = async () => {
    const { cause } = await fetch(`http://127.0.0.1:${port}/healthz`).catch((error) => error)
    reached.push(cause?.code)
  }
  await start({ port, dialects: [{ ...alpha, prepare }, beta] })
  expect(reached).toEqual(['ECONNREFUSED'])
})

test('each dialect has its own door and its own refusals', async () => {
  const { url } = await start()
  const refused = await fetch(`${url}/a/things/b_1`)
  expect([refused.status, refused.headers.get('x-from')]).toEqual([401, 'beta'])
  const unknown = await fetch(`${url}/beta/nope`)
  expect([unknown.status, unknown.headers.get('x-from')]).toEqual([404, 'beta'])
  const other = await fetch(`${url}/a/things/a_1`, { method: 'DELETE' })
  expect(other.status).toBe(405)
  expect(await other.json()).toMatchObject({
    code: 'unsupported',
    details: { method: true, allow: ['GET', 'HEAD', 'OPTIONS'] },
  })
  const bad = await fetch(`${url}/a/things/%zz`)
  expect([bad.status, ((await bad.json()) as { details: unknown }).details]).toEqual([
    400,
    { where: 'path' },
  ])
})

test('a reply is written exactly', async () => {
  const { url, port } = await start()
  const answer = await raw(
    port,
    'GET /alpha/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  )
  expect(answer).toContain('content-type: application/json\r\n')
  expect(answer).toContain('content-length: 11\r\n')
  expect(answer.endsWith('\r\n\r\n{"ok":true}')).toBe(true)
  const head = await fetch(`${url}/a/things/a_1`, { method: 'HEAD' })
  expect(head.headers.get('content-type')).toBe('application/json; charset=utf-8')
  expect(Number(head.headers.get('content-length'))).toBeGreaterThan(20)
  expect(await head.text()).toBe('')
  const told = await fetch(`${url}/a/told`)
  expect([told.headers.get('content-length'), await told.text()]).toEqual(['16', '"Grüße 👋 1"'])
  const bytes = await fetch(`${url}/a/bytes`)
  expect([bytes.headers.get('content-type'), await bytes.text()]).toEqual(['text/x', 'abc'])
})

test('bodies: parsed, validated, limited, raw', async () => {
  const { url } = await start()
  const post = async (body: string | undefined) => {
    const answer = await fetch(`${url}/a/things/q:poke`, {
      method: 'POST',
      ...(body ? { body } : {}),
    })
    return [answer.status, await answer.json()]
  }
  expect(await post('{"n":1}')).toEqual([201, { poked: 'q', n: 1 }])
  expect(await post(undefined)).toMatchObject([400, { details: { where: 'absent' } }])
  expect(await post('{"n":')).toMatchObject([400, { details: { where: 'json' } }])
  expect(await post('{"n":"x"}')).toMatchObject([
    400,
    { details: { where: 'body', issues: [{ path: ['n'] }] } },
  ])
  expect(await post(`{"n":1${' '.repeat(200)}}`)).toMatchObject([
    413,
    { details: { limitBytes: 100 } },
  ])
  const chunked = await fetch(`${url}/a/things/q:poke`, {
    method: 'POST',
    body: new ReadableStream({
      start(c) {
        c.enqueue(new Uint8Array(300))
        c.close()
      },
    }),
    duplex: 'half',
  } as RequestInit)
  expect(chunked.status).toBe(413)
  const put = await fetch(`${url}/a/raw`, { method: 'PUT', body: new Uint8Array(12345) })
  expect(await put.json()).toEqual({ size: 12345 })
})

test('JSON may be nested, but not so deeply that it could not be written again', async () => {
  const { url } = await start()
  const post = async (body: string) => {
    const answer = await fetch(`${url}/a/things`, { method: 'POST', body })
    return [answer.status, await answer.text()]
  }
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
  const mixed = (levels: number) => '{"a":['.repeat(levels) + ']}'.repeat(levels)
  const refused = [400, expect.stringContaining('"where":"json"')]
  for (const body of [nested(1000), mixed(500)])
    expect(await post(body)).toEqual([201, `{"body":${body}}`])
  for (const body of [nested(1001), nested(200_000), `{"x":${mixed(500)}}`, mixed(100_000)])
    expect(await post(body)).toEqual(refused)
})

test('an upload that is refused leaves its connection to the next request', async () => {
  const { port } = await start()
  const next = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
  const upload = (how: string, size: number) =>
    raw(
      port,
      `PUT /a/upload/${how} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}${next}`,
    )
  const statuses = (text: string) => text.match(/HTTP\/1.1 \d+/g)?.map((s) => s.slice(9))
  expect(statuses(await upload('whole', 50_000))).toEqual(['403', '200'])
  expect(statuses(await upload('whole', 12_000_000))).toEqual(['413', '200'])
  expect(statuses(await upload('begun', 12_000_000))).toEqual(['403', '200'])
})

test('a bug is logged once with an id, and told without its text', async () => {
  const { url } = await start()
  logged.length = 0
  const answer = await fetch(`${url}/a/bug`)
  const text = await answer.text()
  expect(answer.status).toBe(500)
  expect(text).not.toContain('secret')
  expect(logged).toHaveLength(1)
  expect(text).toContain((logged[0] as { id: string }).id)
})

test('host and origin are checked, and a welcome page may read the answer', async () => {
  const { url, port } = await start()
  const evil = 'GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n'
  expect(await raw(port, evil)).toMatch(/^HTTP\/1.1 403/)
  const at = `${url}/a/things/x:poke`
  const from = (origin: string, method: string) => fetch(at, { method, headers: { origin } })
  const foreign = await from('http://bad', 'POST')
  expect([foreign.status, foreign.headers.get('access-control-allow-origin')]).toEqual([403, null])
  const welcome = await from('http://ok', 'POST')
  expect([welcome.status, welcome.headers.get('access-control-allow-origin')]).toEqual([
    400,
    'http://ok',
  ])
  const preflight = await from('http://ok', 'OPTIONS')
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-headers')).toContain('Idempotency-Key')
  expect(preflight.headers.get('allow')).toContain('POST')
  const refusal = await new Promise<number | undefined>((resolve) =>
    new WebSocket(`${url.replace('http', 'ws')}/a/ws/1`, { origin: 'http://bad' })
      .on('unexpected-response', (_, res) => resolve(res.statusCode))
      .on('error', () => {}),
  )
  expect(refusal).toBe(403)
})

/** Reads a stream until it has said `end`; resolves with what it said, and whether it ended. */
function readStream(url: string) {
  const got = { text: '', isEnded: false, headers: {} as Record<string, unknown> }
  const req = request(url, (res) => {
    got.headers = res.headers
    res.setEncoding('utf8')
    res.on('data', (piece: string) => {
      got.text += piece
    })
    res.on('end', () => {
      got.isEnded = true
    })
    res.on('error', () => {})
  })
  req.on('error', () => {})
  req.end()
  return { got, leave: () => req.destroy() }
}

test('a stream replays, lives, and is told goodbye when the server stops', async () => {
  const { server, url, note } = await start()
  note('one')
  const { got } = readStream(`${url}/a/stream`)
  await until(() => got.text.includes('one'))
  note('two')
  await until(() => got.text.includes('two'))
  expect(got.headers).toMatchObject({
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
    'x-from': 'alpha',
  })
  expect(got.headers).not.toHaveProperty('connection')
  await server.close()
  await until(() => got.isEnded)
  expect(got.text).toBe(': hi\n\ndata: one\n\ndata: two\n\nevent: bye\ndata: shutdown\n\n')
})

test('a connection that carries no request does not hold the server', async () => {
  const { server, port } = await start({ graceMs: 3_600_000 })
  const idle = connect(port, '127.0.0.1')
  await new Promise((r) => idle.once('connect', r))
  const kept = connect(port, '127.0.0.1')
  kept.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await new Promise((r) => kept.once('data', r))
  const ended = Promise.all([idle, kept].map((s) => new Promise((r) => s.once('close', r))))
  await server.close()
  await ended
})

test('a reader that leaves frees its reading; a handler hears of it', async () => {
  const { url, readings } = await start()
  const { got, leave } = readStream(`${url}/a/stream`)
  await until(() => got.text.includes('hi') && readings.size === 1)
  leave()
  await until(() => readings.size === 0)
  const before = seen.aborted
  const slow = readStream(`${url}/a/slow`)
  setTimeout(slow.leave, 50)
  await until(() => seen.aborted === before + 1)
})

test('a reader that takes nothing is sent away, and the log is not buffered for it', async () => {
  const { port, note, readings } = await start({ readers: { blockedMs: 200, lingerMs: 200 } })
  const socket = connect(port, '127.0.0.1', () => {
    socket.pause()
    socket.write('GET /a/stream HTTP/1.1\r\nHost: localhost\r\n\r\n')
  })
  await until(() => readings.size === 1)
  const big = 'x'.repeat(1_000_000)
  for (let i = 0; i < 12; i++) note(big)
  await until(() => readings.size === 0)
  socket.destroy()
})

test('sockets: refusal, early close, order, feed, goodbye', async () => {
  const { server, url, note } = await start()
  const ws = (path: string) => new WebSocket(url.replace('http', 'ws') + path)
  const refused = await new Promise<number | undefined>((resolve) =>
    ws('/a/ws/no')
      .on('unexpected-response', (_, res) => resolve(res.statusCode))
      .on('error', () => {}),
  )
  expect(refused).toBe(403)
  const unknown = await new Promise<number | undefined>((resolve) =>
    ws('/a/none')
      .on('unexpected-response', (_, res) => resolve(res.statusCode))
      .on('error', () => {}),
  )
  expect(unknown).toBe(404)
  const early = await new Promise((resolve) =>
    ws('/a/ws/gone').on('close', (code, why) => resolve([code, String(why)])),
  )
  expect(early).toEqual([4004, 'not here'])

  const echo = ws('/alpha/a/ws/1')
  const echoed: string[] = []
  echo.on('message', (m) => echoed.push(String(m)))
  await new Promise((r) => echo.on('open', r))
  for (const text of ['1', '2', '3']) echo.send(text)
  await until(() => echoed.length === 3)
  expect(echoed).toEqual(['echo 1', 'echo 2', 'echo 3'])
  const closedBefore = seen.closed
  echo.close()
  await until(() => seen.closed === closedBefore + 1)

  note('one')
  const fed = ws('/a/ws/feed')
  const frames: string[] = []
  fed.on('message', (m) => frames.push(String(m)))
  const code = new Promise((resolve) => fed.on('close', resolve))
  await until(() => frames.length === 2)
  note('two')
  await until(() => frames.length === 3)
  await server.close()
  expect(await code).toBe(1012)
  expect(frames).toEqual([
    'opened',
    'data: one\n\n',
    'data: two\n\n',
    'event: bye\ndata: shutdown\n\n',
  ])
})

test('an oversize message closes the socket', async () => {
  const { url } = await start()
  const ws = new WebSocket(`${url.replace('http', 'ws')}/a/ws/1`)
  const code = new Promise((resolve) => ws.on('close', resolve))
  await new Promise((r) => ws.on('open', r))
  ws.send('x'.repeat(2000))
  expect(await code).toBe(1009)
})

test('a message may be large; what piles up behind it ends the socket with a reason', async () => {
  const { url } = await start()
  const ws = new WebSocket(`${url.replace('http', 'ws')}/a/ws/big`)
  const sizes: number[] = []
  ws.on('message', (m) => sizes.push(String(m).length))
  const end = new Promise((resolve) => ws.on('close', (code, why) => resolve([code, String(why)])))
  await new Promise((r) => ws.on('open', r))
  ws.send('1')
  await until(() => sizes.length === 2)
  expect(sizes).toEqual([9_000_000, 'echo 1'.length])
  ws.send('20')
  expect(await end).toEqual([1013, 'slow'])
  // Whoever reads all the same loses nothing of what was sent before.
  expect(new Set(sizes.slice(2))).toEqual(new Set([9_000_000]))
  expect(sizes.length).toBeLessThan(20)
})

test('more requests than may be worked on at once are refused', async () => {
  const { url } = await start({ inFlight: 1 })
  const slow = readStream(`${url}/a/slow`)
  await new Promise((r) => setTimeout(r, 50))
  const answer = await fetch(`${url}/a/things/a_1`)
  expect(await answer.json()).toMatchObject({ code: 'limited', details: { limit: 1 } })
  slow.leave()
})

test('an address that cannot be had is told as what to do about it', async () => {
  const { port } = await start()
  await expect(start({ port })).rejects.toThrow(`Port ${port} of 127.0.0.1 is taken`)
  await expect(start({ host: '203.0.113.7' })).rejects.toThrow('--host')
  await expect(start({ listens: { nobody: 0 } })).rejects.toThrow('There are: alpha, beta')
  const tls = { cert: 'no certificate', key: 'no key' }
  await expect(start({ tls })).rejects.toThrow('The certificate and its key cannot be used')
})

test('the root says what is here; metrics name routes and never paths', async () => {
  const { url } = await start()
  const page = await (await fetch(url)).text()
  expect(page).toContain('alpha &#38; co')
  await fetch(`${url}/a/things/a_secret`)
  const metrics = await fetch(`${url}/metrics`)
  const text = await metrics.text()
  expect(text).toContain('manifold_runs{status="waiting"} 3')
  expect(text).toContain('route="/a/things/{id}"')
  expect(text).not.toContain('a_secret')
})

test('what is no request is refused without a dialect', async () => {
  const { port } = await start()
  expect(await raw(port, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1.1 400/)
  const long = `GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`
  expect(await raw(port, long)).toMatch(/^HTTP\/1.1 431/)
})

test('a request as it is sent to a proxy is for the path in its address', async () => {
  const { port } = await start()
  const text = await raw(
    port,
    'GET http://localhost/a/things/a_1?x=1&x=2&x=3 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  )
  expect(text).toContain('"query":{"x":["1","2","3"]}')
})

test('an offer to speak HTTP/2 is passed over, and the request answered', async () => {
  const { server, port } = await start({ graceMs: 3_600_000 })
  const offer =
    'Connection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n'
  const body = '{"n":7}'
  const text = await raw(
    port,
    `POST /a/things/a_1:poke HTTP/1.1\r\nHost: localhost\r\n${offer}Content-Length: ${body.length}\r\n\r\n${body}`,
  )
  expect(text).toMatch(/^HTTP\/1.1 201/)
  expect(text).toContain('{"poked":"a_1","n":7}')
  expect(text).not.toMatch(/upgrade/i)
  await server.close()
})

test('a request behind a proxy is never local, and a client cannot say that it is', async () => {
  const ask = async (url: string, headers: Record<string, string>) => {
    const answer = await fetch(`${url}/a/things/a_1`, { headers })
    return [answer.status, ((await answer.json()) as { peer?: unknown }).peer]
  }
  const token = { authorization: 'Bearer secret' }
  const local = await start()
  expect(await ask(local.url, { 'x-forwarded-for': '127.0.0.1' })).toEqual([401, undefined])
  const refused = await fetch(`${local.url}/a/things/a_1`, {
    headers: { forwarded: 'for=1.2.3.4' },
  })
  expect(((await refused.json()) as { message: string }).message).toContain('--behind-proxy')
  const behind = await start({ behindProxy: true })
  expect(await ask(behind.url, {})).toEqual([401, undefined])
  expect(await ask(behind.url, { ...token, 'x-forwarded-for': '1.2.3.4, 5.6.7.8' })).toEqual([
    200,
    { address: '5.6.7.8', isLoopback: false },
  ])
})
