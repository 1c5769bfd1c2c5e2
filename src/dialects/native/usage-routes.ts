/** What was used: tokens and money by day, agent, model and dialect; slow tools, and failures. */

import type { Engine, RunQuery, UsageTotal } from '../../kernel/ports.ts'
import type { RunRow } from '../../kernel/rows.ts'
import { addUsage, NO_USAGE, type Usage } from '../../kernel/usage.ts'
import { type Route, route } from '../../wire/dialect.ts'
import { given } from './commands.ts'
import { accountOf } from './desk.ts'
import { createToolFigures } from './tool-figures.ts'
import * as schema from './usage-schema.ts'

const AT = '/manifold/v1/usage'
const tag = 'usage'
/** A page of rows, and how many rows are looked at in all: beyond it the answer says so. */
const PAGE = 500
const MOST_RUNS = 10_000

export function usageRoutes(engine: Engine): Route[] {
  const figures = createToolFigures(engine.store)
  return [
    route({
      method: 'GET',
      path: AT,
      tag,
      summary: 'Tokens and money, by day, agent and model.',
      query: schema.UsageQuery,
      answers: { 200: { about: 'The totals.', schema: schema.UsageList } },
      handle: async ({ query, principal }) => {
        const { by = ['day', 'agent', 'model'], ...span } = query
        const totals = await engine.store.usage({ ...given(span), ...accountOf(principal) })
        return { status: 200, json: { items: groupUsage(totals, by) } }
      },
    }),
    route({
      method: 'GET',
      path: `${AT}/runs`,
      tag,
      summary: 'Runs by dialect and by how they ended, and why they failed.',
      query: schema.RunFiguresQuery,
      answers: { 200: { about: 'The figures.', schema: schema.RunFigures } },
      handle: async ({ query, principal }) => {
        const asked = { ...given(query), ...accountOf(principal) }
        const { runs, total } = await latestRuns(engine, asked, MOST_RUNS)
        return { status: 200, json: { runs: runs.length, of: total, ...runFigures(runs) } }
      },
    }),
    route({
      method: 'GET',
      path: `${AT}/tools`,
      tag,
      summary: 'How long tools took and how often they failed, in the latest runs.',
      query: schema.ToolFiguresQuery,
      answers: { 200: { about: 'The figures.', schema: schema.ToolFigures } },
      handle: async ({ query: { runs: most = 200, ...span }, principal }) => {
        const asked = { ...given(span), ...accountOf(principal) }
        const { runs, total } = await latestRuns(engine, asked, most)
        const items = await figures.of(runs)
        return { status: 200, json: { runs: runs.length, of: total, items } }
      },
    }),
  ]
}

type Span = Pick<RunQuery, 'account' | 'since' | 'until'>

async function latestRuns({ store }: Engine, span: Span, most: number) {
  const runs: RunRow[] = []
  let total = 0
  while (runs.length < most) {
    const limit = Math.min(PAGE, most - runs.length)
    const page = await store.runs({ ...span, limit, offset: runs.length })
    total = page.total
    runs.push(...page.items)
    if (page.items.length < limit) break
  }
  return { runs, total }
}

function runFigures(runs: readonly RunRow[]) {
  const dialects = new Map<string, { runs: number; failed: number; usage: Usage }>()
  const outcomes = new Map<string, number>()
  const failures = new Map<string, { runs: number; message: string; latest: object }>()
  for (const run of runs) {
    const isFailed = run.status === 'failed'
    const of = dialects.get(run.dialect) ?? { runs: 0, failed: 0, usage: NO_USAGE }
    dialects.set(run.dialect, {
      runs: of.runs + 1,
      failed: of.failed + (isFailed ? 1 : 0),
      usage: addUsage(of.usage, run.usage),
    })
    outcomes.set(run.status, (outcomes.get(run.status) ?? 0) + 1)
    if (!isFailed) continue
    const code = run.troubleCode ?? run.stop ?? 'unknown'
    // The newest comes first, so what is known already is the latest.
    const known = failures.get(code) ?? {
      runs: 0,
      message: run.troubleMessage ?? 'The run failed.',
      latest: { run: run.id, thread: run.thread, at: run.endedAt ?? run.createdAt },
    }
    failures.set(code, { ...known, runs: known.runs + 1 })
  }
  return {
    dialects: [...dialects].map(([dialect, of]) => ({ dialect, ...of })).sort(byRuns),
    outcomes: [...outcomes].map(([status, n]) => ({ status, runs: n })).sort(byRuns),
    failures: [...failures].map(([code, of]) => ({ code, ...of })).sort(byRuns),
  }
}

const byRuns = (a: { runs: number }, b: { runs: number }): number => b.runs - a.runs

type UsageKey = 'day' | 'agent' | 'model'

function groupUsage(totals: readonly UsageTotal[], by: readonly UsageKey[]) {
  const groups = new Map<string, Partial<UsageTotal> & Pick<UsageTotal, 'calls' | 'usage'>>()
  for (const total of totals) {
    const names = Object.fromEntries(by.map((key) => [key, total[key]]))
    const key = JSON.stringify(names)
    const before = groups.get(key)
    groups.set(key, {
      ...names,
      calls: (before?.calls ?? 0) + total.calls,
      usage: before ? addUsage(before.usage, total.usage) : total.usage,
    })
  }
  return [...groups.values()]
}
