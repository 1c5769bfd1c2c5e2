import { describe, expect, it } from 'vitest'
import { FAULT_CODES, Fault } from '../../kernel/fault.ts'
import { denied, invalidState, refuse } from './faults.ts'
import { traceOf } from './trace.ts'

const request = () => ({ method: 'GET', path: '/v1/x', headers: {} })

describe('every refusal', () => {
  it.each(FAULT_CODES)('%s has a status, a code and the trace of its request', (code) => {
    const asked = request()
    const reply = refuse(new Fault(code, 'words'), asked)
    const { json, status } = reply as { json: Record<string, unknown>; status: number }
    expect(status).toBeGreaterThanOrEqual(400)
    expect(json.code).toMatch(/^[a-z]+(\.[a-z_]+)+$/)
    expect(json.trace_id).toBe(traceOf(asked.headers))
    expect(Object.keys(json)).toEqual(['code', 'message', 'trace_id'])
  })

  it.each([
    [
      new Fault('limited', 'm', { inFlight: true, limit: 256, retryAfterMs: 1000 }),
      503,
      'overload.busy',
      { limit: 256 },
    ],
    [new Fault('limited', 'm', { retryAfterMs: 1500 }), 429, 'ratelimit.exceeded', undefined],
    [
      new Fault('unsupported', 'm', { method: true, allow: ['GET'] }),
      405,
      'http.method_not_allowed',
      undefined,
    ],
    [new Fault('not_found', 'm', { route: true }), 404, 'http.not_found', undefined],
    [denied('runs.get'), 403, 'policy.denied', { action: 'runs.get' }],
    [invalidState('m'), 400, 'runs.invalid_state', undefined],
    [new Fault('invalid', 'm', { where: 'json', issue: 'x' }), 422, 'validation.error', undefined],
    [
      new Fault('unauthenticated', 'm', { reason: 'expired' }),
      401,
      'auth.token_expired',
      undefined,
    ],
    [new Fault('forbidden', 'm', { reason: 'origin' }), 403, 'auth.forbidden', undefined],
  ])('%s', (fault, status, code, details) => {
    const reply = refuse(fault, request()) as { json: Record<string, unknown>; status: number }
    expect([reply.status, reply.json.code, reply.json.details]).toEqual([status, code, details])
  })

  it('says when to come again, and which methods there are', () => {
    const late = refuse(new Fault('limited', 'm', { retryAfterMs: 1500 }), request())
    expect(late.headers).toMatchObject({ 'retry-after': '2' })
    const method = refuse(
      new Fault('unsupported', 'm', { method: true, allow: ['GET', 'HEAD'] }),
      request(),
    )
    expect(method.headers).toMatchObject({ allow: 'GET, HEAD' })
  })

  it('never repeats what was sent', () => {
    const fault = new Fault('invalid', 'm', {
      where: 'body',
      input: { password: 'secret' },
      issues: [],
    })
    expect(JSON.stringify(refuse(fault, request()))).not.toContain('secret')
  })
})
