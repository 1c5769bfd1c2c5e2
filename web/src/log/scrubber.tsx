/**
 * The whole log as a strip: every event a stroke in the lane of its family, from left to right. It is
 * a slider: drag it, or move it by keys, and the moment below follows.
 */

import { type PointerEvent, useMemo } from 'react'
import { useWidth } from '../components/width.ts'
import { FAMILIES, type Family, FILL, familyOf } from './family.ts'
import type { Entry } from './log-book.ts'

interface Props {
  entries: readonly Entry[]
  seq: number
  shown: readonly Family[]
  run: string | null
  onSeq(seq: number): void
}

const LANE = 9
const WIDEST = 10
const GAP = 2
const HEIGHT = FAMILIES.length * (LANE + GAP)

export function Scrubber({ entries, seq, shown, run, onSeq }: Props) {
  const [box, width] = useWidth()
  const marks = useMemo(() => marksOf(entries, width), [entries, width])
  const spans = useMemo(() => runSpans(entries), [entries])
  // Every event has a slot of the same width; in a long log it is less than a pixel.
  const slot = width / Math.max(1, entries.length)
  const at = (n: number): number => (n - 1) * slot
  const pick = (event: PointerEvent<HTMLDivElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect()
    const share = Math.max(0, Math.min(1, (event.clientX - left) / Math.max(1, width)))
    onSeq(Math.min(entries.length, 1 + Math.floor(share * entries.length)))
  }
  const entry = entries[seq - 1]
  return (
    <div
      ref={box}
      role="slider"
      tabIndex={0}
      aria-label="Place in the log"
      aria-valuemin={1}
      aria-valuemax={entries.length}
      aria-valuenow={seq}
      aria-valuetext={`${seq} of ${entries.length}: ${entry?.type ?? ''}`}
      className="relative cursor-ew-resize touch-none rounded-sm select-none"
      style={{ height: HEIGHT }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId)
        pick(event)
      }}
      onPointerMove={(event) =>
        event.currentTarget.hasPointerCapture(event.pointerId) && pick(event)
      }
      onKeyDown={(event) => {
        const to = moved(event.key, seq, entries.length)
        if (to === null) return
        event.preventDefault()
        event.stopPropagation()
        onSeq(to)
      }}
    >
      <svg aria-hidden="true" width={width} height={HEIGHT} className="block">
        {spans.map(({ run: id, from, to }, i) => (
          <rect
            key={id}
            x={at(from)}
            width={Math.max(1, at(to + 1) - at(from))}
            y={0}
            height={HEIGHT}
            fill={run === id ? 'var(--accent-soft)' : i % 2 === 0 ? 'var(--sunk)' : 'transparent'}
          />
        ))}
        {FAMILIES.map((family, lane) => (
          <path
            key={family}
            d={marks[family]}
            transform={`translate(0 ${lane * (LANE + GAP) + 1})`}
            stroke={FILL[family]}
            strokeWidth={1}
            opacity={shown.length === 0 || shown.includes(family) ? 0.95 : 0.15}
          />
        ))}
        <rect
          x={Math.min(width - 2, at(seq) + Math.min(slot, WIDEST) / 2 - 1)}
          y={0}
          width={2}
          height={HEIGHT}
          fill="var(--ink)"
        />
      </svg>
    </div>
  )
}

function moved(key: string, seq: number, last: number): number | null {
  const to = {
    ArrowLeft: seq - 1,
    ArrowRight: seq + 1,
    PageUp: seq - Math.ceil(last / 20),
    PageDown: seq + Math.ceil(last / 20),
    Home: 1,
    End: last,
  }[key]
  return to === undefined ? null : Math.max(1, Math.min(last, to))
}

/**
 * For each lane one path. A short log has room for a block an event; in a long one many fall on the
 * same pixel, and a stroke is as high as they are many.
 */
function marksOf(entries: readonly Entry[], width: number): Record<Family, string> {
  const slot = width / Math.max(1, entries.length)
  const wide = Math.max(1, Math.min(WIDEST, Math.floor(slot) - 1))
  const lanes = new Map(FAMILIES.map((family) => [family, new Map<number, number>()]))
  for (const [i, { type }] of entries.entries()) {
    const lane = lanes.get(familyOf(type))
    const x = Math.floor(i * slot)
    lane?.set(x, (lane.get(x) ?? 0) + 1)
  }
  const paths = [...lanes].map(([family, lane]) => [family, pathOf(lane, wide)])
  return Object.fromEntries(paths) as Record<Family, string>
}

function pathOf(lane: ReadonlyMap<number, number>, wide: number): string {
  const most = [...lane.values()].reduce((a, b) => Math.max(a, b), 1)
  let path = ''
  for (const [x, count] of lane) {
    const high = Math.max(3, Math.round((count / most) * LANE))
    for (let d = 0; d < wide; d++) path += `M${x + d + 0.5} ${LANE}v${-high}`
  }
  return path
}

function runSpans(entries: readonly Entry[]): { run: string; from: number; to: number }[] {
  const spans = new Map<string, { from: number; to: number }>()
  for (const [i, { run }] of entries.entries()) {
    if (run === null) continue
    const span = spans.get(run)
    if (span) span.to = i + 1
    else spans.set(run, { from: i + 1, to: i + 1 })
  }
  return [...spans].map(([run, span]) => ({ run, ...span }))
}
