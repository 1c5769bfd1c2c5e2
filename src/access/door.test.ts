import { describe, expect, it } from 'vitest'
import { isFault } from '../kernel/fault.ts'
import { checkBind, needsCredential } from './bind.ts'
import { admitDefault } from './door.ts'

describe('checkBind', () => {
  const open = { hasTls: false, behindProxy: false, hasToken: true }
  const table: [string, Partial<typeof open>, string | null][] = [
    ['127.0.0.1', { hasToken: false }, null],
    ['localhost', { hasToken: false }, null],
    ['::1', {}, null],
    ['127.0.0.1', { behindProxy: true }, null],
    ['127.0.0.1', { behindProxy: true, hasToken: false }, 'credentials'],
    ['0.0.0.0', {}, 'tls'],
    ['', {}, 'tls'],
    ['::', {}, 'tls'],
    ['192.168.1.5', {}, 'tls'],
    ['box.lan', {}, 'tls'],
    ['0.0.0.0', { hasTls: true }, null],
    ['0.0.0.0', { behindProxy: true }, null],
    ['0.0.0.0', { hasTls: true, hasToken: false }, 'credentials'],
  ]
  it.each(table)('%s %j', (host, given, reason) => {
    const fault = checkBind({ host, ...open, ...given })
    expect(fault?.details.reason ?? null).toBe(reason)
  })

  it('says what to do', () => {
    const { message } = checkBind({ host: '0.0.0.0', ...open }) ?? { message: '' }
    for (const way of ['127.0.0.1', '--tls-cert', '--behind-proxy']) expect(message).toContain(way)
  })
})

describe('admitDefault', () => {
  const tokens = { matches: (t: string | Uint8Array) => t === 'secret' }
  const enter = (host: string, authorization?: string, behindProxy = false) => {
    const found = admitDefault(
      { headers: { authorization } },
      { bind: { host, behindProxy }, tokens },
    )
    return isFault(found) ? `${found.code} ${found.details.reason}` : found.id
  }
  const table: [string, string | undefined, boolean, string][] = [
    ['127.0.0.1', undefined, false, 'local'],
    ['localhost', 'Bearer wrong', false, 'local'],
    ['::1', 'Bearer ', false, 'local'],
    ['127.0.0.1', undefined, true, 'unauthenticated missing'],
    ['127.0.0.1', 'Bearer secret', true, 'token'],
    ['0.0.0.0', undefined, false, 'unauthenticated missing'],
    ['0.0.0.0', '', false, 'unauthenticated missing'],
    ['0.0.0.0', 'secret', false, 'unauthenticated missing'],
    ['0.0.0.0', 'bearer secret', false, 'unauthenticated missing'],
    ['0.0.0.0', 'BEARER secret', false, 'unauthenticated missing'],
    ['0.0.0.0', 'Bearer  secret', false, 'unauthenticated missing'],
    ['0.0.0.0', 'Bearer secret x', false, 'unauthenticated missing'],
    ['0.0.0.0', 'Basic secret', false, 'unauthenticated missing'],
    ['0.0.0.0', 'Bearer wrong', false, 'unauthenticated invalid'],
    ['0.0.0.0', 'Bearer secret', false, 'token'],
  ]
  it.each(table)('%s with %j, proxy %j', (host, header, behindProxy, result) => {
    expect(enter(host, header, behindProxy)).toBe(result)
    expect(needsCredential({ host, behindProxy })).toBe(result !== 'local')
  })
})
