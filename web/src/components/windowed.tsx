/**
 * A long list of which only what can be seen is in the page. Heights are measured as rows come into
 * view; what grows above the view does not move it, and a reader at the end stays at the end.
 */

import {
  type ReactNode,
  type Ref,
  useCallback,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react'

export interface WindowedHandle {
  /** Brings a row into view, and nothing more than that. */
  show(index: number): void
  toEnd(): void
}

interface Props<T> {
  label: string
  items: readonly T[]
  keyOf(item: T): string
  /** About how high a row is before it was measured. */
  estimate: number
  render(item: T, index: number): ReactNode
  /** Begins at the end and stays there while the list grows. */
  isFollowing?: boolean
  onEnd?(isAtEnd: boolean): void
  handle?: Ref<WindowedHandle>
  className?: string
  /** Roles of the rows' container, where rows are more than things to read. */
  role?: 'list' | 'listbox' | 'feed'
}

const OVERSCAN = 600
const NEAR_END = 48

export function Windowed<T>(props: Props<T>) {
  const { label, items, keyOf, estimate, render, isFollowing = false, className = '', role } = props
  const box = useRef<HTMLElement>(null)
  const heights = useRef(new Map<string, number>())
  const isAtEnd = useRef(isFollowing)
  const [version, setVersion] = useState(0)
  const [view, setView] = useState({ top: 0, height: 0 })

  // biome-ignore lint/correctness/useExhaustiveDependencies: heights are read anew with each version.
  const tops = useMemo(() => {
    const at = new Float64Array(items.length + 1)
    for (const [i, item] of items.entries())
      at[i + 1] = (at[i] as number) + (heights.current.get(keyOf(item)) ?? estimate)
    return at
  }, [items, version, keyOf, estimate])
  const total = tops[items.length] ?? 0
  const from = indexAt(tops, view.top - OVERSCAN)
  const to = Math.min(items.length, indexAt(tops, view.top + view.height + OVERSCAN) + 1)

  const { onEnd } = props
  const look = useCallback(() => {
    const element = box.current
    if (!element) return
    const { scrollTop: top, clientHeight: height, scrollHeight } = element
    const isEnd = scrollHeight - top - height < NEAR_END
    if (isEnd !== isAtEnd.current) {
      isAtEnd.current = isEnd
      onEnd?.(isEnd)
    }
    setView((v) => (v.top === top && v.height === height ? v : { top, height }))
  }, [onEnd])

  const rows = useRowSizes(box, heights, (grown) => {
    const element = box.current
    if (element && !(isFollowing && isAtEnd.current)) {
      const above = grown.filter((row) => row.top < element.scrollTop)
      const shift = above.reduce((sum, row) => sum + row.by, 0)
      if (shift !== 0) element.scrollTop += shift
    }
    setVersion((n) => n + 1)
  })

  useLayoutEffect(() => {
    const element = box.current
    if (element && isFollowing && isAtEnd.current) element.scrollTop = element.scrollHeight
    look()
  })
  useEffect(() => {
    const element = box.current
    if (!element) return
    const observer = new ResizeObserver(() => {
      if (isFollowing && isAtEnd.current) element.scrollTop = element.scrollHeight
      look()
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [look, isFollowing])

  useImperativeHandle(props.handle, () => ({
    show(index) {
      const element = box.current
      if (!element) return
      const top = tops[index] ?? 0
      const bottom = tops[index + 1] ?? total
      if (top < element.scrollTop) element.scrollTop = top
      else if (bottom > element.scrollTop + element.clientHeight)
        element.scrollTop = bottom - element.clientHeight
    },
    toEnd() {
      const element = box.current
      if (element) element.scrollTop = element.scrollHeight
    },
  }))

  return (
    <section
      ref={box}
      aria-label={label}
      tabIndex={0}
      onScroll={look}
      className={`overflow-y-auto [overflow-anchor:none] ${className}`}
    >
      <div
        role={role}
        style={{
          paddingTop: tops[from] ?? 0,
          paddingBottom: Math.max(0, total - (tops[to] ?? total)),
        }}
      >
        {items.slice(from, to).map((item, i) => {
          const key = keyOf(item)
          return (
            <div
              key={key}
              data-key={key}
              ref={rows}
              role={role === 'list' ? 'listitem' : undefined}
            >
              {render(item, from + i)}
            </div>
          )
        })}
      </div>
    </section>
  )
}

/** The row that is at a height; the tops rise, so it can be found by halving. */
function indexAt(tops: Float64Array, y: number): number {
  let low = 0
  let high = Math.max(0, tops.length - 2)
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((tops[middle] as number) <= y) low = middle
    else high = middle - 1
  }
  return low
}

interface Grown {
  /** Where the row began before it grew, from the top of the list. */
  top: number
  by: number
}

/** Measures every row that is in the page, and tells which have another height than before. */
function useRowSizes(
  box: { current: HTMLElement | null },
  heights: { current: Map<string, number> },
  changed: (rows: Grown[]) => void,
): (row: HTMLElement | null) => (() => void) | undefined {
  const latest = useRef(changed)
  latest.current = changed
  const observer = useRef<ResizeObserver | null>(null)
  observer.current ??= new ResizeObserver((entries) => {
    const frame = box.current?.getBoundingClientRect()
    const scrolled = box.current?.scrollTop ?? 0
    const grown: Grown[] = []
    for (const { target } of entries) {
      const row = target as HTMLElement
      const key = row.dataset.key
      if (key === undefined || !row.isConnected) continue
      const height = row.offsetHeight
      const before = heights.current.get(key)
      if (before === height) continue
      heights.current.set(key, height)
      const top = row.getBoundingClientRect().top - (frame?.top ?? 0) + scrolled
      if (before !== undefined) grown.push({ top, by: height - before })
      else grown.push({ top, by: 0 })
    }
    if (grown.length > 0) latest.current(grown)
  })
  useEffect(() => () => observer.current?.disconnect(), [])
  return useCallback((row: HTMLElement | null) => {
    if (!row) return undefined
    observer.current?.observe(row)
    return () => observer.current?.unobserve(row)
  }, [])
}
