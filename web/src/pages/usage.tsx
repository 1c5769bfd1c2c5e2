/** What was used, and by what: tokens and money by day, agent, model and API; slow tools; failures. */

import type { ReactNode } from 'react'
import { api } from '../api/client.ts'
import { useResource } from '../api/resource.ts'
import type { Usage } from '../api/types.ts'
import { count, money, span, tokensOf } from '../components/figure.ts'
import { Empty, ErrorNote, Loading } from '../components/note.tsx'
import { PageHead } from '../components/page-head.tsx'
import { exposed, untwisted } from '../components/plain.ts'
import { Table } from '../components/table.tsx'
import { TimeAgo } from '../components/time-ago.tsx'
import { Link, setQuery, usePlace } from '../router.tsx'
import { DayPlot } from '../usage/day-plot.tsx'
import {
  daysOf,
  type Measure,
  plotted,
  totalOf,
  totalsBy,
  type UsageRow,
} from '../usage/figures.ts'
import { ShareTable } from '../usage/share-table.tsx'

const SPANS = [7, 30, 90]

interface RunFigures {
  runs: number
  of: number
  dialects: { dialect: string; runs: number; failed: number; usage: Usage }[]
  failures: {
    code: string
    runs: number
    message: string
    latest: { run: string; thread: string; at: number }
  }[]
}

interface ToolRow {
  tool: string
  calls: number
  failed: number
  denied: number
  medianMs: number
  p95Ms: number
  maxMs: number
  totalMs: number
  slowest: { thread: string; run: string; seq: number }
}

interface ToolFigures {
  runs: number
  of: number
  items: ToolRow[]
}

export function UsagePage() {
  const { query } = usePlace()
  const days = SPANS.find((n) => String(n) === query.get('days')) ?? 30
  const measure: Measure = query.get('by') === 'cost' ? 'cost' : 'tokens'
  const names = daysOf(days, Date.now())
  const since = `${names[0]}T00:00:00Z`
  const load =
    <T,>(path: string) =>
    (signal: AbortSignal) =>
      api.get<T>(path, { since }, { signal })
  const used = useResource(`used ${since}`, load<{ items: UsageRow[] }>('/usage'))
  const runs = useResource(`runs ${since}`, load<RunFigures>('/usage/runs'))
  const tools = useResource(`tools ${since}`, load<ToolFigures>('/usage/tools'))
  const error = used.error ?? runs.error ?? tools.error
  const rows = used.data?.items ?? []
  return (
    <>
      <PageHead title="Usage" about={`The last ${days} days, in UTC`}>
        <Choice
          name="days"
          label="Span"
          value={String(days)}
          values={SPANS.map(String)}
          unit=" days"
        />
        <Choice name="by" label="Measured in" value={measure} values={['tokens', 'cost']} />
      </PageHead>
      {error && (
        <div className="p-3">
          <ErrorNote error={error} onRetry={used.reload} />
        </div>
      )}
      {!used.data && used.isLoading && <Loading />}
      {used.data && rows.length === 0 && (
        <Empty icon="usage" title="Nothing was used yet">
          Every call of a model is counted here, whatever API it came through.
        </Empty>
      )}
      {rows.length > 0 && (
        <div className="min-h-0 flex-1 overflow-y-auto p-4">
          <div className="mx-auto flex max-w-6xl flex-col gap-4">
            <Totals rows={rows} runs={runs.data?.of ?? null} />
            <ByDay rows={rows} days={names} measure={measure} />
            <div className="grid grid-cols-[repeat(auto-fit,minmax(min(100%,20rem),1fr))] items-start gap-4">
              <ShareTable
                title="By agent"
                unit="calls"
                rows={totalsBy(rows, 'agent', measure)}
                measure={measure}
              />
              <ShareTable
                title="By model"
                unit="calls"
                rows={totalsBy(rows, 'model', measure)}
                measure={measure}
              />
              {runs.data && (
                <ShareTable
                  title="By API"
                  unit="runs"
                  rows={runs.data.dialects.map(({ dialect: name, runs: calls, ...of }) => {
                    return { name, calls, ...of }
                  })}
                  measure={measure}
                />
              )}
            </div>
            {tools.data && <SlowTools tools={tools.data} />}
            {runs.data && <Failures runs={runs.data} />}
          </div>
        </div>
      )}
    </>
  )
}

interface ChoiceProps {
  name: string
  label: string
  value: string
  values: string[]
  unit?: string
}

