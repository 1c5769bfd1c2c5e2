import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FAULT_CODES, Fault } from '../../kernel/fault.ts'
import { refusal, refuse, SHAPES } from './faults.ts'
import { RunBody } from './schema.ts'

const AT = { method: 'POST', path: '/api/v1/run', headers: {} }

type Body = Record<string, unknown>

const told = (fault: Fault, at: Parameters<typeof refuse>[1] = AT) => {
  const reply = refuse(fault, at) as { status: number; headers: Record<string, string>; json: Body }
  const { correlationId, ...body } = reply.json
  expect(reply.headers['X-Ownware-Correlation-Id']).toBe(correlationId)
  return { status: reply.status, body, headers: reply.headers }
}

/** Every refusal in a capture: its request, its status and its body without the correlation id. */
function captured(file: string): { request: string; status: number; body: Body }[] {
  const text = readFileSync(join(import.meta.dirname, 'golden', file), 'utf8')
  return text.split(/^### /m).flatMap((block) => {
    const status = /^HTTP\/1\.1 (\d+)/m.exec(block)?.[1]
    const json = /^\{.*\}$/m.exec(block.slice(block.indexOf('\n')))?.[0]
    if (!status || !json) return []
    const { correlationId: _, ...body } = JSON.parse(json) as Body
    return [{ request: block.split('\n', 1)[0] as string, status: Number(status), body }]
  })
}

const edge = (part: string) => captured('edge-cases.txt').find((c) => c.request.includes(part))

describe('against captures of the real system', () => {
  const same = (fault: Fault, part: string, at = AT): void => {
    const real = edge(part)
    const { status, body } = told(fault, at)
    expect({ status, body }).toEqual({ status: real?.status, body: real?.body })
  }

  it('refuses in the same words', () => {
    same(new Fault('unknown_agent', 'Profile "nope" not found'), '"profileId":"nope"')
    same(new Fault('invalid', '?', { where: 'json', issue: 'x' }), '-d {bad')
    same(new Fault('not_found', 'Thread "thread_nope" not found'), '"threadId":"thread_nope"')
    const nowhere = { ...AT, method: 'GET', path: '/api/v1/nope' }
    same(new Fault('not_found', '?', { route: true }), '/api/v1/nope', nowhere)
    same(new Fault('forbidden', '?', { reason: 'origin' }), 'https://evil.example')
    const limited = new Fault('limited', '?', { retryAfterMs: 4200 })
    same(limited, '"model":"nosuch:model"')
    expect(told(limited).headers['Retry-After']).toBe('5')
  })

  it('says that a body is missing', () => {
    const real = captured('edge-cases.txt').filter(
      (c) => c.body.message === 'Request body is required.',
    )
    expect(real).toHaveLength(1)
    expect(told(new Fault('invalid', '?', { where: 'absent' })).body).toEqual(real[0]?.body)
  })

  it('says what is wrong with a body', () => {
    const issues = RunBody.safeParse({ prompt: 'hi', bogus: 1 }).error?.issues
    const { status, body } = told(new Fault('invalid', '?', { where: 'body', issues }))
    const real = edge('"bogus":1')
    expect(status).toBe(real?.status)
    expect(body).toMatchObject({ error: 'invalid_request', category: 'invalid_request' })
    for (const { message } of [body, real?.body as Body]) {
      expect(message).toMatch(/^Invalid body: \[\n/)
      expect(message).toContain('unrecognized_keys')
      expect(message).toContain('bogus')
    }
  })

  it('tells a busy thread, a wrong method, and a used key', () => {
    const busy = captured('busy-abort.txt').find((c) => c.status === 409)
    expect(told(new Fault('busy', 'x', { run: 'secret' })).body).toEqual(busy?.body)
    const method = told(new Fault('unsupported', '?', { method: true }), { ...AT, method: 'PUT' })
    expect(method).toMatchObject({
      status: 404,
      body: { error: 'not_found', message: 'Route not found: PUT /api/v1/run' },
    })
    const reused = captured('run-extras.txt').find((c) => c.body.error === 'idempotency_conflict')
    expect(told(new Fault('duplicate', 'x')).body).toEqual(reused?.body)
  })

  it('tells a missing credential from a wrong one', () => {
    const real = captured('auth.txt').filter((c) => c.status === 401)
    const bodies = real.map((c) => JSON.stringify(c.body))
    for (const authorization of [undefined, 'Bearer wrong', 'bearer token']) {
      const { status, body } = told(new Fault('unauthenticated', '?'), {
        ...AT,
        headers: { authorization },
      })
      expect(status).toBe(401)
      expect(bodies).toContain(JSON.stringify(body))
    }
  })
})

describe('every refusal', () => {
  it('has a shape, and the form that the official client reads', () => {
    expect(Object.keys(SHAPES).sort()).toEqual([...FAULT_CODES].sort())
    for (const code of FAULT_CODES) {
      const { body } = told(new Fault(code, 'x'.repeat(2000), { secret: 'do not tell' }))
      expect(body.error).toMatch(/^[a-z][a-z0-9_]{0,63}$/)
      expect(body.category).toMatch(/^[a-z][a-z0-9_]{0,63}$/)
      expect((body.message as string).length).toBeLessThanOrEqual(500)
      expect(JSON.stringify(body)).not.toContain('do not tell')
    }
  })

  it('of a mistake of the caller is not told as one of the server', () => {
    for (const code of ['unknown_model', 'no_credentials', 'unknown_agent', 'unsupported'] as const)
      expect(told(new Fault(code, 'x')).status).toBeLessThan(500)
  })

  it('carries its own code and facts before the common ones', () => {
    const fault = refusal('conflict', 'cursor_ahead', 'Too far.', { streamHighWaterCursor: 7 })
    const { status, body } = told(fault)
    expect(status).toBe(409)
    expect(Object.keys(body)).toEqual(['streamHighWaterCursor', 'error', 'message', 'category'])
    expect(body).toMatchObject({ streamHighWaterCursor: 7, error: 'cursor_ahead' })
  })

  it('of a bug says nothing of it', () => {
    expect(told(new Fault('internal', 'stack and path')).body.message).toBe('Internal server error')
  })
})
