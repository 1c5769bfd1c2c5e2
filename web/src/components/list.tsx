/** Lists of things to choose from: one beside what was chosen of it, and one that can be long. */

import type { ReactNode, RefObject } from 'react'
import type { Pages } from '../api/pages.ts'
import { Link } from '../router.tsx'
import { Button } from './button.tsx'
import { count } from './figure.ts'
import { useListKeys } from './list-keys.ts'
import { Windowed, type WindowedHandle } from './windowed.tsx'

const ROW = 'border-b border-line px-4 py-2 hover:bg-sunk'
/** Where the keys are. */
const CURRENT = 'shadow-[inset_3px_0_0] shadow-accent'

interface ChooserProps<T> {
  /** Also the group of its keys. */
  label: string
  items: readonly T[]
  keyOf(item: T): string
  chosen: string | null
  onChoose(key: string): void
  row(item: T): ReactNode
  /** What was chosen. */
  children: ReactNode
}

/** A list, and beside it what was chosen of it; below it on narrow screens. */
export function Chooser<T>(props: ChooserProps<T>) {
  const { label, items, keyOf, chosen, onChoose, row, children } = props
  const open = (item: T) => onChoose(keyOf(item))
  const [current] = useListKeys({ items, keyOf, group: label, open })
  return (
    <div className="flex min-h-0 flex-1 max-md:flex-col">
      <ul
        aria-label={label}
        className="shrink-0 overflow-y-auto border-line bg-panel max-md:max-h-52 max-md:border-b md:w-72 md:border-r"
      >
        {items.map((item) => {
          const key = keyOf(item)
          return (
            <li key={key}>
              <button
                type="button"
                aria-current={key === chosen ? 'true' : undefined}
                onClick={() => onChoose(key)}
                className={`flex w-full flex-col gap-0.5 text-left ${ROW} ${
                  key === chosen ? 'bg-accent-soft' : ''
                } ${key === current ? CURRENT : ''}`}
              >
                {row(item)}
              </button>
            </li>
          )
        })}
      </ul>
      <div className="min-h-0 min-w-0 flex-1 overflow-y-auto p-4">{children}</div>
    </div>
  )
}

interface LongListProps<T> {
  label: string
  pages: Pages<T>
  keyOf(item: T): string
  /** About how high a row is. */
  estimate: number
  handle: RefObject<WindowedHandle | null>
  row(item: T): ReactNode
}

/** A list that shows a page and, when it is wanted, the next. Empty it is nothing at all. */
export function LongList<T>({ label, pages, keyOf, estimate, handle, row }: LongListProps<T>) {
  const { data, more } = pages
  if (!data || data.items.length === 0) return null
  return (
    <>
      <Windowed
        label={label}
        role="list"
        items={data.items}
        keyOf={keyOf}
        estimate={estimate}
        handle={handle}
        className="min-h-0 flex-1"
        render={row}
      />
      {more && (
        <div className="shrink-0 border-t border-line bg-panel p-2 text-center">
          <Button tone="quiet" onClick={more}>
            {count(data.items.length)} of {count(data.total)} are shown. Show more
          </Button>
        </div>
      )}
    </>
  )
}

interface RowLinkProps {
  to: string
  isCurrent: boolean
  children: ReactNode
}

export const RowLink = ({ to, isCurrent, children }: RowLinkProps) => (
  <Link
    to={to}
    className={`flex items-center gap-4 ${ROW} ${isCurrent ? `bg-accent-soft ${CURRENT}` : 'bg-panel'}`}
  >
    {children}
  </Link>
)