const Choice = ({ name, label, value, values, unit = '' }: ChoiceProps) => (
  <select
    aria-label={label}
    className="field w-auto"
    value={value}
    onChange={(event) => setQuery({ [name]: event.target.value })}
  >
    {values.map((v) => (
      <option key={v} value={v}>
        {v}
        {unit}
      </option>
    ))}
  </select>
)

function Totals({ rows, runs }: { rows: UsageRow[]; runs: number | null }) {
  const { calls, usage } = totalOf(rows)
  const figures: [string, string][] = [
    ['Cost', money(usage.costUsd)],
    ['Tokens', count(tokensOf(usage))],
    ['Read', count(usage.inputTokens)],
    ['Read from cache', count(usage.cacheReadTokens)],
    ['Written', count(usage.outputTokens)],
    ['Model calls', count(calls)],
    ['Runs', runs === null ? '…' : count(runs)],
  ]
  return (
    <dl className="grid grid-cols-[repeat(auto-fit,minmax(7.5rem,1fr))] overflow-hidden rounded-lg border border-line bg-panel">
      {figures.map(([name, value]) => (
        <div key={name} className="-mr-px -mb-px border-r border-b border-line px-3 py-2">
          <dt className="text-xs text-soft">{name}</dt>
          <dd className="text-xl font-semibold tabular-nums">{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function ByDay({ rows, days, measure }: { rows: UsageRow[]; days: string[]; measure: Measure }) {
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

const Part = ({
  title,
  about,
  children,
}: {
  title: string
  about: string
  children: ReactNode
}) => (
  <section aria-label={title}>
    <h2 className="font-semibold">{title}</h2>
    <p className="mb-2 text-xs text-soft">{about}</p>
    {children}
  </section>
)

function SlowTools({ tools: { runs, of, items } }: { tools: ToolFigures }) {
  const about = runs < of ? `In the latest ${runs} of ${of} runs` : 'In all runs of the span'
  return (
    <Part title="Tools, the slowest first" about={`${about}. Refused calls took no time.`}>
      {items.length === 0 ? (
        <p className="text-sm text-faint">No tool was called.</p>
      ) : (
        <Table
          label="Tools"
          rows={items}
          keyOf={(row) => row.tool}
          columns={[
            { name: 'Tool', cell: (row) => <code>{exposed(row.tool)}</code> },
            { name: 'Calls', isNumber: true, cell: (row) => count(row.calls) },
            { name: 'Failed', isNumber: true, cell: (row) => <Bad n={row.failed} /> },
            { name: 'Refused', isNumber: true, isExtra: true, cell: (row) => row.denied || '–' },
            { name: 'Median', isNumber: true, cell: (row) => span(row.medianMs) },
            { name: '95 of 100', isNumber: true, isExtra: true, cell: (row) => span(row.p95Ms) },
            {
              name: 'Longest',
              isNumber: true,
              cell: ({ maxMs, slowest: { thread, seq } }) => (
                <Link
                  to={`/log/${thread}?seq=${seq}`}
                  className="text-accent underline underline-offset-2"
                >
                  {span(maxMs)}
                </Link>
              ),
            },
            { name: 'In all', isNumber: true, isExtra: true, cell: (row) => span(row.totalMs) },
          ]}
        />
      )}
    </Part>
  )
}

const Bad = ({ n }: { n: number }) =>
  n > 0 ? <span className="text-bad">{n}</span> : <span className="text-faint">–</span>

function Failures({ runs: { runs, of, failures } }: { runs: RunFigures }) {
  const about = runs < of ? `In the latest ${runs} of ${of} runs.` : 'In all runs of the span.'
  return (
    <Part title="Runs that failed" about={about}>
      {failures.length === 0 ? (
        <p className="text-sm text-good">None.</p>
      ) : (
        <Table
          label="Failures"
          rows={failures}
          keyOf={(row) => row.code}
          columns={[
            { name: 'Why', cell: (row) => <code>{exposed(row.code)}</code> },
            { name: 'Runs', isNumber: true, cell: (row) => row.runs },
            {
              name: 'The latest said',
              cell: ({ message, latest }) => (
                <Link
                  to={`/threads/${latest.thread}`}
                  className="text-accent underline underline-offset-2"
                >
                  {untwisted(message.slice(0, 200))}
                </Link>
              ),
            },
            { name: 'When', isExtra: true, cell: (row) => <TimeAgo at={row.latest.at} /> },
          ]}
        />
      )}
    </Part>
  )
}
