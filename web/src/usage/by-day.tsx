/** Day by day: the plot, and the table that says the same. */

import { count, money, tokensOf } from '../components/figure.ts'
import { DayPlot } from './day-plot.tsx'
import { type Measure, plotted, totalsBy, type UsageRow } from './figures.ts'

export function ByDay({
  rows,
  days,
  measure,
}: {
  rows: UsageRow[]
  days: string[]
  measure: Measure
}) {
  const used = totalsBy(rows, 'day', measure).sort((a, b) => (a.name < b.name ? 1 : -1))
  return (
    <section aria-labelledby="by-day" className="rounded-lg border border-line bg-panel">
      <h2 id="by-day" className="border-b border-line px-3 py-2 font-semibold">
        By day
      </h2>
      <div className="grid lg:grid-cols-[minmax(0,1fr)_18rem]">
        <div className="min-w-0 p-3">
          <DayPlot {...plotted(rows, days, measure)} measure={measure} />
        </div>
        <div className="max-h-64 overflow-y-auto border-line max-lg:border-t lg:border-l">
          <table className="w-full text-sm">
            <thead className="sticky top-0 bg-panel">
              <tr className="border-b border-line text-left text-xs text-soft">
                <th scope="col" className="px-3 py-1.5 font-medium">
                  Day
                </th>
                <th scope="col" className="px-3 py-1.5 text-right font-medium">
                  Tokens
                </th>
                <th scope="col" className="px-3 py-1.5 text-right font-medium">
                  Cost
                </th>
              </tr>
            </thead>
            <tbody>
              {used.map(({ name, usage }) => (
                <tr key={name} className="border-b border-line last:border-0">
                  <th scope="row" className="px-3 py-1 text-left font-normal tabular-nums">
                    {name}
                  </th>
                  <td className="px-3 py-1 text-right tabular-nums">{count(tokensOf(usage))}</td>
                  <td className="px-3 py-1 text-right text-soft tabular-nums">
                    {money(usage.costUsd)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </div>
    </section>
  )
}
