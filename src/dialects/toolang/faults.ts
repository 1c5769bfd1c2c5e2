/**
 * Refusals in Toolang's shape: `{"detail": "..."}` for what the server decides, a list in the form of
 * its validator for what a request must look like, plain text for what nobody expected.
 */

import { Fault, type FaultCode } from '../../kernel/fault.ts'
import type { Refused, Reply } from '../../wire/dialect.ts'
import { issuesIn } from './issues.ts'

export const STATUS: Record<FaultCode, number> = {
  invalid: 422,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  busy: 409,
  not_waiting: 409,
  not_active: 409,
  duplicate: 409,
  stale: 409,
  too_large: 413,
  limited: 429,
  unknown_agent: 404,
  unknown_model: 422,
  no_credentials: 422,
  unavailable: 503,
  unsupported: 422,
  internal: 500,
}

/** A refusal in this dialect's words; with a status of its own where the real server has one. */
export const detail = (code: FaultCode, message: string, status?: number): Fault =>
  new Fault(code, message, status === undefined ? {} : { toolang: { status } })

/** `knows` tells whether a path, without the slash at its end, is one of ours. */
export const refuser =
  (knows: (path: string) => boolean) =>
  (fault: Fault, request: Refused): Reply => {
    const { code, details } = fault
    if (code === 'internal')
      return { status: 500, text: 'Internal Server Error', type: 'text/plain; charset=utf-8' }
    if (details.route === true) return nowhere(request, knows)
    if (details.method === true) return wrongMethod(details)
    const issues = code === 'invalid' ? issuesIn(details) : null
    if (issues) return { status: 422, json: { detail: issues } }
    const own = details.toolang as { status?: number } | undefined
    const status = own?.status ?? STATUS[code]
    return { status, headers: pause(details), json: { detail: fault.message } }
  }

function nowhere({ path, method }: Refused, knows: (path: string) => boolean): Reply {
  const bare = path.replace(/\/+$/, '')
  if (bare !== path && bare !== '' && knows(bare) && method !== 'OPTIONS') {
    const last = bare.slice(bare.lastIndexOf('/') + 1)
    return { status: 307, headers: { location: `../${last}` }, empty: true }
  }
  return { status: 404, json: { detail: 'Not Found' } }
}

function wrongMethod({ allow }: Fault['details']): Reply {
  const methods = Array.isArray(allow) ? allow.join(', ') : ''
  return {
    status: 405,
    ...(methods === '' ? {} : { headers: { allow: methods } }),
    json: { detail: 'Method Not Allowed' },
  }
}

function pause({ retryAfterMs: ms }: Fault['details']): Record<string, string> {
  return typeof ms === 'number' ? { 'retry-after': String(Math.max(1, Math.ceil(ms / 1000))) } : {}
}
