/**
 * All runs of an account, as pages: with `offset` an envelope with the total, else a bare array whose
 * last id is the cursor of the next page.
 */

import type { Actor } from '../../kernel/accounts.ts'
import type { Cursor, RunQuery } from '../../kernel/ports.ts'
import type { RunRow } from '../../kernel/rows.ts'
import type { RunStatus } from '../../kernel/run.ts'
import type { Reply } from '../../wire/dialect.ts'
import type { Context } from './context.ts'
import { invalid, refusal } from './faults.ts'
import { accountOfId, uuidIn } from './id.ts'
import { json } from './row.ts'
import { listItem, statusOf } from './run-view.ts'
import { type RunsQuery, timeIn } from './schema.ts'
import { makerIn } from './scope.ts'

export async function listRuns(context: Context, actor: Actor, query: RunsQuery): Promise<Reply> {
  const account = accountFor(actor, query)
  const cursor = await cursorOf(context, account, query.before)
  const owner = await context.accounts.ownerOf(account)
  const { rows, total } = await find({ context, account, owner, query, cursor })
  const data = await itemsOf(context, rows, owner)
  if (query.offset !== undefined) return json({ data, total })
  const reply = json(data)
  return { ...reply, headers: { ...reply.headers, 'x-total-count': String(total) } }
}

/** One's own account, or for who administers the platform the one that is named. */
function accountFor(actor: Actor, query: RunsQuery): string {
  const isPlatform = actor.permissions.has('platform.admin')
  const refused = refusal('forbidden', 'auth.forbidden', 'access denied')
  if (query.user_id !== undefined && !isPlatform) throw refused
  if (query.account_id === undefined) return actor.account
  const wanted = accountOfId(query.account_id)
  if (wanted !== actor.account && !isPlatform) throw refused
  return wanted
}

async function cursorOf(
  { engine }: Context,
  account: string,
  before: string | undefined,
): Promise<Cursor | null> {
  const text = before?.trim() ?? ''
  if (text === '') return null
  const id = uuidIn(text)
  const run = id === null ? null : await engine.store.run(id)
  if (run && run.account === account) return { at: run.createdAt, id: run.id }
  const at = timeIn(text)
  if (at === null) throw invalid('invalid before: unknown cursor')
  return { at, id: BEFORE_ALL }
}

/** Of all that was made at a time, it comes first: none of that time is before it. */
const BEFORE_ALL = ''

const PAGE = 500

interface Search {
  context: Context
  account: string
  /** Of the account. */
  owner: string | null
  query: RunsQuery
  cursor: Cursor | null
}

/** What the store can filter it does; the rest is done here, over its pages. */
async function find(search: Search): Promise<{ rows: RunRow[]; total: number }> {
  const { account, query, cursor } = search
  const { store } = search.context.engine
  const coarse = coarseOf(account, query)
  if (coarse === null) return { rows: [], total: 0 }
  const limit = query.limit ?? 50
  const offset = query.offset ?? 0
  const fine = fineOf(search)
  if (!fine) {
    const page = await store.runs({
      ...coarse,
      ...(cursor ? { before: cursor } : {}),
      limit,
      offset,
    })
    return { rows: page.items, total: page.total }
  }
  // The total is over all pages, whatever the cursor.
  const rows: RunRow[] = []
  let total = 0
  let passed = 0
  for (let from: Pick<RunQuery, 'before'> = {}; ; ) {
    const { items } = await store.runs({ ...coarse, ...from, limit: PAGE, offset: 0 })
    for (const run of items) {
      if (!(await fine(run))) continue
      total++
      if (cursor && !isAfter(run, cursor)) continue
      if (passed++ >= offset && rows.length < limit) rows.push(run)
    }
    const last = items.at(-1)
    if (!last || items.length < PAGE) return { rows, total }
    from = { before: { at: last.createdAt, id: last.id } }
  }
}

const isAfter = (run: RunRow, { at, id }: Cursor): boolean =>
  run.createdAt < at || (run.createdAt === at && run.id < id)

type Coarse = Omit<RunQuery, 'limit' | 'offset' | 'before'>

/** Null when nothing can fit. */
function coarseOf(account: string, query: RunsQuery): Coarse | null {
  const status = query.status ? STATUSES.get(query.status) : undefined
  if (query.status && !status) return null
  return {
    account,
    ...(query.thread_id?.length === 36 ? { thread: query.thread_id } : {}),
    ...(query.parent_run_id ? { parentRun: query.parent_run_id } : {}),
    ...(status ? { status } : {}),
    ...(query.since === undefined ? {} : { since: query.since }),
    ...(query.until === undefined ? {} : { until: query.until + 1 }),
  }
}

const STATUSES: ReadonlyMap<string, RunStatus[]> = new Map([
  ['running', ['queued', 'running', 'waiting']],
  ['cancelling', ['cancelling']],
  ['completed', ['completed']],
  ['cancelled', ['cancelled']],
  ['failed', ['failed']],
  ['interrupted', ['failed']],
])

/** Null when the store's own filters say it all. */
function fineOf({ context, owner, query }: Search): ((run: RunRow) => Promise<boolean>) | null {
  const { run_id, thread_id, user_id, status, model, persona_id } = query
  const holds = (text: string | null, part: string): boolean =>
    text?.toLowerCase().includes(part.toLowerCase()) ?? false
  const tests: ((run: RunRow) => boolean | Promise<boolean>)[] = []
  if (run_id) tests.push((r) => r.id.startsWith(run_id))
  if (thread_id && thread_id.length < 36) tests.push((r) => r.thread.startsWith(thread_id))
  if (user_id) tests.push((r) => makerIn(r, owner) === user_id)
  if (status === 'failed' || status === 'interrupted') tests.push((r) => statusOf(r) === status)
  if (model) tests.push((r) => r.startedAt !== null && holds(r.model, model))
  if (persona_id)
    tests.push(async (r) => {
      const hints = await context.hints.of(r)
      return holds(hints?.persona ?? r.agent, persona_id)
    })
  if (tests.length === 0) return null
  return async (run) => {
    for (const test of tests) if (!(await test(run))) return false
    return true
  }
}

/** Who made them is looked up once for all. */
async function itemsOf(context: Context, rows: readonly RunRow[], owner: string | null) {
  const makers = rows.map((run) => makerIn(run, owner)).filter((m) => m !== null)
  const users = await context.accounts.users(makers)
  return Promise.all(
    rows.map(async (run) => {
      const maker = makerIn(run, owner)
      const user = maker === null ? null : (users.get(maker) ?? null)
      const hints = await context.hints.of(run)
      return listItem(run, { catalog: context.engine.catalog, hints, maker, user })
    }),
  )
}
