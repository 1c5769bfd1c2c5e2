/**
 * Turns whatever a provider, its library or the network throws into a ModelFailure. The text is for
 * a person and never contains a key that was configured.
 */

import type { ModelFailure } from '../kernel/ports.ts'
import { wellFormed } from './well-formed.ts'

export const failure = (
  code: string,
  message: string,
  more: Partial<ModelFailure> = {},
): ModelFailure => ({
  code,
  message,
  status: null,
  retryable: false,
  retryAfterMs: null,
  ...more,
})

export const ABORTED = failure('aborted', 'The call was stopped.')
export const CUT_OFF = failure('cut_off', 'The answer broke off before its end.', {
  retryable: true,
})

const TIMED_OUT = 'TimedOut'
const REDIRECTED = 'Redirected'

/** Thrown by the transport when a provider is silent for too long. */
export const timedOut = (message: string): Error =>
  Object.assign(new Error(message), { name: TIMED_OUT })

/** Thrown by the transport when a provider points to another host. */
export const redirected = (message: string): Error =>
  Object.assign(new Error(message), { name: REDIRECTED })

/** Replaces everything secret in a text, and shortens it to what a person will read. */
export function masker(secrets: (string | null | undefined)[]): (text: string) => string {
  const known = secrets.filter((s): s is string => typeof s === 'string' && s.length >= 4)
  const longest = [...new Set(known)].sort((a, b) => b.length - a.length)
  return (text) => {
    let masked = wellFormed(text)
    for (const secret of longest) masked = masked.split(secret).join('***')
    masked = masked.replace(/(:\/\/)[^\s/@]+@/g, '$1***@')
    return masked.length > MAX_TEXT ? `${masked.slice(0, MAX_TEXT)}...` : masked
  }
}

const MAX_TEXT = 800

/** What is known of an error, gathered from it and from what caused it. */
interface Clues {
  status: number | null
  /** Names and codes, lower case. */
  words: string
  message: string
  headers: Record<string, string>
  body: string
}

/** `provider` is how the person calls it, for the message. */
export function classify(
  error: unknown,
  provider: string,
  mask: (text: string) => string,
): ModelFailure {
  const clues = cluesOf(error)
  const { status, words } = clues
  const kind = status === null ? kindOfWords(words, clues) : kindOfStatus(status, clues)
  const said = clues.message.trim() || 'no reason given'
  const message =
    status === null ? `${provider}: ${said}` : `${provider} answered ${status}: ${said}`
  return failure(kind.code, mask(message), {
    status,
    retryable: kind.retryable,
    retryAfterMs: kind.retryable ? retryAfterMs(clues) : null,
  })
}

interface Kind {
  code: string
  retryable: boolean
}

const kind = (code: string, retryable = false): Kind => ({ code, retryable })

function kindOfStatus(status: number, clues: Clues): Kind {
  if (isTooLong(clues)) return kind('context_too_long')
  if (status === 401 || status === 403) return kind('unauthorized')
  if (status === 404) return kind('unknown_model')
  if (status === 408 || status === 504) return kind('timed_out', true)
  if (status === 429) return kind('rate_limited', !isOutOfMoney(clues))
  if (status === 503 || status === 529) return kind('overloaded', true)
  if (status >= 500)
    return kind(/overloaded/.test(clues.words) ? 'overloaded' : 'provider_error', true)
  if (status === 409 || status === 425) return kind('provider_error', true)
  if (status >= 400) return kind(status === 402 ? 'provider_error' : 'invalid_request')
  return kindOfWords(clues.words, clues)
}

