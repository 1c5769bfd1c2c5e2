/** One's own threads, newest first: pages by the time and id of the last one, or by what they say. */

import type { Actor } from '../../kernel/accounts.ts'
import type { Cursor } from '../../kernel/ports.ts'
import type { ThreadRow } from '../../kernel/rows.ts'
import type { Context } from './context.ts'
import { invalid } from './faults.ts'
import { projectsByThread } from './project-record.ts'
import type { ThreadsQuery } from './schema.ts'
import { makerOf, sightFor } from './scope.ts'
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

const PAGE = 200

/** Private ones are passed over; what was made without a user is its account's owner's. */
async function find(
  context: Context,
  actor: Actor,
  { limit, cursor, search }: { limit: number; cursor: Cursor | null; search?: string },
) {
  const { engine, settings } = context
  const hidden = await privateThreads(engine, settings.now())
  const found: ThreadRow[] = []
  const filter = {
    account: actor.account,
    parentThread: null,
    ...((await isOwner(context, actor)) ? {} : { principal: actor.id }),
    ...(search ? { search } : {}),
  }
  for (let before = cursor; found.length < limit; ) {
    const from = before === null ? {} : { before }
    const { items } = await engine.store.threads({ ...filter, ...from, limit: PAGE, offset: 0 })
    for (const row of items)
      if (found.length < limit && !hidden.has(row.id) && (await isOwn(context, actor, row)))
        found.push(row)
    const last = items.at(-1)
    if (!last || items.length < PAGE) break
    before = { at: last.updatedAt, id: last.id }
  }
  const ids = found.map((row) => row.id)
  const projects = await projectsByThread(engine, actor.account, ids)
  return Promise.all(
    found.map(async (row) => {
      const maker = await makerOf(context, row)
      const project = projects.get(row.id) ?? null
      return threadView(row, { maker, isPrivate: false, activeRun: activeRunOf(row), project })
    }),
  )
}

const isOwner = async ({ accounts }: Context, actor: Actor): Promise<boolean> =>
  actor.by === 'server' || (await accounts.ownerOf(actor.account)) === actor.id

const isOwn = async (context: Context, actor: Actor, row: ThreadRow): Promise<boolean> =>
  (await sightFor(context, actor, row)) === 'own'
