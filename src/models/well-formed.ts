/** Text that every encoder accepts: a lone half of a surrogate pair becomes U+FFFD. */

import type { Json } from '../kernel/part.ts'

export const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd')

/** The same for every string in a value, keys included. */
export function wellFormedJson(value: Json): Json {
  if (typeof value === 'string') return wellFormed(value)
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(wellFormedJson)
  const entries = Object.entries(value).map(([k, v]) => [wellFormed(k), wellFormedJson(v)])
  return Object.fromEntries(entries) as Json
}

/** Puts pieces of text together again whose cut went through a surrogate pair. */
export interface Seam {
  /** The piece as it may be told now; what must wait for its other half is kept. */
  join(piece: string): string
  /** What was kept and has no other half. */
  rest(): string
}

export function openSeam(): Seam {
  let kept = ''
  return {
    join(piece) {
      const text = kept + piece
      kept = /[\ud800-\udbff]$/.test(text) ? text.slice(-1) : ''
      return wellFormed(kept ? text.slice(0, -1) : text)
    },
    rest() {
      const rest = kept ? '\ufffd' : ''
      kept = ''
      return rest
    },
  }
}
