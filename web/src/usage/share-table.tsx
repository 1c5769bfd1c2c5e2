/** Totals with a bar beside each, so that the table is the plot. */

import { count, money, tokensOf } from '../components/figure.ts'
import { exposed } from '../components/plain.ts'
import { type Measure, measured, type Total } from './figures.ts'

interface Props {
  title: string
  /** What a row is: a call, a run. */
  unit: string
  rows: readonly (Total & { failed?: number })[]
  measure: Measure
}

export function ShareTable({ title, unit, rows, measure }: Props) {
  const top = Math.max(...rows.map((row) => measured(row.usage, measure)), 0)
  return (
    <section aria-label={title} className="min-w-0 rounded-lg border border-line bg-panel">
      <h2 className="border-b border-line px-3 py-2 font-semibold">{title}</h2>
      {rows.length === 0 ? (
        <p className="px-3 py-3 text-sm text-faint">Nothing was used.</p>
      ) : (
        <table className="w-full text-sm">
          <thead className="sr-only">
            <tr>
              <th scope="col">Name</th>
              <th scope="col">{unit}</th>
              <th scope="col">Tokens</th>
              <th scope="col">Cost</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, calls, usage, failed = 0 }) => (
              <tr key={name} className="border-b border-line last:border-0">
                <th scope="row" className="w-full max-w-0 px-3 py-1.5 text-left font-normal">
                  <span className="block truncate">{exposed(name)}</span>
                  <span
                    aria-hidden="true"
                    className="mt-1 block h-1 rounded-full bg-accent"
                    style={{
                      width: `${top === 0 ? 0 : (measured(usage, measure) / top) * 100}%`,
                      minWidth: '2px',
                    }}
                  />
                </th>
                <td className="px-3 py-1.5 text-right align-top text-xs whitespace-nowrap text-faint tabular-nums">
                  {count(calls)} {calls === 1 ? unit.replace(/s$/, '') : unit}
                  {failed > 0 && <span className="block text-bad">{failed} failed</span>}
                </td>
                <td className="px-3 py-1.5 text-right align-top whitespace-nowrap tabular-nums">
                  {count(tokensOf(usage))}
                </td>
                <td className="px-3 py-1.5 text-right align-top whitespace-nowrap text-soft tabular-nums">
                  {money(usage.costUsd)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}
