/**
 * The trace of a request: 32 hex digits, made once and told in its answer, whether it succeeds or
 * not. A request is known by its headers, which are one object from the door to the answer.
 */

import { randomUUID } from 'node:crypto'

const traces = new WeakMap<object, string>()

export function traceOf(headers: object): string {
  const known = traces.get(headers)
  if (known !== undefined) return known
  // Node draws the randomness of many such ids at once; a draw a request costs twenty times as much.
  const trace = randomUUID().replaceAll('-', '')
  traces.set(headers, trace)
  return trace
}
