import { describe, expect, it } from 'vitest'
import { addressKey, createLimiter } from './limiter.ts'

function limiter(options: { ratePerMinute: number; burst: number; maxKeys?: number }) {
  const clock = { at: 1_000_000 }
  return { clock, ...createLimiter({ ...options, now: () => clock.at }) }
}

describe('createLimiter', () => {
  it('lets a burst through, then one at a time, and says when', () => {
    const { clock, take } = limiter({ ratePerMinute: 60, burst: 3 })
    const three = [take('a'), take('a'), take('a')]
    expect(three.every((p) => p.isAllowed)).toBe(true)
    expect(take('a')).toEqual({ isAllowed: false, retryAfterMs: 1000 })
    clock.at += 600
    expect(take('a')).toEqual({ isAllowed: false, retryAfterMs: 400 })
    clock.at += 400
    expect(take('a')).toEqual({ isAllowed: true })
    expect(take('a').isAllowed).toBe(false)
  })

  it('never holds more than a burst, and keeps keys apart', () => {
    const { clock, take } = limiter({ ratePerMinute: 600, burst: 2 })
    take('a')
    clock.at += 3_600_000
    expect([take('a'), take('a'), take('a')].map((p) => p.isAllowed)).toEqual([true, true, false])
    expect(take('b').isAllowed).toBe(true)
  })

  it('allows over a long time just what the rate says', () => {
    const { clock, take } = limiter({ ratePerMinute: 10, burst: 10 })
    let allowed = 0
    for (let i = 0; i < 6000; i++, clock.at += 100) if (take('a').isAllowed) allowed++
    expect(allowed).toBeGreaterThanOrEqual(108)
    expect(allowed).toBeLessThanOrEqual(110)
  })

  it('keeps what it knows when the clock is set back', () => {
    const { clock, take } = limiter({ ratePerMinute: 60, burst: 1 })
    take('a')
    clock.at -= 3_600_000
    expect(take('a')).toEqual({ isAllowed: false, retryAfterMs: 1000 })
    clock.at += 1000
    expect(take('a').isAllowed).toBe(true)
  })

  it('forgets the key that was not seen for longest', () => {
    const { take, size } = limiter({ ratePerMinute: 1, burst: 1, maxKeys: 2 })
    take('a')
    take('b')
    take('a')
    take('c')
    expect(size()).toBe(2)
    expect(take('a').isAllowed).toBe(false)
    expect(take('b').isAllowed).toBe(true)
    for (let i = 0; i < 1000; i++) take(`k${i}`)
    expect(size()).toBe(2)
  })
})

describe('addressKey', () => {
  const table: [string, string][] = [
    ['10.1.2.3', '10.1.2.3'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:0db8::9', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['unknown', 'unknown'],
  ]
  it.each(table)('%s', (address, key) => {
    expect(addressKey(address)).toBe(key)
  })
})
