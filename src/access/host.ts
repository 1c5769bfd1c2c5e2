/**
 * Which names a request may call this server by. A web page can make a name of its own lead to
 * 127.0.0.1 and so reach a local server as if it were its own; such a name must never be served.
 */

import { isIP, isIPv4 } from 'node:net'
import { Fault } from '../kernel/fault.ts'

export interface HostRule {
  /** The address the server listens on. */
  bind: string
  /** Further names, each with or without a port; `*.example.com` means all names below. */
  allowedHosts: readonly string[]
}

export interface HostName {
  /** Lower case, without brackets and without a dot at the end. */
  name: string
  port: string | null
}

/** Reads a Host header; null when it has not the form of one. */
export function parseHost(header: string): HostName | null {
  const found = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::(\d{1,5}))?$/i.exec(header)
  if (!found) return null
  const [, bracketed, plain, port] = found
  if (bracketed !== undefined && isIP(bracketed) !== 6) return null
  const name = (bracketed ?? plain ?? '').toLowerCase().replace(/\.$/, '')
  return name === '' ? null : { name, port: port ?? null }
}

/** Is this address or name the machine itself, whoever is asked? */
export function isLoopback(name: string): boolean {
  const plain = name.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (isIPv4(plain)) return plain.startsWith('127.')
  if (isIP(plain) === 6) return isLoopback6(plain)
  return plain === 'localhost' || plain.endsWith('.localhost')
}

/** However many zeros it is written with. */
function isLoopback6(address: string): boolean {
  const short = new URL(`http://[${address}]`).hostname
  return short === '[::1]' || /^\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\]$/.test(short)
}

/** Null when the request may go on. */
export function checkHost(header: string | undefined, rule: HostRule): Fault | null {
  const host = header === undefined ? null : parseHost(header)
  if (!host) return refused('A request must say which host it is for, in its Host header.')
  if (isLoopback(host.name) || isNamed(host, rule)) return null
  if (!isLoopback(rule.bind) && isIP(host.name) !== 0) return null
  return refused(
    'This server does not answer to that host name. If it is right, start it with --allow-host.',
  )
}

const refused = (message: string): Fault => new Fault('forbidden', message, { reason: 'host' })

function isNamed(host: HostName, { bind, allowedHosts }: HostRule): boolean {
  return [bind, ...allowedHosts].some((entry) => {
    const allowed = entry.startsWith('*.') ? wildcard(entry) : parseHost(bracketed(entry))
    if (!allowed || (allowed.port !== null && allowed.port !== host.port)) return false
    if (!allowed.name.startsWith('*.')) return allowed.name === host.name
    return host.name.endsWith(allowed.name.slice(1)) && isIP(host.name) === 0
  })
}

/** Addresses may be given without the brackets that a header needs. */
const bracketed = (entry: string): string => (isIP(entry) === 6 ? `[${entry}]` : entry)

function wildcard(entry: string): HostName | null {
  const rest = parseHost(entry.slice(2))
  return rest && { ...rest, name: `*.${rest.name}` }
}
