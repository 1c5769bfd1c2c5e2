/**
 * A place in a list that is newest first: the time and the id of the last row that was seen, as one
 * word. Unlike an offset it stays where it is when rows come in above it.
 */

import type { Cursor } from '../../kernel/ports.ts'
import { z } from '../../wire/schema.ts'

export const cursorText = () =>
  z
    .string()
    .regex(/^\d{1,15}_[0-9a-f-]{36}$/, 'Send the `cursor` of a page, as it is')
    .transform((word): Cursor => {
      const at = word.indexOf('_')
      return { at: Number(word.slice(0, at)), id: word.slice(at + 1) }
    })
    .meta({ type: 'string' })

/** What a page says of how to read on. Without a cursor nothing is left below. */
export function readOn<T extends { id: string }>(
  items: readonly T[],
  { limit, before }: { limit: number; before: Cursor | undefined },
  at: (item: T) => number,
): { cursor: string | null; next?: null } {
  const last = items.at(-1)
  const cursor = last && items.length === limit ? `${at(last)}_${last.id}` : null
  // An offset counts from the top, which a page below a cursor knows nothing of.
  return before ? { cursor, next: null } : { cursor }
}
