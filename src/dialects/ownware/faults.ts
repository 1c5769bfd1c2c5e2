/**
 * Refusals in Ownware's shape: `{...details, error, message, category, correlationId}`, and the same
 * correlation id as a header. The official client reads them only if they keep its limits.
 */

import { randomUUID } from 'node:crypto'
import { Fault, type FaultCode } from '../../kernel/fault.ts'
import type { Refused, Reply } from '../../wire/dialect.ts'

interface Shape {
  status: number
  error: string
  category: string
}

const shape = (status: number, error: string, category: string): Shape => ({
  status,
  error,
  category,
})

export const SHAPES: Record<FaultCode, Shape> = {
  invalid: shape(400, 'invalid_request', 'invalid_request'),
  unauthenticated: shape(401, 'unauthorized', 'auth'),
  forbidden: shape(403, 'forbidden', 'auth'),
  not_found: shape(404, 'not_found', 'not_found'),
  conflict: shape(409, 'conflict', 'invalid_request'),
  busy: shape(409, 'conflict', 'invalid_request'),
  not_waiting: shape(409, 'conflict', 'invalid_request'),
  not_active: shape(409, 'run_not_active', 'invalid_request'),
  duplicate: shape(409, 'idempotency_conflict', 'invalid_request'),
  stale: shape(409, 'conflict', 'invalid_request'),
  too_large: shape(413, 'payload_too_large', 'invalid_request'),
  limited: shape(429, 'rate_limited', 'rate_limit'),
  unknown_agent: shape(404, 'not_found', 'not_found'),
  unknown_model: shape(400, 'unknown_model', 'invalid_request'),
  no_credentials: shape(400, 'provider_not_configured', 'invalid_request'),
  unavailable: shape(503, 'service_unavailable', 'overload'),
  unsupported: shape(400, 'unsupported', 'invalid_request'),
  internal: shape(500, 'internal_error', 'overload'),
}

/** A refusal with Ownware's own code, and facts that go into its body. */
export const refusal = (
  code: FaultCode,
  error: string,
  message: string,
  body: Record<string, unknown> = {},
): Fault => new Fault(code, message, { ownware: { error, body } })

interface Own {
  error?: string
  body?: Record<string, unknown>
}

/** Of longer messages the official client shows nothing. */
const MAX_MESSAGE_CHARS = 500

export function refuse(fault: Fault, request: Refused): Reply {
  const { status, error, category } = SHAPES[fault.code]
  const own = (fault.details.ownware ?? {}) as Own
  const told = wordsFor(fault, request)
  const correlationId = randomUUID()
  const body = { ...told.body, ...own.body }
  const json = {
    ...body,
    error: own.error ?? told.error ?? error,
    message: (told.message ?? fault.message).slice(0, MAX_MESSAGE_CHARS),
    category: told.category ?? category,
    correlationId,
  }
  const headers: Record<string, string> = { 'X-Ownware-Correlation-Id': correlationId }
  if (typeof body.retryAfter === 'number') headers['Retry-After'] = String(body.retryAfter)
  return { status: told.status ?? status, headers, json }
}

interface Words extends Partial<Shape> {
  message?: string
  body?: Record<string, unknown>
}

/** What the real system says where the kernel and the transport use words of their own. */
function wordsFor(fault: Fault, request: Refused): Words {
  const { details } = fault
  switch (fault.code) {
    case 'invalid':
      return invalidWords(details)
    case 'unauthenticated':
      return /^Bearer \S+$/.test(request.headers.authorization ?? '')
        ? { error: 'principal_invalid', message: 'Invalid or expired delegated principal' }
        : { message: 'Missing authorization token' }
    case 'forbidden':
      return forbiddenWords(details)
    case 'not_found':
      return details.route === true ? noRoute(request) : {}
    case 'unsupported':
      return details.method === true ? noRoute(request) : {}
    case 'busy':
      return { message: 'Thread already has an active run. Abort it first.' }
    case 'not_waiting':
      return details.ownware ? {} : { message: 'No pending permission request' }
    case 'duplicate':
      return { message: 'Idempotency key was already used with different input' }
    case 'too_large':
      return typeof details.limitBytes === 'number'
        ? { body: { limitBytes: details.limitBytes } }
        : {}
    case 'limited':
      return { message: 'Too many requests. Please slow down.', body: retryAfter(details) }
    case 'unavailable':
      return { body: retryAfter(details) }
    case 'internal':
      return { message: 'Internal server error' }
    default:
      return {}
  }
}

function invalidWords(details: Fault['details']): Words {
  const issues = details.issues === undefined ? null : JSON.stringify(details.issues, null, 2)
  switch (details.where) {
    case 'absent':
      return { message: 'Request body is required.' }
    case 'json':
      return { message: 'Invalid JSON in request body' }
    case 'body':
      return issues === null ? {} : { message: `Invalid body: ${issues}` }
    case 'query':
      return issues === null ? {} : { message: `Invalid query: ${issues}` }
    default:
      return {}
  }
}

function forbiddenWords({ reason }: Fault['details']): Words {
  if (reason === 'origin')
    return { error: 'forbidden_origin', message: 'Cross-origin request blocked' }
  return reason === 'host' ? { error: 'forbidden_host' } : {}
}

function noRoute({ method, path }: Refused): Words {
  const message = `Route not found: ${method} ${path.split('?', 1)[0]}`
  return { status: 404, error: 'not_found', category: 'not_found', message }
}

/** Whole seconds; absent when nobody knows. */
function retryAfter({ retryAfterMs: ms }: Fault['details']): Record<string, unknown> {
  return typeof ms === 'number' ? { retryAfter: Math.max(1, Math.ceil(ms / 1000)) } : {}
}
