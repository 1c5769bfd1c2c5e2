/**
 * A port that is listened on, with the limits that keep slow or endless requests from holding it:
 * headers and bodies must come in time, and both have a size.
 */

import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Fault } from '../kernel/fault.ts'

export interface Limits {
  /** For the first line and the headers. Default 10 s. */
  headersMs?: number
  /** For the whole request. Default 60 s. */
  requestMs?: number
  /** How long an idle connection is kept. Default 75 s: longer than proxies keep theirs. */
  keepAliveMs?: number
  /** Default 16 KiB. */
  headerBytes?: number
}

export interface Tls {
  key: string | Buffer
  cert: string | Buffer
}

export interface Port {
  port: number
  /** Stops accepting, and resolves when every connection is gone; after `graceMs` they are cut. */
  close(graceMs: number): Promise<void>
}

export interface Ears {
  onRequest(req: IncomingMessage, res: ServerResponse): void
  /** Of a request that asks for a WebSocket. */
  onUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void
}

interface Address {
  host: string
  port: number
}

/** Connections that wait to be accepted: all clients come back at once when a server has restarted. */
const BACKLOG = 4_096

/** Throws the Fault that says why the address cannot be had. */
export async function openPort(
  at: Address,
  ears: Ears,
  limits: Limits,
  tls: Tls | null,
): Promise<Port> {
  const options = {
    headersTimeout: limits.headersMs ?? 10_000,
    requestTimeout: limits.requestMs ?? 60_000,
    keepAliveTimeout: limits.keepAliveMs ?? 75_000,
    maxHeaderSize: limits.headerBytes ?? 16_384,
    connectionsCheckingInterval: 2000,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
  }
  const server = tls ? secureServer(options, tls) : createServer(options)
  const arrival = tls ? 'secureConnection' : 'connection'
  const closePort = watchConnections(server, arrival)
  server.on('request', ears.onRequest)
  server.on('upgrade', (req, socket, head) => {
    if (isWebSocket(req)) ears.onUpgrade(req, socket, head)
    else server.emit(arrival, askedAgain(req, socket, head))
  })
  server.on('clientError', refuseRaw)
  await new Promise<void>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => reject(notListening(error, at))
    server.once('error', fail)
    server.listen({ ...at, backlog: BACKLOG }, () => {
      server.off('error', fail)
      resolve()
    })
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: closePort,
  }
}

const isWebSocket = ({ headers }: IncomingMessage): boolean =>
  headers.upgrade?.toLowerCase() === 'websocket'

const OFFER = /^(upgrade|http2-settings)$/i

/**
 * Some clients offer to go on in HTTP/2 (`Upgrade: h2c`) with their first request. An offer may be
 * passed over, but Node takes every upgrade out of its parser's hands: the request is given back to
 * it without the offer.
 */
function askedAgain(req: IncomingMessage, socket: Duplex, head: Buffer): Duplex {
  const kept = (req.headers.connection ?? '').split(',').filter((t) => !OFFER.test(t.trim()))
  const lines = [`${req.method} ${req.url} HTTP/${req.httpVersion}`]
  for (let i = 0; i < req.rawHeaders.length; i += 2) {
    const name = req.rawHeaders[i] as string
    if (!OFFER.test(name) && !/^connection$/i.test(name))
      lines.push(`${name}: ${req.rawHeaders[i + 1]}`)
  }
  if (kept.length > 0) lines.push(`Connection: ${kept.join(',')}`)
  if (head.length > 0) socket.unshift(head)
  socket.unshift(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'))
  return socket
}

function secureServer(options: ServerOptions, tls: Tls): Server {
  try {
    return createSecureServer({ ...options, ...tls })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Fault('invalid', `The certificate and its key cannot be used: ${reason}.`)
  }
}

function notListening(error: NodeJS.ErrnoException, { host, port }: Address): Error {
  const reasons: Record<string, string> = {
    EADDRINUSE: `Port ${port} of ${host} is taken, perhaps by another Manifold. Stop what listens there, or choose another port.`,
    EACCES: `Port ${port} of ${host} may not be used by this user. Choose one from 1024 on.`,
    EADDRNOTAVAIL: `${host} is no address of this machine. Choose another with --host.`,
    ENOTFOUND: `The host name ${host} is not known. Choose another with --host.`,
  }
  const reason = reasons[error.code ?? '']
  return reason === undefined ? error : new Fault('conflict', reason, { port })
}

const RAW_STATUS: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/** What is not even a request has no dialect to be refused in. */
function refuseRaw(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const status = RAW_STATUS[error.code ?? ''] ?? '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

/**
 * Knows which connections carry a request, so that stopping waits for those and for no others: one
 * that a browser opened in advance would otherwise hold the server until its patience ends.
 */
function watchConnections(server: Server, event: string): (graceMs: number) => Promise<void> {
  const working = new Map<Socket, number>()
  let isClosing = false
  const add = (socket: Socket, change: number) => {
    const before = working.get(socket)
    if (before === undefined) return
    working.set(socket, before + change)
    if (isClosing && before + change === 0) socket.destroySoon()
  }
  server.on(event, (socket: Socket) => {
    if (working.has(socket)) return
    working.set(socket, 0)
    socket.once('close', () => working.delete(socket))
  })
  server.on('request', (req, res) => {
    const { socket } = req
    add(socket, 1)
    res.once('close', () => add(socket, -1))
  })
  server.on('upgrade', (req: IncomingMessage) => {
    if (isWebSocket(req)) add(req.socket, 1)
  })
  return (graceMs) =>
    new Promise((resolve) => {
      isClosing = true
      const cut = setTimeout(() => {
        for (const socket of working.keys()) socket.destroy()
      }, graceMs)
      server.close(() => {
        clearTimeout(cut)
        resolve()
      })
      for (const [socket, requests] of working) if (requests === 0) socket.destroySoon()
    })
}
