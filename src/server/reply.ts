/**
 * A Reply as it goes over the wire: status, headers, bytes. Exactly what the dialect says; where it
 * says nothing, what is plain and right.
 */

import { randomUUID } from 'node:crypto'
import { Fault, isFault } from '../kernel/fault.ts'
import type { Dialect, Refused, Reply, ReplyHeaders } from '../wire/dialect.ts'
import { SSE_HEADERS } from '../wire/sse.ts'
import type { Log } from './log.ts'

/** Names in lower case; later ones win. */
export function joinHeaders(...layers: (ReplyHeaders | undefined)[]): ReplyHeaders {
  const joined: ReplyHeaders = {}
  for (const layer of layers)
    for (const name in layer) joined[name.toLowerCase()] = layer[name] as string | string[]
  return joined
}

/** What is to be sent when all of it is here; null when the reply is a stream. */
export function wholeBody(reply: Reply): { type: string | null; bytes: Uint8Array } | null {
  if ('json' in reply)
    return { type: 'application/json', bytes: Buffer.from(JSON.stringify(reply.json) ?? 'null') }
  if ('text' in reply) return { type: reply.type, bytes: Buffer.from(reply.text) }
  if ('empty' in reply) return { type: null, bytes: new Uint8Array() }
  if ('bytes' in reply && reply.bytes instanceof Uint8Array)
    return { type: reply.type, bytes: reply.bytes }
  return null
}

/** The headers of a reply, `around` being those of the dialect and the connection. */
export function headersOf(reply: Reply, around: ReplyHeaders): ReplyHeaders {
  const body = wholeBody(reply)
  if (body) return wholeHeaders(reply, body, around)
  if ('bytes' in reply) return joinHeaders({ 'content-type': reply.type }, around, reply.headers)
  return joinHeaders(SSE_HEADERS, around, reply.headers)
}

function wholeHeaders(
  reply: Reply,
  body: { type: string | null; bytes: Uint8Array },
  around: ReplyHeaders,
): ReplyHeaders {
  const hasBody = reply.status !== 204 && reply.status !== 304
  const own: ReplyHeaders = hasBody ? { 'content-length': String(body.bytes.length) } : {}
  const type: ReplyHeaders = hasBody && body.type !== null ? { 'content-type': body.type } : {}
  return joinHeaders(type, around, reply.headers, own)
}

/**
 * A refusal in the dialect's own shape. What is no Fault is a fault of this program: it is logged
 * once, whole, under an id, and the client is told the id and nothing else.
 */
export function refuse(log: Log, dialect: Dialect, error: unknown, request: Refused): Reply {
  const fault = isFault(error) ? error : concealed(log, dialect, error, request)
  try {
    return dialect.refuse(fault, request)
  } catch (broken) {
    concealed(log, dialect, broken, request)
    return { status: 500, text: 'Internal Server Error', type: 'text/plain' }
  }
}

function concealed(log: Log, dialect: Dialect, error: unknown, request: Refused): Fault {
  const id = randomUUID()
  const { method, path } = request
  log.error({ id, err: error, dialect: dialect.name, method, path }, 'a request failed')
  return new Fault('internal', `The server failed. Its log says more under ${id}.`, { id })
}
