/** Whether two requests under one idempotency key are the same: a hash over what they say. */

import { createHash } from 'node:crypto'

/** SHA-256 in hex. Order of keys and absent values do not matter, order in lists does. */
export const requestHash = (parts: unknown): string =>
  createHash('sha256').update(canonical(parts)).digest('hex')

/** JSON with its keys in order. What JSON cannot say is said as null, as JSON.stringify does. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if ('toJSON' in value && typeof value.toJSON === 'function') return canonical(value.toJSON())
  const entries = Object.entries(value)
    .filter(([, v]) => v !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonical(v)}`).join(',')}}`
}
