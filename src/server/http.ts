/**
 * The only file that knows Node's requests and responses: it reads one, asks whose it is, and
 * writes the reply. A client that goes away ends its stream and its handler's signal, never a run.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { pipeline, type Readable } from 'node:stream'
import { Fault } from '../kernel/fault.ts'
import type { Engine, Principal } from '../kernel/ports.ts'
import type { Call, Dialect, Incoming, Refused, Reply, Route } from '../wire/dialect.ts'
import { runFeed } from '../wire/feed.ts'
import { runLive } from '../wire/live.ts'
import type { Sink, Stage } from '../wire/outlet.ts'
import { ClientGone, forget, parseBody, rawBody } from './body.ts'
import { type Door, peerOf, type Turnstile } from './door.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { createPlaces, Found, Place } from './mount.ts'
import type { Pages } from './page.ts'
import { headersOf, joinHeaders, refuse, wholeBody } from './reply.ts'

/** What a request is answered with. */
export interface House {
  engine: Engine
  places: ReturnType<typeof createPlaces>
  door: Door
  turnstile: Turnstile
  stage: Stage
  log: Log
  metrics: Metrics | null
  behindProxy: boolean
  isSecure: boolean
  isClosing(): boolean
  /** A file of the console, or null. */
  page: Pages
}

/** One request, read as far as its first line and headers. */
export interface Asked extends Incoming {
  place: Place
  search: string
  base: string
  /** What tells a browser whether its page may read the answer. */
  pageHeaders: Record<string, string>
}

