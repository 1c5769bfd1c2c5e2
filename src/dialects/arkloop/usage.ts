/** What an account has used, by month, day, hour and model. */

import type { Actor } from '../../kernel/accounts.ts'
import type { UsageTotal } from '../../kernel/ports.ts'
import { addUsage, NO_USAGE, type Usage } from '../../kernel/usage.ts'
import type { Context } from './context.ts'
import { invalid } from './faults.ts'
import { accountId } from './id.ts'
import { type ArkRoute, ark, json } from './row.ts'
import { modelOf } from './saying.ts'
import { PeriodQuery, timeIn } from './schema.ts'

const DAY_MS = 86_400_000

/** Whoever may see the account's runs may see what they used. */
const READ = { may: 'data.runs.read', about: 'none' } as const

export const usageRoutes = (context: Context): ArkRoute[] => [
  ark({
    method: 'GET',
    path: '/v1/me/usage',
    summary: 'What the account used in a month',
    rule: READ,
    query: PeriodQuery,
    handle: async ({ actor, query }) => {
      const now = new Date(context.settings.now())
      const year = query.year ?? now.getUTCFullYear()
      const month = query.month ?? now.getUTCMonth() + 1
      const since = Date.UTC(year, month - 1, 1)
      const until = Date.UTC(year, month, 1)
      const totals = await totalsOf(context, actor, { since, until })
      return json({ account_id: accountId(actor.account), year, month, ...sum(totals) })
    },
  }),
  ark({
    method: 'GET',
    path: '/v1/me/usage/daily',
    summary: 'What the account used, day by day',
    rule: READ,
    query: PeriodQuery,
    handle: async ({ actor, query }) => {
      const totals = await totalsOf(context, actor, period(context, query))
      const days = group(totals, (t) => t.day)
      return json([...days].map(([date, list]) => ({ date, ...sum(list) })))
    },
  }),
  ark({
    method: 'GET',
    path: '/v1/me/usage/by-model',
    summary: 'What the account used, by model',
    rule: READ,
    query: PeriodQuery,
    handle: async ({ actor, query }) => {
      const totals = await totalsOf(context, actor, period(context, query))
      const models = group(totals, (t) => modelOf(t.model))
      return json([...models].map(([model, list]) => ({ model, ...sum(list) })))
    },
  }),
]

interface Period {
  since: number
  until: number
}

const totalsOf = (
  { engine }: Context,
  { account }: Actor,
  { since, until }: Period,
): Promise<UsageTotal[]> => engine.store.usage({ account, since, until })

/** The last thirty days, or from `start` up to and with `end`. */
function period({ settings }: Context, query: PeriodQuery): Period {
  const today = Math.floor(settings.now() / DAY_MS) * DAY_MS
  const { until = today + DAY_MS } = dayIn('until', query.end, 1)
  const { since = until - 30 * DAY_MS } = dayIn('since', query.start, 0)
  return { since, until }
}

/** A day or a moment in a query, as the bound of a period. */
export function dayIn<K extends 'since' | 'until'>(
  name: K,
  text: string | undefined,
  days: number,
): { [P in K]?: number } {
  if (text === undefined || text === '') return {}
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text)
  const at = isDay ? Date.parse(text) : timeIn(text)
  if (at === null || Number.isNaN(at)) throw invalid(`invalid date: ${text.slice(0, 40)}`)
  return { [name]: isDay ? at + days * DAY_MS : at } as { [P in K]?: number }
}

function group(totals: UsageTotal[], key: (t: UsageTotal) => string): Map<string, UsageTotal[]> {
  const groups = new Map<string, UsageTotal[]>()
  for (const total of totals) groups.set(key(total), [...(groups.get(key(total)) ?? []), total])
  return groups
}

/** A cost that is not known counts as nothing. */
function sum(totals: readonly UsageTotal[]) {
  const priced = totals.map((t): Usage => ({ ...t.usage, costUsd: t.usage.costUsd ?? 0 }))
  const usage = priced.reduce(addUsage, NO_USAGE)
  return {
    total_input_tokens: usage.inputTokens,
    total_output_tokens: usage.outputTokens,
    total_cache_creation_tokens: usage.cacheWriteTokens,
    total_cache_read_tokens: usage.cacheReadTokens,
    total_cached_tokens: usage.cacheReadTokens,
    total_cost_usd: usage.costUsd ?? 0,
    record_count: totals.reduce((n, t) => n + t.calls, 0),
  }
}
