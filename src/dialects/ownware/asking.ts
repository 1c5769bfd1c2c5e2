/**
 * Permission requests and their responses. A client is asked one thing at a time, as by the real
 * system: an answer that names no request must never decide what nobody has been shown.
 */

import type { EventOf, Facts } from '../../kernel/event.ts'
import type { Body } from './frame.ts'
import { inputSummary, type PermissionRequest, requestsOf } from './permission.ts'
import type { Asked, RunTelling } from './telling.ts'

export function askPerson(
  run: RunTelling,
  { data }: EventOf<'ask.opened' | 'child.asked'>,
  said: Body[],
): RunTelling {
  const asked = requestsOf(data.ask, data.body).map((request, i): Asked => {
    const isTold = i === 0
    if (isTold) said.push(permissionRequest(request, data.turn))
    return { ...request, isTold }
  })
  return { ...run, asks: { ...run.asks, [data.ask]: asked } }
}

/** A response for each request that waits no more; then the next one is put. */
export function settleRequests(
  run: RunTelling,
  settled: Pick<Facts['ask.settled'], 'ask' | 'how' | 'rulings' | 'answer' | 'open'>,
  said: Body[],
): RunTelling {
  const { ask, how, rulings, answer, open } = settled
  const turnIndex = run.turn?.index ?? run.turns
  const waiting = run.asks[ask] ?? []
  const wasAnswered = how === 'answered' && answer !== undefined && answer !== null
  for (const { call, requestId, isTold } of waiting)
    if (isTold && !open.includes(call))
      said.push(permissionResponse(requestId, rulings[call]?.allow ?? wasAnswered, turnIndex))
  const { [ask]: _, ...others } = run.asks
  const [next, ...later] = waiting.filter((r) => open.includes(r.call))
  if (!next) return { ...run, asks: others }
  if (!next.isTold) said.push(permissionRequest(next, turnIndex))
  return { ...run, asks: { ...others, [ask]: [{ ...next, isTold: true }, ...later] } }
}

export const permissionResponse = (
  requestId: string,
  granted: boolean,
  turnIndex: number,
): Body => ({ type: 'permission.response', requestId, granted, turnIndex })

function permissionRequest(request: PermissionRequest, turnIndex: number): Body {
  const { requestId, toolName, input, reason, operationHash, zone } = request
  return {
    type: 'permission.request',
    requestId,
    toolName,
    input,
    inputSummary: inputSummary(input),
    reason,
    turnIndex,
    operationHash,
    ...(zone ? { zoneLevel: zone.level, zoneName: zone.name } : {}),
    explanation: 'Review this action before allowing it to continue.',
  }
}
