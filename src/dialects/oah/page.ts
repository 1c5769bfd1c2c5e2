/** Pages: by offset for most lists, by the last item that was seen for messages. */

import { refusal } from './faults.ts'

export const DEFAULT_PAGE = 50

export interface PageQuery {
  pageSize?: number
  cursor?: string
}

/** A cursor that is no number counts as the beginning, as it does in the real system. */
export const offsetOf = ({ cursor }: PageQuery): number =>
  cursor !== undefined && /^\d{1,9}$/.test(cursor) ? Number(cursor) : 0

export const sizeOf = ({ pageSize }: PageQuery): number => pageSize ?? DEFAULT_PAGE

export interface Page<T> {
  items: T[]
  nextCursor?: string
}

/** A page of what is all there; there is a next cursor only when there is more. */
export function pageOf<T>(all: readonly T[], query: PageQuery): Page<T> {
  const from = offsetOf(query)
  const to = from + sizeOf(query)
  const items = all.slice(from, to)
  return to < all.length ? { items, nextCursor: String(to) } : { items }
}

interface Keyed {
  id: string
  createdAt: string
}

/** Messages in their order; `backward` pages come from the newest end and are told oldest first. */
export function messagePage<T extends Keyed>(
  all: readonly T[],
  query: PageQuery & { direction?: 'forward' | 'backward' },
): Page<T> {
  const size = sizeOf(query)
  const at = query.cursor === undefined ? null : placeOf(all, query.cursor)
  if (query.direction === 'backward') {
    const end = at ?? all.length
    const start = Math.max(0, end - size)
    const items = all.slice(start, end)
    return withNext(items, start > 0 ? items[0] : undefined)
  }
  const start = at === null ? 0 : isStill(all, at, query.cursor as string) ? at + 1 : at
  const items = all.slice(start, start + size)
  return withNext(items, start + size < all.length ? items.at(-1) : undefined)
}

const withNext = <T extends Keyed>(items: T[], last: T | undefined): Page<T> =>
  last ? { items, nextCursor: encode(last) } : { items }

const encode = ({ createdAt, id }: Keyed): string =>
  Buffer.from(JSON.stringify({ createdAt, id })).toString('base64url')

/** Where the item of the cursor is; when it is gone, where it would be. */
function placeOf(all: readonly Keyed[], cursor: string): number {
  const { id, createdAt } = decode(cursor)
  const at = all.findIndex((item) => item.id === id)
  if (at >= 0) return at
  const next = all.findIndex((item) => item.createdAt > createdAt)
  return next < 0 ? all.length : next
}

const isStill = (all: readonly Keyed[], at: number, cursor: string): boolean =>
  all[at]?.id === decode(cursor).id

function decode(cursor: string): Keyed {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    const { id, createdAt } = value as Record<string, unknown>
    if (typeof id === 'string' && typeof createdAt === 'string') return { id, createdAt }
  } catch {
    // Told below like any other cursor that nobody issued.
  }
  throw refusal('invalid', 'invalid_cursor', 'The cursor is not one that this server gave.')
}
