/** What an account has used, by month, day, hour and model. */

import type { Actor } from '../../kernel/accounts.ts'
import type { UsageTotal } from '../../kernel/ports.ts'
import { addUsage, NO_USAGE, type Usage } from '../../kernel/usage.ts'
import type { Context } from './context.ts'
import { invalid, notFound } from './faults.ts'
import { accountId, accountOfId, iso, uuidIn } from './id.ts'
import { PeriodQuery } from './people-schema.ts'
import { type ArkRoute, ark, json } from './row.ts'
import { modelOf } from './saying.ts'
import { dayIn, timeIn } from './schema.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

/** What is told of the uses in a time, and how it is grouped. */
type Telling = (context: Context, account: string, query: PeriodQuery) => Promise<unknown>

const TELLINGS: readonly [path: string, summary: string, Telling][] = [
  ['', 'What the account used in a month', ofMonth],
  ['/daily', 'What the account used, day by day', byDay],
  ['/hourly', 'What the account used, hour by hour', byHour],
  ['/by-model', 'What the account used, by model', byModel],
]

/** Whoever may see the account's runs may see what they used; other accounts' only the platform's admin. */
export const usageRoutes = (context: Context): ArkRoute[] => [
  ...TELLINGS.map(([path, summary, tell]) =>
    ark({
      method: 'GET',
      path: `/v1/me/usage${path}`,
      summary,
      rule: { may: 'data.runs.read', about: 'none' },
      query: PeriodQuery,
      handle: async ({ actor, query }) => json(await tell(context, actor.account, query)),
    }),
  ),
  ...TELLINGS.map(([path, summary, tell]) =>
    ark({
      method: 'GET',
      path: `/v1/accounts/{account}/usage${path}`,
      summary,
      rule: { may: 'data.usage.read', about: 'account' },
      query: PeriodQuery,
      handle: async ({ actor, path: { account: text }, query }) =>
        json(await tell(context, accountFor(actor, text), query)),
    }),
  ),
]

/** Another account is as unknown as none. */
function accountFor(actor: Actor, text: string | undefined): string {
  const id = uuidIn(text)
  if (id === null) throw invalid('invalid account_id')
  const account = accountOfId(id)
  if (account === actor.account || actor.permissions.has('platform.admin')) return account
  throw notFound('accounts.not_found', 'account')
}

async function ofMonth(context: Context, account: string, query: PeriodQuery) {
  const now = new Date(context.settings.now())
  const year = query.year ?? now.getUTCFullYear()
  const month = query.month ?? now.getUTCMonth() + 1
  const since = Date.UTC(year, month - 1, 1)
  const until = Date.UTC(year, month, 1)
  const totals = await totalsOf(context, account, { since, until })
  return { account_id: accountId(account), year, month, ...sum(totals) }
}

async function byDay(context: Context, account: string, query: PeriodQuery) {
  const totals = await totalsOf(context, account, period(context, query))
  return [...group(totals, (t) => t.day)].map(([date, list]) => ({ date, ...sum(list) }))
}

async function byModel(context: Context, account: string, query: PeriodQuery) {
  const totals = await totalsOf(context, account, period(context, query))
  return [...group(totals, (t) => modelOf(t.model))].map(([model, list]) => ({
    model,
    ...sum(list),
  }))
}

const MAX_DAYS = 31

/** The store adds up by the day, so the hours are asked for one by one: those of days with any use. */
async function byHour(context: Context, account: string, query: PeriodQuery) {
  const { since, until } = period(context, query)
  if (until - since > MAX_DAYS * DAY_MS) throw invalid(`at most ${MAX_DAYS} days`)
  const days = group(await totalsOf(context, account, { since, until }), (t) => t.day)
  const hours: Period[] = []
  for (const day of days.keys())
    for (let at = Date.parse(day), hour = 0; hour < 24; hour++, at += HOUR_MS)
      if (at + HOUR_MS > since && at < until)
        hours.push({ since: Math.max(at, since), until: Math.min(at + HOUR_MS, until) })
  const told = await Promise.all(
    hours.map(async (hour) => ({
      hour: iso(Math.floor(hour.since / HOUR_MS) * HOUR_MS),
      ...sum(await totalsOf(context, account, hour)),
    })),
  )
  return told.filter((t) => t.record_count > 0)
}

interface Period {
  since: number
  until: number
}

const totalsOf = (
  { engine }: Context,
  account: string,
  { since, until }: Period,
): Promise<UsageTotal[]> => engine.store.usage({ account, since, until })

/** The last thirty days, or from `start` up to and with `end`. */
function period({ settings }: Context, query: PeriodQuery): Period {
  const today = Math.floor(settings.now() / DAY_MS) * DAY_MS
  const { until = today + DAY_MS } = boundIn('until', query.end, 1)
  const { since = until - 30 * DAY_MS } = boundIn('since', query.start, 0)
  return { since, until }
}

/** A day or a moment in a query, as the bound of a period. */
export function boundIn<K extends 'since' | 'until'>(
  name: K,
  text: string | undefined,
  days: number,
): { [P in K]?: number } {
  if (text === undefined || text === '') return {}
  const isDay = text.length === 10
  const at = isDay ? dayIn(text) : timeIn(text)
  if (at === null) throw invalid(`invalid date: ${text.slice(0, 40)}`)
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
