/** Every refusal as native tells it: a status, and one body that says what to do next. */

import { randomUUID } from 'node:crypto'
import type { Fault, FaultCode } from '../../kernel/fault.ts'
import type { Reply } from '../../wire/dialect.ts'
import { closest, type Issue, issuesOf, issueTexts } from '../../wire/schema.ts'

const STATUS: Record<FaultCode, number> = {
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
  unknown_agent: 422,
  unknown_model: 422,
  no_credentials: 422,
  unavailable: 503,
  unsupported: 422,
  internal: 500,
}

export function refuse(fault: Fault): Reply {
  const { code, details } = fault
  const issues = issueTexts(closest(issuesOf(details)).map((issue) => sentTwice(issue, details)))
  // Only the transport leaves it to the dialect to say which; others have said it.
  const first = details.where === undefined ? undefined : issues[0]
  const more =
    details.route === true ? 'GET /manifold/v1 lists what there is.' : first && `${first}.`
  const message = more ? `${fault.message} ${more}` : fault.message
  const requestId =
    typeof details.id === 'string' && code === 'internal' ? details.id : randomUUID()
  const told = toldDetails(details, issues)
  return {
    status: statusOf(fault),
    headers: headersOf(fault, requestId),
    json: { error: { code, message, ...(told ? { details: told } : {}), requestId } },
  }
}

/** What comes more than once in a query is a list, which says nothing to whoever sent it. */
function sentTwice(issue: Issue, { where, input }: Fault['details']): Issue {
  const [name, ...within] = issue.path
  if (where !== 'query' || within.length > 0) return issue
  const sent = (input as Record<PropertyKey, unknown>)[name as PropertyKey]
  return Array.isArray(sent) ? { ...issue, message: 'Send it once' } : issue
}

function statusOf({ code, details }: Fault): number {
  if (code === 'unsupported' && details.method === true) return 405
  if (code === 'limited' && details.inFlight === true) return 503
  return STATUS[code]
}

/** What a client sent is not sent back to it. */
function toldDetails(
  { input: _, issues: __, route: ___, method: ____, id: _____, ...details }: Fault['details'],
  issues: string[],
): Record<string, unknown> | null {
  const told = issues.length > 0 ? { ...details, issues } : details
  return Object.keys(told).length > 0 ? told : null
}

function headersOf({ code, details }: Fault, requestId: string): Record<string, string> {
  const wait = Number(details.retryAfterMs)
  const { allow } = details
  return {
    'x-request-id': requestId,
    ...(wait > 0 ? { 'retry-after': String(Math.ceil(wait / 1000)) } : {}),
    ...(Array.isArray(allow) ? { allow: allow.join(', ') } : {}),
    ...(code === 'unauthenticated' ? { 'www-authenticate': 'Bearer' } : {}),
  }
}
