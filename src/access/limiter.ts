/**
 * How often one caller may ask: a bucket of tokens per key that fills up evenly. Holds a bounded
 * number of buckets; a key that has not been seen for longest is forgotten first.
 */

import { isIPv4 } from 'node:net'

export interface LimiterOptions {
  ratePerMinute: number
  /** How many may come at once after a quiet time. */
  burst: number
  /** Epoch milliseconds. */
  now: () => number
  maxKeys?: number
}

export type Passage = { isAllowed: true } | { isAllowed: false; retryAfterMs: number }

export interface Limiter {
  take(key: string): Passage
  /** How many keys are held. */
  size(): number
}

interface Bucket {
  tokens: number
  at: number
}

export function createLimiter(options: LimiterOptions): Limiter {
  const { ratePerMinute, burst, now, maxKeys = 10_000 } = options
  const perMs = ratePerMinute / 60_000
  const buckets = new Map<string, Bucket>()

  const fill = (bucket: Bucket | undefined, at: number): number => {
    if (!bucket) return burst
    // A clock that is set back must neither give nor take.
    return Math.min(burst, bucket.tokens + Math.max(0, at - bucket.at) * perMs)
  }

  const take = (key: string): Passage => {
    const at = now()
    const tokens = fill(buckets.get(key), at)
    const isAllowed = tokens >= 1
    // Put last again: the map's order is that of use.
    buckets.delete(key)
    buckets.set(key, { tokens: isAllowed ? tokens - 1 : tokens, at })
    if (buckets.size > maxKeys) buckets.delete(buckets.keys().next().value as string)
    if (isAllowed) return { isAllowed }
    return { isAllowed, retryAfterMs: Math.max(1, Math.ceil((1 - tokens) / perMs)) }
  }

  return { take, size: () => buckets.size }
}

/** The key of an address: whoever has one IPv6 address has all of its /64. */
export function addressKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address
  const plain = mapped.replace(/%.*$/, '')
  if (isIPv4(plain) || !plain.includes(':')) return plain
  const [head = '', tail] = plain.split('::')
  const front = head === '' ? [] : head.split(':')
  const back = tail ? tail.split(':') : []
  const gap = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length)
  const groups = [...front, ...Array<string>(gap).fill('0'), ...back].slice(0, 4)
  return `${groups.map((g) => Number.parseInt(g, 16).toString(16)).join(':')}::/64`
}
