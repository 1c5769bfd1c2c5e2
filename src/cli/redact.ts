/**
 * Takes secrets out of what is about to be logged or shown. Better one word too many masked than
 * one key in a file: names and forms that are used for credentials both count.
 */

const MASK = '[redacted]'

/** Names whose text is a credential. `inputTokens` is a number and therefore untouched. */
const SECRET_NAME =
  /(^|[_.-])(authorization|cookie|set-cookie|token|secret|password|passwd|credentials?|api[_-]?key|private[_-]?key)$|(Token|Secret|Password|ApiKey|PrivateKey|Credential)$|^apikey$/i

/** Forms in which a credential stands in the middle of a text. */
const SECRET_FORMS: readonly (readonly [RegExp, string])[] = [
  [/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi, `$1 ${MASK}`],
  [/([?&;](?:access_)?(?:token|api_?key|key|secret|password)=)[^&\s"'#]+/gi, `$1${MASK}`],
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)[^\s@/]+@/gi, `$1${MASK}@`],
  [/\b(?:sk|pk|rk|clo|ghp|gho|xoxb|xoxp|ark)[-_][A-Za-z0-9_-]{12,}/g, MASK],
  [/\bAIza[A-Za-z0-9_-]{20,}/g, MASK],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, MASK],
]

export const redactText = (text: string): string =>
  SECRET_FORMS.reduce((clean, [form, mask]) => clean.replace(form, mask), text)

/** A copy that is safe to log. Deep structures are cut, errors become records. */
export function redact(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, redactValue(name, value, 0)]),
  )
}

function redactValue(name: string, value: unknown, depth: number): unknown {
  if (typeof value === 'string') return SECRET_NAME.test(name) ? MASK : redactText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return value
  if (SECRET_NAME.test(name)) return MASK
  if (depth > 4) return '[deep]'
  if (value instanceof Error) return errorRecord(value, depth)
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map((item) => redactValue('', item, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, redactValue(key, inner, depth + 1)]),
  )
}

const errorRecord = (error: Error, depth: number): Record<string, unknown> => ({
  type: error.name,
  message: redactText(error.message),
  ...('code' in error ? { code: String(error.code) } : {}),
  ...(error.stack ? { stack: redactText(error.stack) } : {}),
  ...(error.cause === undefined ? {} : { cause: redactValue('cause', error.cause, depth + 1) }),
})
