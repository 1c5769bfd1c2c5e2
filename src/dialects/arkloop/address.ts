/**
 * Where a provider may be: anywhere over https, on this machine or in this network also over http. An
 * address that hands out a cloud machine's own credentials is none.
 */

import { isIP } from 'node:net'

/** What is wrong with the address, or null. */
export function addressProblem(text: string): string | null {
  if (!URL.canParse(text)) return 'base_url is not an address'
  const { protocol, hostname, username, password } = new URL(text)
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase()
  if (protocol !== 'https:' && protocol !== 'http:') return 'base_url must be http or https'
  if (username !== '' || password !== '') return 'base_url must not hold a credential'
  // What is appended to it would go astray, to any path of a server nearby.
  if (/[?#]/.test(text)) return 'base_url must not hold a query or a fragment'
  if (isMetadata(host)) return 'base_url is not allowed'
  if (protocol === 'http:' && !isNear(host)) return 'base_url must be https outside this network'
  return null
}

const isMetadata = (host: string): boolean =>
  host.startsWith('169.254.') ||
  host.startsWith('fe80:') ||
  host === 'fd00:ec2::254' ||
  host === 'metadata.google.internal' ||
  /^::ffff:a9fe:/.test(host)

function isNear(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost')) return true
  if (isIP(host) === 6) return host === '::1' || /^f[cd]/.test(host)
  if (isIP(host) !== 4) return false
  const [a, b] = host.split('.').map(Number) as [number, number]
  return a === 127 || a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168)
}
