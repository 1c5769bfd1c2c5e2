/** What was used day by day, as stacked bars. The table beside it says the same in figures. */

import { count, money } from '../components/figure.ts'
import { useWidth } from '../components/width.ts'
import { ceiling, type Measure, type Plotted } from './figures.ts'

const FILLS = ['var(--accent)', 'var(--good)', 'var(--warn)', 'var(--bad)', 'var(--edge)']
const HEIGHT = 200
const FOOT = 22
const SIDE = 52

interface Props {
  series: readonly string[]
  points: readonly Plotted[]
  measure: Measure
}

const shown = (value: number, measure: Measure): string =>
  measure === 'tokens' ? count(Math.round(value)) : money(value)

const dayOf = (day: string): string =>
  new Date(`${day}T00:00:00Z`).toLocaleDateString([], {
    day: 'numeric',
    month: 'short',
    timeZone: 'UTC',
  })

export function DayPlot({ series, points, measure }: Props) {
  const [box, width] = useWidth()
  const sums = points.map((p) => p.values.reduce((a, b) => a + b, 0))
  const top = ceiling(Math.max(...sums, 0))
  const slot = Math.max(0, width - SIDE) / Math.max(1, points.length)
  const tall = HEIGHT - FOOT
  const y = (value: number): number => tall - (value / top) * (tall - 8)
  // So many days have a name as fit beside each other.
  const every = Math.max(1, Math.ceil(52 / Math.max(1, slot)))
  return (
    <div>
      <div ref={box}>
        <svg
          width={width}
          height={HEIGHT}
          role="img"
          aria-label={`${measure} by day; the figures are in the table`}
          className="block"
        >
          {[0, 0.5, 1].map((share) => (
            <g key={share}>
              <line
                x1={SIDE}
                x2={width}
                y1={y(top * share)}
                y2={y(top * share)}
                stroke="var(--line)"
              />
              <text
                x={SIDE - 8}
                y={y(top * share) + 4}
                textAnchor="end"
                fontSize="11"
                fill="var(--faint)"
              >
                {share === 0 ? '0' : shown(top * share, measure)}
              </text>
            </g>
          ))}
          {points.map((point, i) => (
            <g key={point.day} transform={`translate(${SIDE + i * slot} 0)`}>
              <title>{`${dayOf(point.day)}: ${shown(sums[i] ?? 0, measure)}`}</title>
              <rect width={slot} height={tall} fill="transparent" />
              <Bar values={point.values} slot={slot} y={y} />
              {(points.length - 1 - i) % every === 0 && (
                <text
                  x={i === points.length - 1 ? slot : slot / 2}
                  y={HEIGHT - 6}
                  textAnchor={i === points.length - 1 ? 'end' : 'middle'}
                  fontSize="11"
                  fill="var(--faint)"
                >
                  {dayOf(point.day)}
                </text>
              )}
            </g>
          ))}
        </svg>
      </div>
      <ul className="mt-1 flex flex-wrap gap-x-4 gap-y-1 text-xs text-soft">
        {series.map((name, i) => (
          <li key={name} className="flex items-center gap-1.5">
            <span
              aria-hidden="true"
              className="size-2.5 rounded-sm"
              style={{ background: FILLS[i] }}
            />
            {name}
          </li>
        ))}
      </ul>
    </div>
  )
}

function Bar({ values, slot, y }: { values: number[]; slot: number; y(value: number): number }) {
  const wide = Math.max(1, Math.min(40, slot * 0.7))
  let below = 0
  return values.map((value, i) => {
    if (value === 0) return null
    const from = y(below)
    below += value
    const to = y(below)
    const key = `${i}`
    return (
      <rect
        key={key}
        x={(slot - wide) / 2}
        width={wide}
        y={to}
        height={Math.max(1, from - to)}
        fill={FILLS[i]}
      />
    )
  })
}
