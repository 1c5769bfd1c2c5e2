/** Lists that may be longer than one answer: shown as far as a person has asked for, and kept fresh. */

import { useEffect, useState } from 'react'
import { api, type Query } from './client.ts'
import { type Resource, useResource } from './resource.ts'
import type { Page } from './types.ts'

const PAGE = 200
/** The longer a list is, the less often it is loaded again. */
const REST_MS = 1_000

export interface Pages<T> extends Resource<Page<T>> {
  /** Null when all of it is there. */
  more: (() => void) | null
}

export function usePages<T>(path: string, query: Query = {}): Pages<T> {
  const key = JSON.stringify([path, query])
  const [wanted, setWanted] = useState({ key, pages: 1 })
  const pages = wanted.key === key ? wanted.pages : 1
  const found = useResource(key, (signal) => load<T>(path, { query, pages, signal }), {
    isLive: true,
    restMs: (pages - 1) * REST_MS,
  })
  const { data, reload } = found
  useEffect(() => {
    if (pages > 1) reload()
  }, [pages, reload])
  const isMore = data !== null && data.items.length < data.total
  return { ...found, more: isMore ? () => setWanted({ key, pages: pages + 1 }) : null }
}

/** Each page goes on below the last row of the one before, where the list has a place to name. */
async function load<T>(
  path: string,
  { query, pages, signal }: { query: Query; pages: number; signal: AbortSignal },
): Promise<Page<T>> {
  const read = (from: Query) =>
    api.get<Page<T>>(path, { ...query, ...from, limit: PAGE }, { signal })
  const first = await read({})
  const items = [...first.items]
  let { cursor } = first
  while (items.length < Math.min(pages * PAGE, first.total)) {
    const page = await read(cursor ? { before: cursor } : { offset: items.length })
    if (page.items.length === 0) break
    items.push(...page.items)
    cursor = page.cursor
  }
  return { ...first, items }
}
