/**
 * Refusals in Clotho's four shapes: `{detail: text}`, `{detail: {error, message}}`, and `{error,
 * message}` with 422 or 500. A refused handshake has no body at all.
 */

import { Fault, type FaultCode } from '../../kernel/fault.ts'
import type { Refused, Reply } from '../../wire/dialect.ts'
import { firstIssue } from './issues.ts'

export const STATUS: Record<FaultCode, number> = {
  invalid: 400,
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
  unknown_model: 400,
  no_credentials: 400,
  unavailable: 503,
  unsupported: 400,
  internal: 500,
}

/** How a refusal is told, where its code alone does not say it. */
interface Own {
  shape: 'detail' | 'named detail' | 'named'
  /** The name of the exception, as clients show it. */
  error?: string
  status?: number
}

const own = (code: FaultCode, message: string, clotho: Own): Fault =>
  new Fault(code, message, { clotho })

/** `{"detail": "text"}`. */
export const detail = (code: FaultCode, message: string, status?: number): Fault =>
  own(code, message, { shape: 'detail', ...(status === undefined ? {} : { status }) })

/** `{"detail": {"error": "Name", "message": "text"}}`. */
export const namedDetail = (
  code: FaultCode,
  error: string,
  message: string,
  status?: number,
): Fault =>
  own(code, message, { shape: 'named detail', error, ...(status === undefined ? {} : { status }) })

/** `{"error": "Name", "message": "text"}` with 500. */
export const failed = (error: string, message: string): Fault =>
  own('unavailable', message, { shape: 'named', error, status: 500 })

export const unprocessable = (message: string): Fault =>
  own('invalid', message, { shape: 'named', error: 'ValidationError', status: 422 })

export function refuse(fault: Fault, request: Refused): Reply {
  if (isHandshake(request)) return refuseHandshake(fault)
  const { details } = fault
  if (details.clotho) return told(fault, details.clotho as Own)
  if (fault.code === 'internal')
    return { status: 500, text: 'Internal Server Error', type: 'text/plain; charset=utf-8' }
  if (details.route === true) return { status: 404, json: { detail: 'Not Found' } }
  if (details.method === true) return wrongMethod(details)
  if (fault.code === 'invalid' && details.where !== undefined)
    return { status: 422, json: { error: 'ValidationError', message: firstIssue(details) } }
  return told(fault, { shape: 'detail' })
}

function told({ code, message }: Fault, { shape, error = 'ServiceException', status }: Own): Reply {
  const named = { error, message }
  const json =
    shape === 'detail' ? { detail: message } : shape === 'named' ? named : { detail: named }
  return { status: status ?? STATUS[code], json }
}

function wrongMethod(details: Fault['details']): Reply {
  const allow: Record<string, string> = Array.isArray(details.allow)
    ? { allow: details.allow.join(', ') }
    : {}
  return { status: 405, headers: allow, json: { detail: 'Method Not Allowed' } }
}

const isHandshake = ({ path, headers }: Refused): boolean =>
  path.startsWith('/ws/') && headers.upgrade?.toLowerCase() === 'websocket'

/** Whatever is wrong with a handshake, the real gateway says 403 and nothing more. */
function refuseHandshake({ code }: Fault): Reply {
  const status = code === 'internal' ? 500 : code === 'unavailable' ? 503 : 403
  return { status, text: '', type: 'text/plain; charset=utf-8' }
}
