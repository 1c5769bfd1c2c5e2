/**
 * Refusals in OAH's shape: `{error: {code, message, details?}}` with the status that is right, where
 * the real system answers 500. Unknown paths have the body of its framework.
 */

import { Fault, type FaultCode } from '../../kernel/fault.ts'
import type { Refused, Reply } from '../../wire/dialect.ts'
import { issuesOf, issueTexts } from '../../wire/schema.ts'

interface Shape {
  status: number
  code: string
}

const shape = (status: number, code: string): Shape => ({ status, code })

export const SHAPES: Record<FaultCode, Shape> = {
  invalid: shape(400, 'invalid_request'),
  unauthenticated: shape(401, 'unauthorized'),
  forbidden: shape(403, 'forbidden'),
  not_found: shape(404, 'not_found'),
  conflict: shape(409, 'conflict'),
  busy: shape(409, 'session_busy'),
  not_waiting: shape(409, 'conflict'),
  not_active: shape(409, 'invalid_run_transition'),
  duplicate: shape(409, 'conflict'),
  stale: shape(412, 'workspace_precondition_failed'),
  too_large: shape(413, 'payload_too_large'),
  limited: shape(429, 'rate_limited'),
  unknown_agent: shape(404, 'agent_not_found'),
  unknown_model: shape(404, 'model_not_found'),
  no_credentials: shape(409, 'model_not_configured'),
  unavailable: shape(503, 'service_unavailable'),
  unsupported: shape(400, 'unsupported'),
  internal: shape(500, 'internal_error'),
}

interface Own {
  code: string
  status?: number
}

/** A refusal with OAH's own code, and its own status where the fault's is another. */
export const refusal = (fault: FaultCode, code: string, message: string, status?: number): Fault =>
  new Fault(fault, message, { oah: { code, status } satisfies Own })

export const noWorkspace = (id: string): Fault =>
  refusal('not_found', 'workspace_not_found', `Workspace ${id} was not found.`)

export const noSession = (id: string): Fault =>
  refusal('not_found', 'session_not_found', `Session ${id} was not found.`)

export const noRun = (id: string): Fault =>
  refusal('not_found', 'run_not_found', `Run ${id} was not found.`)

export const noAgent = (name: string, workspace: string): Fault =>
  refusal('not_found', 'agent_not_found', `Agent ${name} was not found in workspace ${workspace}.`)

export function refuse(fault: Fault, request: Refused): Reply {
  const { details } = fault
  if (details.route === true || details.method === true) return unknownRoute(request)
  const own = details.oah as Own | undefined
  const { status, code } = SHAPES[fault.code]
  const error = {
    code: own?.code ?? wordFor(fault) ?? code,
    message: messageOf(fault),
    ...(issuesOf(details).length > 0 ? { details: { issues: issuesOf(details) } } : {}),
  }
  return { status: own?.status ?? status, headers: JSON_TYPE, json: { error } }
}

export const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' }

function unknownRoute({ method, path }: Refused): Reply {
  const message = `Route ${method}:${path} not found`
  return {
    status: 404,
    headers: JSON_TYPE,
    json: { message, error: 'Not Found', statusCode: 404 },
  }
}

function messageOf(fault: Fault): string {
  if (fault.code === 'internal') return 'Internal server error.'
  const issues = issuesOf(fault.details)
  return issues.length > 0 ? issueTexts(issues).join('; ') : fault.message
}

/** What the sandbox and the engine refuse, in OAH's words. */
function wordFor({ code, details }: Fault): string | null {
  if (code === 'unauthenticated' || code !== 'forbidden') return null
  return details.reason === 'outside' || details.reason === 'denied'
    ? 'workspace_path_not_allowed'
    : null
}
