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

/** All that is to be sent of a reply. */
export interface Whole {
  type: string | null
  data: string | Uint8Array
  size: number
  /** Of a text: plain ASCII, which most is, needs no encoding. */
  encoding: 'latin1' | 'utf8'
}

/** Null when the reply is a stream. Made once a reply: a long list takes its time. */
export function wholeBody(reply: Reply): Whole | null {
  if ('json' in reply) return wholeText(JSON.stringify(reply.json) ?? 'null', 'application/json')
  if ('text' in reply) return wholeText(reply.text, reply.type)
  if ('empty' in reply) return wholeText('', null)
  if (!('bytes' in reply && reply.bytes instanceof Uint8Array)) return null
  const { type, bytes: data } = reply
  return { type, data, size: data.length, encoding: 'utf8' }
}

function wholeText(data: string, type: string | null): Whole {
  const size = Buffer.byteLength(data)
  return { type, data, size, encoding: size === data.length ? 'latin1' : 'utf8' }
}

/** The headers of a reply, `around` being those of the dialect and the connection. */
export function headersOf(reply: Reply, body: Whole | null, around: ReplyHeaders): ReplyHeaders {
  if (body) return wholeHeaders(reply, body, around)
  if ('bytes' in reply) return joinHeaders({ 'content-type': reply.type }, around, reply.headers)
  return joinHeaders(SSE_HEADERS, around, reply.headers)
}

function wholeHeaders(reply: Reply, { type, size }: Whole, around: ReplyHeaders): ReplyHeaders {
  if (reply.status === 204 || reply.status === 304) return joinHeaders(around, reply.headers)
  const first: ReplyHeaders = type === null ? {} : { 'content-type': type }
  return joinHeaders(first, around, reply.headers, { 'content-length': String(size) })
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
