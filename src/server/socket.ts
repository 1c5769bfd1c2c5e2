/** The handshake of WebSockets, which a dialect can refuse like any other request. */

import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocketServer } from 'ws'
import { Fault } from '../kernel/fault.ts'
import type { Call, Dialect, Reply, SocketRoute } from '../wire/dialect.ts'
import { Connection } from './connection.ts'
import { type Asked, type House, readRequest } from './http.ts'
import { headersOf, refuse, wholeBody } from './reply.ts'

export interface Sockets {
  upgrade(req: IncomingMessage, raw: Duplex, head: Buffer, only: string | null): Promise<void>
  /** Those that have not closed by themselves. */
  cut(): void
  readonly size: number
}

export function createSockets(house: House): Sockets {
  const servers = new Map<SocketRoute, WebSocketServer>()
  const open = new Set<Connection>()
  const serverFor = async (route: SocketRoute): Promise<WebSocketServer> => {
    const { WebSocketServer } = await import('ws')
    const known =
      servers.get(route) ??
      new WebSocketServer({
        noServer: true,
        clientTracking: false,
        perMessageDeflate: false,
        maxPayload: route.maxBytes,
      })
    servers.set(route, known)
    return known
  }
  return {
    get size() {
      return open.size
    },
    cut() {
      for (const connection of open) connection.cut()
    },
    async upgrade(req, raw, head, only) {
      raw.on('error', () => raw.destroy())
      const asked = readRequest(house, req, only)
      const found = asked.place.mount.findSocket(asked.path)
      const { dialect } = found
      const connection = new Connection(house, raw)
      raw.once('close', () => connection.gone())
      try {
        if (found.kind !== 'route') throw notASocket(asked)
        const { route, params } = found
        const call = await readHandshake(house, asked, { dialect, params, raw })
        connection.accept(await route.open(call, connection))
        if (raw.destroyed) return
        const server = await serverFor(route)
        server.handleUpgrade(req, raw, head, (ws) => {
          open.add(connection)
          ws.once('close', () => open.delete(connection))
          connection.attach(ws, route.pingEveryMs)
        })
      } catch (error) {
        connection.gone()
        writeRaw(raw, refuse(house.log, dialect, error, asked), dialect.headers?.(asked) ?? {})
      }
    },
  }
}

function notASocket(asked: Asked): Fault {
  const { mount } = asked.place
  const path = mount.find('GET', asked.path, asked.query)
  return path.kind === 'route'
    ? new Fault('unsupported', `${asked.path} is not a WebSocket.`, { upgrade: true })
    : new Fault('not_found', `There is no WebSocket at ${asked.path}.`, { route: true })
}

async function readHandshake(
  house: House,
  asked: Asked,
  at: { dialect: Dialect; params: Record<string, string>; raw: Duplex },
): Promise<Omit<Call, 'body' | 'raw'>> {
  const { fault } = house.door.look(asked, at.dialect, true)
  if (fault) throw fault
  if (house.isClosing()) throw new Fault('unavailable', 'The server is stopping.')
  const principal = await house.door.enter(asked, at.dialect, false)
  const { method, headers, query, peer, base, search } = asked
  const gone = new AbortController()
  at.raw.once('close', () => gone.abort())
  return {
    path: at.params,
    query,
    headers,
    method,
    url: asked.path + search,
    base,
    principal,
    peer,
    signal: gone.signal,
  }
}

/** A reply where there will be no upgrade. */
function writeRaw(raw: Duplex, reply: Reply, around: Record<string, string>): void {
  if (raw.destroyed) return
  const body = wholeBody(reply)
  const headers = { ...headersOf(reply, body, around), connection: 'close' }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const status = `HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? ''}\r\n`
  raw.write(`${status}${lines.join('')}\r\n`)
  raw.end(body?.data)
}
