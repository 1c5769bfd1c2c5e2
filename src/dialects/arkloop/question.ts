/**
 * What a run waits for, as a form; and what somebody has typed, as an answer. An approval is asked
 * with a form too; words of one's own count when they are clearly yes or clearly no.
 */

import type { AskBody, AskedCall } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import type { Data } from './frame.ts'

/** The data of `run.input_requested`. */
export function requestOf(ask: string, body: AskBody): Data {
  const { message, schema } = formOf(body)
  return { request_id: requestId(ask, body), message, requestedSchema: schema, kind: body.kind }
}

/** For a question the id of its call, as in the real system. */
export const requestId = (ask: string, body: AskBody): string =>
  body.kind === 'question' ? body.call : ask

function formOf(body: AskBody): { message: string; schema: Json } {
  switch (body.kind) {
    case 'question':
      return { message: body.question.text, schema: answerSchema(body.question) }
    case 'approval':
      return { message: `May the agent do this?\n${linesOf(body.calls)}`, schema: DECISION }
    case 'recovery':
      return {
        message: `The server stopped during this, and nobody knows whether it was done. Do it again?\n${linesOf(body.calls)}`,
        schema: DECISION,
      }
    case 'limit': {
      const { spentUsd, limitUsd } = body
      const message = `The run has spent ${spentUsd.toFixed(4)} USD of its ${limitUsd} USD. Go on?`
      return { message, schema: DECISION }
    }
  }
}

const linesOf = (calls: readonly AskedCall[]): string =>
  calls.map(({ tool, subject, input }) => `${tool}: ${subject || JSON.stringify(input)}`).join('\n')

const DECISION: Json = {
  type: 'object',
  properties: {
    decision: {
      type: 'string',
      title: 'Decision',
      oneOf: [
        { const: 'approve', title: 'Approve' },
        { const: 'deny', title: 'Deny' },
      ],
    },
    reason: { type: 'string', title: 'Reason' },
  },
  _fieldOrder: ['decision', 'reason'],
  required: ['decision'],
}

/** A form of its own passes as it is; anything else is asked in one field. */
function answerSchema({
  schema,
  options,
}: Extract<AskBody, { kind: 'question' }>['question']): Json {
  if (isRecord(schema) && isRecord(schema.properties)) return schema
  const choices = (options ?? []).map(({ label, about }) => ({
    const: label,
    title: about ? `${label}: ${about}` : label,
  }))
  const answer: Json = {
    type: 'string',
    title: 'Answer',
    ...(choices.length > 0 ? { oneOf: choices } : {}),
  }
  return { type: 'object', properties: { answer }, _fieldOrder: ['answer'], required: ['answer'] }
}

const isRecord = (value: unknown): value is { [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

// ---- answers ------------------------------------------------------------------------------------

/** The text itself, or the form that it is. */
export function answerIn(content: string): Json {
  const text = content.trim()
  if (!text.startsWith('{')) return text
  try {
    const value = JSON.parse(text) as Json
    return isRecord(value) ? value : text
  } catch {
    return text
  }
}

export interface Decision {
  allow: boolean
  reason?: string
}

const YES =
  /^(approved?|allow(ed)?|accept(ed)?|confirm(ed)?|yes|yep|yeah|y|ok(ay)?|sure|go ahead|do it|true)\b/
const NO =
  /^(den(y|ied)|disallow(ed)?|reject(ed)?|refuse[ds]?|decline[ds]?|no|nope|n|stop|cancel|abort|don'?t|do not|never|false)\b/

/** Null when it is clearly neither. An empty form is a dismissal, and so a no. */
export function decisionIn(content: string): Decision | null {
  const answer = answerIn(content)
  if (typeof answer === 'string') return decisionOfText(answer)
  if (!isRecord(answer)) return null
  if (Object.keys(answer).length === 0) return { allow: false }
  const given = answer.decision ?? answer.answer ?? answer.approve ?? answer.approved
  const decided = typeof given === 'boolean' ? { allow: given } : decisionOfWord(given)
  if (!decided) return null
  const { reason } = answer
  return typeof reason === 'string' && reason.trim() !== ''
    ? { allow: decided.allow, reason: reason.trim() }
    : decided
}

const decisionOfWord = (given: Json | undefined): Decision | null =>
  typeof given === 'string' ? decisionOfText(given) : null

/** What follows the word is the reason. */
function decisionOfText(given: string): Decision | null {
  const text = given.trim()
  const lower = text.toLowerCase().replaceAll('’', "'")
  const yes = YES.exec(lower)
  const no = NO.exec(lower)
  const found = yes ?? no
  if (!found || (yes && /\b(not|don'?t|no|but)\b/.test(lower))) return null
  const reason = text
    .slice(found[0].length)
    .replace(/^[\s,.:;!-]+/, '')
    .trim()
  return { allow: yes !== null, ...(reason === '' ? {} : { reason }) }
}
