/** Which addresses of the network are everybody's. All others belong to this machine or its neighbours. */

import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { Fault } from '../kernel/fault.ts'

export interface Address {
  address: string
  family: 4 | 6
}

const PRIVATE_4 = new BlockList()
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // carrier NAT, and a cloud's metadata
  ['127.0.0.0', 8],
  ['169.254.0.0', 16], // link-local, and most clouds' metadata
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['168.63.129.16', 32], // a cloud's host agent
] as const)
  PRIVATE_4.addSubnet(net, bits, 'ipv4')

// Only 2000::/3 is given out at all; within it some is for documentation or wraps other addresses.
const GLOBAL_6 = new BlockList()
GLOBAL_6.addSubnet('2000::', 3, 'ipv6')
const RESERVED_6 = new BlockList()
for (const [net, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['3fff::', 20],
] as const)
  RESERVED_6.addSubnet(net, bits, 'ipv6')

export function isPublic(address: string): boolean {
  const plain = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '')
  const family = isIP(plain)
  if (family === 4) return !PRIVATE_4.check(plain, 'ipv4')
  if (family !== 6) return false
  const groups = groupsOf(plain)
  const inner = embedded(groups)
  if (inner) return isPublic(inner)
  return GLOBAL_6.check(plain, 'ipv6') && !RESERVED_6.check(plain, 'ipv6')
}

/** The IPv4 address inside a mapped, translated (64:ff9b::/96) or 6to4 one. */
function embedded(groups: number[]): string | null {
  const quad = (high: number, low: number): string =>
    [high >> 8, high & 255, low >> 8, low & 255].join('.')
  const [a = 0, b = 0, c = 0, d, e, f, g = 0, h = 0] = groups
  const isMapped = !a && !b && !c && !d && !e && f === 0xffff
  const isTranslated = a === 0x64 && b === 0xff9b && !c && !d && !e && !f
  if (isMapped || isTranslated) return quad(g, h)
  return a === 0x2002 ? quad(b, c) : null
}

/** Eight numbers; `::` filled up, a dotted tail taken apart. */
function groupsOf(address: string): number[] {
  const dotted = /^(.*:)([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)$/.exec(address)
  const [, front = '', ...bytes] = dotted ?? []
  const [p = 0, q = 0, r = 0, s = 0] = bytes.map(Number)
  const hex = dotted
    ? `${front}${((p << 8) | q).toString(16)}:${((r << 8) | s).toString(16)}`
    : address
  const [left = '', right] = hex.split('::')
  const parse = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((g) => Number.parseInt(g, 16))
  const head = parse(left)
  const tail = right === undefined ? [] : parse(right)
  return [...head, ...new Array(Math.max(0, 8 - head.length - tail.length)).fill(0), ...tail]
}

/** Which hosts may be private: none, all, or those named, as `host` or `host:port`. */
export type PrivateHosts = boolean | readonly string[]

export type Resolve = (host: string) => Promise<Address[]>

export const systemResolve: Resolve = async (host) =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address, family }) => ({
    address,
    family: family === 6 ? 6 : 4,
  }))

/**
 * Where a host is, asked once. Refused when any of the addresses is private: a name that has both is
 * a name that somebody points where they like.
 */
export async function placeOf(
  url: URL,
  allowed: PrivateHosts,
  resolve: Resolve,
): Promise<Address[]> {
  const { host, hostname } = url
  const name = hostname.replace(/^\[|\]$/g, '')
  const allowPrivate =
    typeof allowed === 'boolean' ? allowed : allowed.includes(host) || allowed.includes(hostname)
  const family = isIP(name)
  const known: Address[] = family ? [{ address: name, family: family === 6 ? 6 : 4 }] : []
  const found = family ? known : await resolve(name).catch(() => [])
  if (found.length === 0) throw new Fault('unavailable', `The host ${host} was not found.`)
  if (!allowPrivate && found.some(({ address }) => !isPublic(address)))
    throw new Fault(
      'forbidden',
      `${host} is on this machine or its own network, and the server does not allow to fetch from there.`,
    )
  return found
}
