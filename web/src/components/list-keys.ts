/** Moving through a list by keys: one row is current; j and k, arrows, Home and End move it. */

import { type RefObject, useState } from 'react'
import { useKeys } from '../keys.tsx'
import type { WindowedHandle } from './windowed.tsx'

interface Options<T> {
  items: readonly T[]
  keyOf(item: T): string
  group: string
  open(item: T): void
  list?: RefObject<WindowedHandle | null>
}

/** The key of the current row, and the way to make another current. */
export function useListKeys<T>(options: Options<T>): [string | null, (key: string) => void] {
  const { items, keyOf, group, open, list } = options
  const [current, setCurrent] = useState<string | null>(null)
  const at = items.findIndex((item) => keyOf(item) === current)
  const move = (to: number) => {
    const index = Math.max(0, Math.min(items.length - 1, to))
    const item = items[index]
    if (!item) return
    setCurrent(keyOf(item))
    list?.current?.show(index)
  }
  const row = (keys: string, about: string, run: () => void) => ({ keys, about, group, run })
  useKeys([
    row('j', 'Next', () => move(at + 1)),
    row('k', 'Previous', () => move(at < 0 ? 0 : at - 1)),
    row('ArrowDown', 'Next', () => move(at + 1)),
    row('ArrowUp', 'Previous', () => move(at < 0 ? 0 : at - 1)),
    row('Home', 'First', () => move(0)),
    row('End', 'Last', () => move(items.length - 1)),
    row('Enter', 'Open', () => {
      const item = items[at]
      if (item) open(item)
    }),
  ])
  return [current, setCurrent]
}
