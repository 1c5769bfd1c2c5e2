/** One's own threads, newest first: pages by the time and id of the last one, or by what they say. */

import { type Actor, sightOf } from '../../kernel/accounts.ts'
import type { Cursor } from '../../kernel/ports.ts'
import type { ThreadRow } from '../../kernel/rows.ts'
import type { Context } from './context.ts'
import { invalid } from './faults.ts'
import { projectsByThread } from './project-record.ts'
import type { ThreadsQuery } from './schema.ts'
import { makerIn } from './scope.ts'
import { activeRunOf, privateThreads, threadView } from './thread-view.ts'

export async function listThreads(context: Context, actor: Actor, query: ThreadsQuery) {
  return find(context, actor, { limit: query.limit ?? 50, cursor: cursorOf(query) })
}

export const searchThreads = (
  context: Context,
  actor: Actor,
  query: { q: string; limit: number | undefined },
) => find(context, actor, { limit: query.limit ?? 50, cursor: null, search: query.q.trim() })

/** Clients page by the time of making, and mean the time of the last change. */
function cursorOf(query: ThreadsQuery): Cursor | null {
  const at = query.before_updated_at ?? query.before_created_at
  const id = query.before_id
  if (at === undefined && id === undefined) return null
  if (at === undefined || id === undefined)
    throw invalid('incomplete cursor', {
      reason: 'cursor_incomplete',
      required: ['before_updated_at', 'before_id'],
    })
  return { at, id }
}

/** Rows that are read at once; among an owner's there are colleagues' that are not shown. */
const PAGE = { least: 50, most: 200 }

/** Private ones are passed over; what was made without a user is its account's owner's. */
async function find(
  { engine, accounts, settings }: Context,
  actor: Actor,
  { limit, cursor, search }: { limit: number; cursor: Cursor | null; search?: string },
) {
  const { account } = actor
  const hidden = await privateThreads(engine, settings.now())
  const owner = await accounts.ownerOf(account)
  const isOwner = actor.by === 'server' || owner === actor.id
  const filter = {
    account,
    parentThread: null,
    ...(isOwner ? {} : { principal: actor.id }),
    ...(search ? { search } : {}),
  }
  const isShown = (row: ThreadRow): boolean =>
    !hidden.has(row.id) && sightOf(actor, row, owner) === 'own'
  const found: ThreadRow[] = []
  const page = Math.min(PAGE.most, Math.max(PAGE.least, limit + hidden.size))
  for (let before = cursor; found.length < limit; ) {
    const from = before === null ? {} : { before }
    const { items } = await engine.store.threads({ ...filter, ...from, limit: page, offset: 0 })
    found.push(...items.filter(isShown).slice(0, limit - found.length))
    const last = items.at(-1)
    if (!last || items.length < page) break
    before = { at: last.updatedAt, id: last.id }
  }
  const ids = found.map((row) => row.id)
  const projects = await projectsByThread(engine, account, ids)
  return found.map((row) =>
    threadView(row, {
      maker: makerIn(row, owner),
      isPrivate: false,
      activeRun: activeRunOf(row),
      project: projects.get(row.id) ?? null,
    }),
  )
}