function kindOfWords(words: string, clues: Clues): Kind {
  if (/\btimedout\b|timeout|deadline_exceeded|etimedout/.test(words)) return kind('timed_out', true)
  if (/redirected/.test(words)) return kind('provider_error')
  if (isTooLong(clues)) return kind('context_too_long')
  if (/overloaded|unavailable/.test(words)) return kind('overloaded', true)
  if (/rate_limit|resource_exhausted|too_many/.test(words))
    return kind('rate_limited', !isOutOfMoney(clues))
  if (/authentication|permission|unauthorized/.test(words)) return kind('unauthorized')
  if (/not_found_error|model_not_found/.test(words)) return kind('unknown_model')
  if (
    /econnrefused|enotfound|eai_again|econnreset|ehostunreach|enetunreach|epipe|cert|und_err_connect/.test(
      words,
    )
  )
    return kind('unreachable', true)
  if (/und_err_socket|terminated|premature|other side closed|aborterror/.test(words))
    return kind('cut_off', true)
  if (/fetch failed/.test(words)) return kind('unreachable', true)
  if (/unsupportedfunctionality|invalidprompt|invalid_request|invalidargument/.test(words))
    return kind('invalid_request')
  return kind('provider_error', true)
}

const isTooLong = ({ message, body, words }: Clues): boolean =>
  /context_length_exceeded|request_too_large/.test(words) ||
  /context (length|window|limit)|maximum prompt length|too many (input )?tokens|prompt is too long|input is too long|maximum context|token count .*exceeds|exceeds? the (maximum|available) context/i.test(
    `${message} ${body.slice(0, 2_000)}`,
  )

const isOutOfMoney = ({ message, words, body }: Clues): boolean =>
  /insufficient_quota|billing/.test(words) ||
  /insufficient_quota|exceeded your current quota, please check your plan|credit balance/i.test(
    `${message} ${body.slice(0, 2_000)}`,
  )

function cluesOf(error: unknown): Clues {
  const clues: Clues = { status: null, words: '', message: '', headers: {}, body: '' }
  let at: unknown = error
  for (let depth = 0; depth < 6 && at !== null && at !== undefined; depth++) {
    if (typeof at === 'string') {
      clues.message ||= at
      clues.words += ` ${at.toLowerCase()}`
      break
    }
    if (typeof at !== 'object') break
    gather(clues, at as Record<string, unknown>)
    const { cause, error: inner, lastError } = at as Record<string, unknown>
    at = cause ?? inner ?? lastError
  }
  return clues
}

function gather(clues: Clues, from: Record<string, unknown>): void {
  const { name, code, type, status, statusCode, message, responseHeaders, responseBody } = from
  for (const word of [name, code, type, status])
    if (typeof word === 'string') clues.words += ` ${word.toLowerCase()}`
  for (const number of [statusCode, status, code]) {
    const isStatus = typeof number === 'number' && number >= 300 && number < 600
    if (isStatus) clues.status ??= number
  }
  if (typeof message === 'string') {
    // Wrappers of the libraries say less than what they wrap.
    if (!clues.message || /^(Failed to process|Cannot connect)/.test(clues.message))
      clues.message = message
    clues.words += ` ${message.slice(0, 200).toLowerCase()}`
  }
  if (typeof responseHeaders === 'object' && responseHeaders !== null)
    clues.headers = responseHeaders as Record<string, string>
  if (typeof responseBody === 'string') {
    clues.body ||= responseBody
    const typed = /"(?:type|code|status)"\s*:\s*"([A-Za-z_]+)"/g
    for (const [, word] of responseBody.slice(0, 4_000).matchAll(typed))
      clues.words += ` ${word?.toLowerCase()}`
  }
}

/** From the headers in seconds, milliseconds or as a date, or from where Google writes it. */
function retryAfterMs({ headers, body }: Clues): number | null {
  const exact = Number(headers['retry-after-ms'])
  if (headers['retry-after-ms'] && Number.isFinite(exact) && exact >= 0) return Math.ceil(exact)
  const after = headers['retry-after']?.trim()
  if (after) {
    const seconds = Number(after)
    if (Number.isFinite(seconds)) return seconds >= 0 ? Math.ceil(seconds * 1_000) : null
    const at = Date.parse(after)
    if (!Number.isNaN(at)) return Math.max(0, at - Date.now())
  }
  const delay = /"retryDelay"\s*:\s*"(\d+(?:\.\d+)?)s"/.exec(body)?.[1]
  return delay ? Math.ceil(Number(delay) * 1_000) : null
}
