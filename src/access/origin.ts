/**
 * Which web pages may use this server. A browser says in Origin whose page asks; a page of nobody
 * we know may neither change anything nor open a socket, and never reads an answer.
 */

import { Fault } from '../kernel/fault.ts'
import { globMatches } from '../kernel/policy.ts'
import { isLoopback, parseHost } from './host.ts'

export interface OriginRule {
  /** The request's own Host header, already checked. */
  host: string | undefined
  /** Globs such as `https://*.example.com` or `http://app.test:*`; a port of `*` may be absent. */
  allowedOrigins: readonly string[]
  /** A WebSocket handshake: a GET that can do everything. */
  isSocket?: boolean
}

export interface OriginVerdict {
  /** Refuses the request; null lets it go on. */
  fault: Fault | null
  /** For the answer, also when it is a refusal. */
  headers: Record<string, string>
}

const VARY = { Vary: 'Origin' }

/** A request without Origin comes from no web page, or from one of the server's own by GET. */
export function checkOrigin(
  origin: string | undefined,
  method: string,
  rule: OriginRule,
): OriginVerdict {
  if (origin === undefined) return { fault: null, headers: VARY }
  if (isKnown(origin, rule)) return { fault: null, headers: readable(origin) }
  const changes = !['GET', 'HEAD', 'OPTIONS'].includes(method.toUpperCase())
  if (!changes && !rule.isSocket) return { fault: null, headers: VARY }
  const message =
    'Pages of this origin may not use the server. If it is yours, start the server with --allow-origin.'
  return { fault: new Fault('forbidden', message, { reason: 'origin' }), headers: VARY }
}

/** Everything a script may want to read of an answer. A dialect whose pages send cookies says so itself. */
const readable = (origin: string): Record<string, string> => ({
  ...VARY,
  'Access-Control-Allow-Origin': origin,
  'Access-Control-Expose-Headers': '*',
})

export interface Preflight {
  status: 204
  headers: Record<string, string>
}

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'
const HEADERS = 'Authorization, Content-Type, Idempotency-Key, Last-Event-ID'
const PREFLIGHT_VARY =
  'Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network'

/** The answer to OPTIONS. To an unknown origin it says nothing, which a browser takes as a no. */
export function preflight(
  headers: Record<string, string | undefined>,
  rule: OriginRule,
): Preflight {
  const { origin } = headers
  const vary = { Vary: PREFLIGHT_VARY }
  if (origin === undefined || !isKnown(origin, rule)) return { status: 204, headers: vary }
  const isPrivate = headers['access-control-request-private-network'] === 'true'
  return {
    status: 204,
    headers: {
      ...vary,
      'Access-Control-Allow-Origin': origin,
      'Access-Control-Allow-Methods': METHODS,
      'Access-Control-Allow-Headers': wantedHeaders(headers['access-control-request-headers']),
      'Access-Control-Max-Age': '86400',
      ...(isPrivate ? { 'Access-Control-Allow-Private-Network': 'true' } : {}),
    },
  }
}

/** A page we know may send what it likes; what is no header name is left out. */
function wantedHeaders(asked: string | undefined): string {
  const names = (asked ?? '').split(',').map((name) => name.trim())
  const known = HEADERS.toLowerCase().split(', ')
  const more = names.filter((n) => /^[a-z0-9-]{1,64}$/i.test(n) && !known.includes(n.toLowerCase()))
  return [HEADERS, ...new Set(more)].slice(0, 32).join(', ')
}

function isKnown(origin: string, rule: OriginRule): boolean {
  if (!isOrigin(origin)) return false
  return isOwn(origin, rule.host) || rule.allowedOrigins.some((glob) => fits(glob, origin))
}

/** Exactly scheme, host and perhaps a port: nothing in front of an @, and never `null`. */
const isOrigin = (text: string): boolean =>
  /^[a-z][a-z0-9+.-]*:\/\/(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.test(text)

/** The server's own pages, and those that the same machine serves. */
function isOwn(origin: string, hostHeader: string | undefined): boolean {
  const found = /^(https?):\/\/(.+)$/i.exec(origin)
  const page = found ? parseHost(found[2] as string) : null
  if (!found || !page) return false
  if (isLoopback(page.name) && !page.name.endsWith('.localhost')) return true
  const host = hostHeader === undefined ? null : parseHost(hostHeader)
  const port = found[1]?.toLowerCase() === 'https' ? '443' : '80'
  return host?.name === page.name && (host.port ?? port) === (page.port ?? port)
}

function fits(glob: string, origin: string): boolean {
  const pattern = glob.toLowerCase()
  const text = origin.toLowerCase()
  if (globMatches(pattern, text)) return true
  return pattern.endsWith(':*') && globMatches(pattern.slice(0, -2), text)
}
