/** Refusals as Arkloop tells them: `code`, `message`, `trace_id`, and `details` where there are any. */

import { Fault, type FaultCode } from '../../kernel/fault.ts'
import type { Refused, Reply } from '../../wire/dialect.ts'
import { issuesOf, issueTexts } from '../../wire/schema.ts'
import { traceOf } from './trace.ts'

interface Row {
  status: number
  code: string
  /** Used instead of the fault's own words. */
  message?: string
}

const ROWS: Record<FaultCode, Row> = {
  invalid: { status: 422, code: 'validation.error' },
  unauthenticated: { status: 401, code: 'auth.invalid_token' },
  forbidden: { status: 403, code: 'auth.forbidden', message: 'access denied' },
  not_found: { status: 404, code: 'http.not_found', message: 'Not Found' },
  conflict: { status: 409, code: 'http.conflict' },
  busy: { status: 409, code: 'runs.thread_busy', message: 'thread already running' },
  not_waiting: { status: 409, code: 'runs.not_active', message: 'run is not active' },
  not_active: { status: 409, code: 'runs.not_active', message: 'run is not active' },
  duplicate: { status: 409, code: 'http.conflict' },
  stale: { status: 409, code: 'http.conflict' },
  too_large: { status: 413, code: 'http.request_too_large', message: 'request body too large' },
  limited: { status: 429, code: 'ratelimit.exceeded' },
  unknown_agent: { status: 422, code: 'validation.error' },
  unknown_model: { status: 422, code: 'validation.error' },
  no_credentials: { status: 422, code: 'validation.error' },
  unavailable: { status: 503, code: 'overload.busy' },
  unsupported: { status: 501, code: 'http.not_implemented' },
  internal: { status: 500, code: 'internal.error', message: 'internal error' },
}

/** A refusal with a code of this dialect's own. `told` is what the client reads as `details`. */
export const refusal = (
  fault: FaultCode,
  code: string,
  message: string,
  told?: Record<string, unknown>,
): Fault => new Fault(fault, message, { ark: { code, ...(told ? { told } : {}) } })

export const invalid = (message: string, told?: Record<string, unknown>): Fault =>
  refusal('invalid', 'validation.error', message, told)

export const notFound = (code: string, what: string): Fault =>
  refusal('not_found', code, `${what} not found`)

/** Somebody else's: the caller may know that it is there, and no more. */
export const denied = (action: string): Fault =>
  refusal('forbidden', 'policy.denied', 'access denied', { action })

export const invalidState = (message: string): Fault =>
  new Fault('invalid', message, { ark: { code: 'runs.invalid_state', status: 400 } })

interface Own {
  code: string
  status?: number
  told?: Record<string, unknown>
}

export function refuse(fault: Fault, request: Refused): Reply {
  const own = fault.details.ark as Own | undefined
  const row = own ? { ...ROWS[fault.code], message: fault.message, ...own } : rowOf(fault)
  const details = own ? own.told : toldOf(fault)
  const { allow } = fault.details
  return {
    status: row.status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      ...retryAfter(fault),
      ...(Array.isArray(allow) ? { allow: allow.join(', ') } : {}),
    },
    json: {
      code: row.code,
      message: row.message ?? fault.message,
      trace_id: traceOf(request.headers),
      ...(details ? { details } : {}),
    },
  }
}

/** What the transport, the door and the accounts refuse, by the reason they give. */
function rowOf(fault: Fault): Row {
  const { code, details } = fault
  const plain = ROWS[code]
  if (code === 'unsupported' && details.method === true)
    return { status: 405, code: 'http.method_not_allowed', message: 'Method Not Allowed' }
  if (code === 'limited' && details.inFlight === true)
    return { status: 503, code: 'overload.busy', message: 'server is busy' }
  if (code === 'limited' && details.openRuns === true)
    return {
      ...plain,
      code: 'runs.limit_exceeded',
      message: 'concurrent run limit exceeded',
    }
  if (code === 'invalid' && details.where !== undefined)
    return { ...plain, message: 'request validation failed' }
  const reason = typeof details.reason === 'string' ? details.reason : ''
  const named = REASONS[`${code}.${reason}`]
  return named ? { ...plain, message: fault.message, ...named } : plain
}

const REASONS: Readonly<Record<string, { code: string; message?: string; status?: number }>> = {
  'unauthenticated.missing': { code: 'auth.missing_token' },
  'unauthenticated.malformed': { code: 'auth.invalid_authorization' },
  'unauthenticated.expired': { code: 'auth.token_expired', message: 'token expired' },
  'unauthenticated.invalid': { code: 'auth.invalid_token', message: 'token invalid' },
  'unauthenticated.key': { code: 'auth.invalid_api_key', message: 'invalid API key' },
  'unauthenticated.gone': { code: 'auth.user_not_found', message: 'user not found' },
  'unauthenticated.credentials': {
    code: 'auth.invalid_credentials',
    message: 'invalid credentials',
  },
  'forbidden.membership': {
    code: 'auth.no_account_membership',
    message: 'user has no account membership',
  },
  'forbidden.suspended': { code: 'auth.user_suspended', message: 'account suspended' },
  'forbidden.scope_forbidden': { code: 'api_keys.scope_forbidden' },
  'conflict.taken': { code: 'auth.login_exists' },
  'conflict.initialized': { code: 'bootstrap.already_initialized' },
  'invalid.invite_required': { code: 'auth.invite_code_required' },
  'invalid.invite_invalid': { code: 'auth.invite_code_invalid' },
}

function toldOf({ code, details }: Fault): Record<string, unknown> | null {
  if (code === 'limited' && details.inFlight === true) return { limit: details.limit }
  if (Array.isArray(details.scopes)) return { scopes: details.scopes }
  const issues = issueTexts(issuesOf(details))
  return issues.length > 0 ? { issues } : null
}

function retryAfter({ details }: Fault): Record<string, string> {
  const ms = Number(details.retryAfterMs)
  return ms > 0 ? { 'retry-after': String(Math.ceil(ms / 1000)) } : {}
}