export function readRequest(house: House, req: IncomingMessage, only: string | null): Asked {
  // A client that takes this server for its proxy sends a whole address.
  const url = (req.url ?? '/').replace(/^https?:\/\/[^/?#]*/i, '')
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  const search = mark < 0 ? '' : url.slice(mark)
  const headers = req.headers as Record<string, string | undefined>
  const place = house.places(path.startsWith('/') ? path : '/', only)
  const scheme = house.isSecure || isForwardedSecure(house, headers) ? 'https' : 'http'
  return {
    method: req.method ?? 'GET',
    path: place.path,
    headers,
    query: parseQuery(search),
    peer: peerOf(req.socket.remoteAddress ?? '', headers, house.behindProxy),
    place,
    search,
    base: `${scheme}://${headers.host ?? 'localhost'}${place.prefix}`,
    pageHeaders: {},
  }
}

const isForwardedSecure = (house: House, headers: Record<string, string | undefined>): boolean =>
  house.behindProxy && headers['x-forwarded-proto'] === 'https'

function parseQuery(search: string): Record<string, string | string[]> {
  const found = new Map<string, string | string[]>()
  if (search.length < 2) return {}
  for (const [name, value] of new URLSearchParams(search)) {
    const before = found.get(name)
    if (before === undefined) found.set(name, value)
    else if (typeof before === 'string') found.set(name, [before, value])
    else before.push(value)
  }
  return Object.fromEntries(found)
}

/** Answers a request; `only` is the dialect whose own port it came through. Never rejects. */
export async function serve(
  house: House,
  req: IncomingMessage,
  res: ServerResponse,
  only: string | null,
): Promise<void> {
  const began = performance.now()
  const asked = readRequest(house, req, only)
  const found = asked.place.mount.find(asked.method, asked.path, asked.query)
  const { dialect } = found
  const route = found.kind === 'route' ? found.route.path : null
  let reply: Reply
  try {
    reply = await answer(house, asked, found, { req, res })
  } catch (error) {
    if (error instanceof ClientGone || res.destroyed) return
    reply = refuse(house.log, dialect, error, asked)
  }
  try {
    send(house, reply, { req, res, asked, dialect })
  } catch (error) {
    house.log.error({ err: error, dialect: dialect.name, route }, 'a reply could not be written')
    res.destroy()
  }
  const { status } = reply
  const durationMs = performance.now() - began
  house.metrics?.answered({ dialect: dialect.name, route, status, durationMs })
  const { method, path } = asked
  house.log.debug({ method, path, status, durationMs, dialect: dialect.name }, 'request')
}

interface Ends {
  req: IncomingMessage
  res: ServerResponse
}

async function answer(house: House, asked: Asked, found: Found<Route>, ends: Ends): Promise<Reply> {
  const { dialect } = found
  const { method, path } = asked
  const looked = house.door.look(asked, dialect, false)
  asked.pageHeaders = looked.headers
  if (looked.fault) throw looked.fault
  if (found.kind === 'malformed')
    throw new Fault('invalid', 'The path has an escape that means nothing.', { where: 'path' })
  if (method === 'OPTIONS') return options(house, asked, dialect)
  if (found.kind === 'unknown') {
    const page = await pageOf(house, asked)
    if (page) return page
    throw new Fault('not_found', `There is nothing at ${method} ${path}.`, { route: true })
  }
  if (found.kind === 'method')
    throw new Fault('unsupported', `${path} does not have ${method}.`, {
      method: true,
      allow: found.allow,
    })
  if (house.isClosing())
    throw new Fault('unavailable', 'The server is stopping. Try again in a moment.', {
      retryAfterMs: 2000,
    })
  const { route, params } = found
  const leave = route.isAlwaysLetIn === true ? () => {} : house.turnstile.pass()
  try {
    const principal = await house.door.enter(asked, dialect, route.isPublic === true)
    return await route.handle(await readCall(route, params, { asked, principal, ends }))
  } finally {
    leave()
  }
}

/** A file of the console, which is on the main port only: elsewhere it would have nobody to ask. */
async function pageOf(
  house: House,
  { method, path, place, headers }: Asked,
): Promise<Reply | null> {
  if (!place.isRoot || (method !== 'GET' && method !== 'HEAD')) return null
  return house.page(path, headers['accept-encoding'])
}

/** What a page asks before it asks. */
function options(house: House, asked: Asked, dialect: Dialect): Reply {
  const allow = asked.place.mount.methods(asked.path).join(', ') || 'OPTIONS'
  asked.pageHeaders = house.door.preflight(asked, dialect)
  return { status: 204, headers: { allow }, empty: true }
}

async function readCall(
  route: Route,
  path: Record<string, string>,
  { asked, principal, ends }: { asked: Asked; principal: Principal; ends: Ends },
): Promise<Call> {
  const { method, headers, peer, base, search } = asked
  const length = headers['content-length']
  const incoming = {
    stream: ends.req,
    length: length === undefined ? null : Number(length),
    isPresent:
      headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0'),
  }
  const query = parseQueryOf(route, asked)
  const body = route.rawBody ? undefined : await parseBody(route, incoming)
  let signal: AbortSignal | null = null
  return {
    path,
    query,
    body,
    headers,
    method,
    url: asked.path + search,
    base,
    principal,
    peer,
    get raw(): Readable {
      ends.res.once('finish', () => forget(ends.req))
      return rawBody(route, incoming)
    },
    get signal() {
      signal ??= signalOf(ends.res)
      return signal
    },
  }
}

function parseQueryOf(route: Route, { query }: Incoming): Record<string, unknown> {
  if (!route.query) return query
  const parsed = route.query.safeParse(query)
  if (parsed.success) return parsed.data as Record<string, unknown>
  throw new Fault('invalid', 'The query does not have the form it must have.', {
    where: 'query',
    issues: parsed.error.issues,
    input: query,
  })
}

/** Aborted when the connection goes away before the reply is complete. Made only when asked for. */
function signalOf(res: ServerResponse): AbortSignal {
  const controller = new AbortController()
  if (res.destroyed) controller.abort()
  else
    res.once('close', () => {
      if (!res.writableFinished) controller.abort()
    })
  return controller.signal
}

interface Sending extends Ends {
  asked: Asked
  dialect: Dialect
}

function send(house: House, reply: Reply, { req, res, asked, dialect }: Sending): void {
  const refused: Refused = asked
  const around = joinHeaders(asked.pageHeaders, dialect.headers?.(refused))
  const body = wholeBody(reply)
  const headers = headersOf(reply, body, around)
  if (body) {
    res.writeHead(reply.status, headers)
    if (req.method === 'HEAD' || body.size === 0) res.end()
    else res.end(body.data, body.encoding)
  } else if ('bytes' in reply) {
    res.writeHead(reply.status, headers)
    sendBytes(house, reply.bytes as Readable, { req, res })
  } else {
    res.removeHeader('connection')
    res.writeHead(reply.status, headers)
    if (req.method === 'HEAD') res.end()
    else stream(house, reply, res)
  }
}

function sendBytes(house: House, bytes: Readable, { req, res }: Ends): void {
  if (req.method === 'HEAD') {
    bytes.destroy()
    res.end()
    return
  }
  pipeline(bytes, res, (error) => {
    if (error && (error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE')
      house.log.error({ err: error }, 'a reply broke off')
  })
}

function stream(house: House, reply: Reply, res: ServerResponse): void {
  res.flushHeaders()
  const sink = sinkOf(res)
  const running =
    'feed' in reply
      ? runFeed(house.engine, reply.feed, sink, house.stage)
      : 'live' in reply
        ? runLive(reply.live, sink, house.stage)
        : null
  res.once('close', () => running?.close())
  if (res.destroyed) running?.close()
}

/**
 * The way out of one stream, whose headers are on their way already. What is said goes out as one
 * chunk in one write: Node's response makes four of it, which costs more than all else that is done
 * for a word. It is asked only while the connection still belongs to an earlier response.
 */
function sinkOf(res: ServerResponse): Sink {
  let full: Pick<NodeJS.EventEmitter, 'once'> = res
  return {
    write(frames) {
      const text = frames.length === 1 ? (frames[0] as string) : frames.join('')
      const { socket } = res
      const isDirect = socket !== null && res.chunkedEncoding && text !== ''
      full = isDirect ? socket : res
      return isDirect ? writeChunk(socket, text) : res.write(text)
    },
    drained: (then) => void full.once('drain', then),
    end: () => void res.end(),
    cut: () => void res.destroy(),
  }
}

/** Plain ASCII, which most of it is, needs no encoding. */
function writeChunk(socket: Socket, text: string): boolean {
  const size = Buffer.byteLength(text)
  const chunk = `${size.toString(16)}\r\n${text}\r\n`
  return socket.write(chunk, size === text.length ? 'latin1' : 'utf8')
}
