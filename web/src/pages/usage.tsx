/** What was used, and by what: tokens and money by day, agent, model and API; slow tools; failures. */

import { api } from '../api/client.ts'
import { useResource } from '../api/resource.ts'
import { count, money, tokensOf } from '../components/figure.ts'
import { Empty, Standing } from '../components/note.tsx'
import { PageHead } from '../components/page-head.tsx'
import { named, QueryChoice } from '../components/query-choice.tsx'
import { usePlace } from '../router.tsx'
import { ByDay } from '../usage/by-day.tsx'
import { daysOf, type Measure, totalOf, totalsBy, type UsageRow } from '../usage/figures.ts'
import { Failures, type RunFigures, SlowTools, type ToolFigures } from '../usage/run-tables.tsx'
import { ShareTable } from '../usage/share-table.tsx'

const SPANS = [7, 30, 90]
const DAYS = named(SPANS.map(String), ' days')
const MEASURES = named(['tokens', 'cost'])
/** The server reads many runs for these figures. */
const FRESH = { isLive: true, restMs: 5_000 }

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
  const used = useResource(`used ${since}`, load<{ items: UsageRow[] }>('/usage'), FRESH)
  const runs = useResource(`runs ${since}`, load<RunFigures>('/usage/runs'), FRESH)
  const tools = useResource(`tools ${since}`, load<ToolFigures>('/usage/tools'), FRESH)
  const standing = [runs, tools].find(({ error }) => error !== null) ?? used
  const rows = used.data?.items ?? []
  return (
    <>
      <PageHead title="Usage" about={`The last ${days} days, in UTC`}>
        <QueryChoice name="days" label="Span" value={String(days)} options={DAYS} />
        <QueryChoice name="by" label="Measured in" value={measure} options={MEASURES} />
      </PageHead>
      <Standing of={standing} />
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
