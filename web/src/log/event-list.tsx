/** The log line by line. Only what can be seen is in the page, and only that is fetched. */

import { type RefObject, useCallback } from 'react'
import { span } from '../components/figure.ts'
import { untwisted } from '../components/plain.ts'
import { Windowed, type WindowedHandle } from '../components/windowed.tsx'
import { FILL, familyOf, gistOf } from './family.ts'
import type { LogBook } from './log-book.ts'
import type { Row } from './rows.ts'

interface Props {
  rows: readonly Row[]
  current: number
  book: LogBook
  /** Changes when the book has more to show. */
  loaded: number
  /** When the log began. */
  since: number
  handle: RefObject<WindowedHandle | null>
  onSeq(seq: number): void
}

const keyOf = (row: Row): string => String(row.seq)

export function EventList({ rows, current, book, loaded, since, handle, onSeq }: Props) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was loaded is to be shown.
  const render = useCallback(
    (row: Row, i: number) => (
      <Line row={row} isCurrent={i === current} book={book} since={since} onSeq={onSeq} />
    ),
    [current, book, loaded, since, onSeq],
  )
  return (
    <Windowed
      label="Events"
      role="list"
      items={rows}
      keyOf={keyOf}
      estimate={29}
      handle={handle}
      className="h-full"
      render={render}
    />
  )
}

interface LineProps extends Pick<Props, 'book' | 'since' | 'onSeq'> {
  row: Row
  isCurrent: boolean
}

function Line({ row, isCurrent, book, since, onSeq }: LineProps) {
  const { seq, count, type, at } = row
  const events = Array.from({ length: Math.min(count, 8) }, (_, i) => book.event(seq + i))
  // On the colour of the current line the faintest text would not be read.
  const faint = isCurrent ? 'text-soft' : 'text-faint'
  const gist = events.map((event) => (event ? gistOf(event) : '')).join('')
  return (
    <button
      type="button"
      tabIndex={-1}
      aria-current={isCurrent ? 'true' : undefined}
      onClick={() => onSeq(seq)}
      className={`flex h-7.25 w-full items-center gap-2 border-b border-line px-3 text-left font-mono text-xs ${
        isCurrent ? 'bg-accent-soft shadow-[inset_3px_0_0] shadow-accent' : 'hover:bg-sunk'
      }`}
    >
      <span className={`w-11 shrink-0 text-right tabular-nums ${faint}`}>{seq}</span>
      <span
        aria-hidden="true"
        className="h-3.5 w-1 shrink-0 rounded-full"
        style={{ background: FILL[familyOf(type)] }}
      />
      <span className="shrink-0">
        {type}
        {count > 1 && <span className={faint}> ×{count}</span>}
      </span>
      <span className={`min-w-0 flex-1 truncate ${faint}`} dir="auto">
        {untwisted(gist).replace(/\s+/g, ' ')}
      </span>
      <span className={`shrink-0 tabular-nums max-lg:hidden ${faint}`}>+{span(at - since)}</span>
    </button>
  )
}
