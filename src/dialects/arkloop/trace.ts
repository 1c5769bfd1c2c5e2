/**
 * The trace of a request: 32 hex digits, made once and told in its answer, whether it succeeds or
 * not. A request is known by its headers, which are one object from the door to the answer.
 */

import { randomBytes } from 'node:crypto'

const traces = new WeakMap<object, string>()

export function traceOf(headers: object): string {
  const known = traces.get(headers)
  if (known !== undefined) return known
  const trace = randomBytes(16).toString('hex')
  traces.set(headers, trace)
  return trace
}
