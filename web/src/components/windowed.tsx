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
/** The rows are chosen anew only when the view has moved this far. */
const STEP = 100

export function Windowed<T>(props: Props<T>) {
  const { label, items, keyOf, estimate, render, isFollowing = false, className = '', role } = props
  const { onEnd } = props
  const box = useRef<HTMLElement>(null)
  const isAtEnd = useRef(isFollowing)
  const [view, setView] = useState({ top: 0, height: 0 })
  const sizes = useSizes(box, estimate, isFollowing ? isAtEnd : null)

  // biome-ignore lint/correctness/useExhaustiveDependencies: heights are read anew with each version.
  const tops = useMemo(() => {
    const at = new Float64Array(items.length + 1)
    for (const [i, item] of items.entries())
      at[i + 1] = (at[i] as number) + (sizes.heights.get(keyOf(item)) ?? estimate)
    return at
  }, [items, sizes.version, keyOf, estimate])
  const total = tops[items.length] ?? 0
  const from = indexAt(tops, view.top - OVERSCAN)
  const to = Math.min(items.length, indexAt(tops, view.top + view.height + OVERSCAN) + 1)

  const look = useCallback(() => {
    const element = box.current
    if (!element) return
    const { scrollTop: top, clientHeight: height, scrollHeight } = element
    const isEnd = scrollHeight - top - height < NEAR_END
    if (isEnd !== isAtEnd.current) {
      isAtEnd.current = isEnd
      onEnd?.(isEnd)
    }
    setView((v) => (Math.abs(v.top - top) < STEP && v.height === height ? v : { top, height }))
  }, [onEnd])
  const settle = useCallback(() => {
    const element = box.current
    if (element && isFollowing && isAtEnd.current) element.scrollTop = element.scrollHeight
    look()
  }, [look, isFollowing])

  useLayoutEffect(() => {
    sizes.settle()
    settle()
  })
  useEffect(() => {
    const element = box.current
    if (!element) return
    const observer = new ResizeObserver(settle)
    observer.observe(element)
    return () => observer.disconnect()
  }, [settle])

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
      isAtEnd.current = true
      onEnd?.(true)
      settle()
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
              ref={sizes.row}
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

interface Sizes {
  heights: Map<string, number>
  /** Another one whenever a height has changed. */
  version: number
  /** For every row that is in the page. */
  row(element: HTMLElement | null): (() => void) | undefined
  /** Once the rows are in the page, before anybody sees them. */
  settle(): void
}

/**
 * Measures the rows that are in the page: at once when they come, so that none ever leaves unmeasured,
 * and again when they grow. What changes above the view is made up for by scrolling.
 */
function useSizes(
  box: { current: HTMLElement | null },
  estimate: number,
  end: { current: boolean } | null,
): Sizes {
  const [heights] = useState(() => new Map<string, number>())
  const [version, setVersion] = useState(0)
  const fresh = useRef(new Set<HTMLElement>())

  const measure = useCallback(
    (rows: Iterable<HTMLElement>) => {
      const element = box.current
      if (!element) return
      const edge = element.getBoundingClientRect().top
      let shift = 0
      let isOther = false
      for (const row of rows) {
        const key = row.dataset.key
        if (key === undefined || !row.isConnected) continue
        const { height, top } = row.getBoundingClientRect()
        const before = heights.get(key)
        if (before === height) continue
        heights.set(key, height)
        isOther = true
        if (top < edge) shift += height - (before ?? estimate)
      }
      if (!isOther) return
      if (shift !== 0 && !end?.current) element.scrollTop += shift
      setVersion((n) => n + 1)
    },
    [box, heights, estimate, end],
  )

  const latest = useRef(measure)
  latest.current = measure
  const [observer] = useState(
    () => new ResizeObserver((list) => latest.current(list.map((e) => e.target as HTMLElement))),
  )
  useEffect(() => () => observer.disconnect(), [observer])
  const row = useCallback(
    (element: HTMLElement | null) => {
      if (!element) return undefined
      fresh.current.add(element)
      observer.observe(element)
      return () => {
        fresh.current.delete(element)
        observer.unobserve(element)
      }
    },
    [observer],
  )
  const settle = useCallback(() => {
    if (fresh.current.size === 0) return
    const rows = [...fresh.current]
    fresh.current.clear()
    latest.current(rows)
  }, [])
  return { heights, version, row, settle }
}
