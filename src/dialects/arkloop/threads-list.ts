/** One's own threads, newest first: pages by the time and id of the last one, or by what they say. */

import type { Actor } from '../../kernel/accounts.ts'
import type { ThreadRow } from '../../kernel/rows.ts'
import type { Context } from './context.ts'
import { invalid } from './faults.ts'
import { projectsByThread } from './project-record.ts'
import type { ThreadsQuery } from './schema.ts'
import { makerOf, sightFor } from './scope.ts'
import { activeRunOf, privateThreads, threadView } from './thread-view.ts'

interface Cursor {
  at: number
  id: string
}

export async function listThreads(context: Context, actor: Actor, query: ThreadsQuery) {
  return find(context, actor, { limit: query.limit ?? 50, cursor: cursorOf(query) })
}

export const searchThreads = (
  context: Context,
  actor: Actor,
  query: { q: string; limit: number | undefined },
) => find(context, actor, { limit: query.limit ?? 50, cursor: null, search: query.q.trim() })

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

/** Other people's threads of the account and private ones are passed over. */
async function find(
  context: Context,
  actor: Actor,
  { limit, cursor, search }: { limit: number; cursor: Cursor | null; search?: string },
) {
  const { engine, settings } = context
  const hidden = await privateThreads(engine, settings.now())
  const found: ThreadRow[] = []
  const filter = { account: actor.account, parentThread: null, ...(search ? { search } : {}) }
  for (let offset = 0; found.length < limit; offset += PAGE) {
    const { items } = await engine.store.threads({ ...filter, limit: PAGE, offset })
    for (const row of items) {
      if (found.length >= limit) break
      if (hidden.has(row.id) || (cursor && !isAfter(row, cursor))) continue
      if ((await sightFor(context, actor, row)) === 'own') found.push(row)
    }
    if (items.length < PAGE) break
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

/** Clients page by the time of making, and mean the same order. */
const isAfter = (row: ThreadRow, { at, id }: Cursor): boolean =>
  row.updatedAt < at || (row.updatedAt === at && row.id < id)
