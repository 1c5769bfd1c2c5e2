import { describe, expect, it } from 'vitest'
import { checkOrigin, preflight } from './origin.ts'

const rule = {
  host: 'agents.test:3011',
  allowedOrigins: ['https://*.example.com', 'http://app.test:*', 'vscode-webview://abc'],
}

const known = [
  'http://localhost',
  'http://localhost:5173',
  'https://localhost:5173',
  'http://127.0.0.1:3011',
  'http://[::1]:8080',
  'http://agents.test:3011',
  'https://AGENTS.test:3011',
  'https://a.example.com',
  'https://a.b.example.com',
  'http://app.test',
  'http://app.test:9',
  'vscode-webview://abc',
]
const unknown = [
  'null',
  '',
  'https://evil.test',
  'http://agents.test',
  'http://agents.test:3012',
  'https://example.com',
  'http://a.example.com',
  'https://a.example.com.evil.test',
  'https://evil.test/.example.com',
  'https://evil.test#.example.com',
  'https://x@y.example.com',
  'http://app.test:9:1',
  'http://app.test.evil.test:1',
  'http://app.testing',
  'http://localhost.evil.test',
  'http://localhost:80@evil.test',
  'http://127.0.0.1.evil.test',
  'http://evil.localhost:1',
  'http://0.0.0.0:3011',
  'file://',
  'ftp://localhost',
  'vscode-webview://abcd',
  'http://localhost:1, http://evil.test',
]

describe('checkOrigin', () => {
  it.each(known)('a page of %s may do everything, and read the answer', (origin) => {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const { fault, headers } = checkOrigin(origin, method, rule)
      expect(fault).toBeNull()
      expect(headers).toMatchObject({ 'Access-Control-Allow-Origin': origin, Vary: 'Origin' })
    }
    expect(checkOrigin(origin, 'GET', { ...rule, isSocket: true }).fault).toBeNull()
  })

  it.each(unknown)('a page of %j may change nothing and reads nothing', (origin) => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'post', 'PROPFIND']) {
      const { fault, headers } = checkOrigin(origin, method, rule)
      expect(fault).toMatchObject({ code: 'forbidden', details: { reason: 'origin' } })
      expect(headers).toEqual({ Vary: 'Origin' })
    }
    expect(checkOrigin(origin, 'GET', rule)).toEqual({ fault: null, headers: { Vary: 'Origin' } })
    expect(checkOrigin(origin, 'GET', { ...rule, isSocket: true }).fault?.code).toBe('forbidden')
  })

  it('lets programs in, which send no origin', () => {
    expect(checkOrigin(undefined, 'POST', rule)).toEqual({
      fault: null,
      headers: { Vary: 'Origin' },
    })
    expect(checkOrigin(undefined, 'GET', { ...rule, isSocket: true }).fault).toBeNull()
  })

  it('knows default ports', () => {
    const own = (host: string, origin: string) =>
      checkOrigin(origin, 'POST', { host, allowedOrigins: [] }).fault === null
    expect(own('agents.test', 'https://agents.test')).toBe(true)
    expect(own('agents.test:443', 'https://agents.test')).toBe(true)
    expect(own('agents.test:80', 'http://agents.test')).toBe(true)
    expect(own('agents.test:443', 'http://agents.test')).toBe(false)
  })

  it('never takes null, even where all origins are allowed', () => {
    const open = { host: 'x', allowedOrigins: ['*'] }
    expect(checkOrigin('https://any.test', 'POST', open).fault).toBeNull()
    expect(checkOrigin('null', 'POST', open).fault?.code).toBe('forbidden')
  })
})

describe('preflight', () => {
  it('says to a known page what it may send', () => {
    const { status, headers } = preflight(
      {
        origin: 'http://localhost:5173',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,x-mine, bad name,idempotency-key',
        'access-control-request-private-network': 'true',
      },
      rule,
    )
    expect(status).toBe(204)
    expect(headers).toMatchObject({
      'Access-Control-Allow-Origin': 'http://localhost:5173',
      'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
      'Access-Control-Allow-Headers':
        'Authorization, Content-Type, Idempotency-Key, Last-Event-ID, x-mine',
      'Access-Control-Max-Age': '86400',
      'Access-Control-Allow-Private-Network': 'true',
    })
    expect(headers).not.toHaveProperty('Access-Control-Allow-Credentials')
  })

  it.each([undefined, 'null', 'https://evil.test'])('says nothing to %s', (origin) => {
    const { status, headers } = preflight({ origin }, rule)
    expect(status).toBe(204)
    expect(Object.keys(headers)).toEqual(['Vary'])
  })
})
