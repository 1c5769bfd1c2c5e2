/**
 * What a person is asked, in Ownware's words: one `permission.request` for each call that waits. The
 * same ask always gives the same request ids and hashes; the stream and the answers rely on it.
 */

import type { AskBody } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import { hashOf } from './canonical.ts'

export interface PermissionRequest {
  /** The call that the kernel knows it by; '' for what is about no single call. */
  call: string
  requestId: string
  toolName: string
  input: Json
  reason: string
  operationHash: string
  zone: Zone | null
}

interface Zone {
  level: number
  name: string
}

/** All requests that an ask stands for. `recovery_` keeps a second ask about a call apart. */
export function requestsOf(ask: string, body: AskBody): PermissionRequest[] {
  switch (body.kind) {
    case 'approval':
      return body.calls.map((c) =>
        request({ ...c, requestId: c.call, reason: c.reason || 'Tool requires explicit approval' }),
      )
    case 'recovery':
      return body.calls.map((c) =>
        request({
          ...c,
          requestId: `recovery_${c.call}`,
          reason:
            c.reason ||
            'The server stopped while this ran, and nobody knows how far. Run it again?',
        }),
      )
    case 'question': {
      const { text, options } = body.question
      const input: Json = { question: text }
      if (options) input.options = options.map((o) => ({ ...o }))
      return [request({ call: '', requestId: body.call, tool: 'ask_user', input, reason: text })]
    }
    case 'limit': {
      const { limitUsd, spentUsd } = body
      const reason = `The run has spent ${usd(spentUsd)} of its ${usd(limitUsd)}. Raise the limit and go on?`
      const input = { limitUsd, spentUsd }
      return [request({ call: '', requestId: ask, tool: 'budget', input, reason })]
    }
  }
}

function request(asked: {
  call: string
  requestId: string
  tool: string
  input: Json
  reason: string
}): PermissionRequest {
  const { call, requestId, tool: toolName, input, reason } = asked
  const operationHash = hashOf({ toolName, input })
  return { call, requestId, toolName, input, reason, operationHash, zone: zoneOf(toolName) }
}

const usd = (amount: number): string => `$${amount.toFixed(4).replace(/0{1,2}$/, '')}`

const ZONES: Record<string, Zone> = {
  read: { level: 1, name: 'workspace' },
  list: { level: 1, name: 'workspace' },
  glob: { level: 1, name: 'workspace' },
  grep: { level: 1, name: 'workspace' },
  write: { level: 2, name: 'build' },
  edit: { level: 2, name: 'build' },
  shell: { level: 2, name: 'build' },
  web_fetch: { level: 3, name: 'network' },
}

/** Whatever the server does not know acts outside of it. Questions and budgets act nowhere. */
function zoneOf(tool: string): Zone | null {
  if (tool === 'ask_user' || tool === 'budget') return null
  return ZONES[tool] ?? { level: 4, name: 'external' }
}

export function inputSummary(input: Json): string {
  if (input === null || typeof input !== 'object' || Array.isArray(input)) return 'No input fields'
  const count = Object.keys(input).length
  if (count === 0) return 'No input fields'
  if (count > 100) return 'More than 100 input fields'
  return `${count} input field${count === 1 ? '' : 's'}`
}
