/** Threads as this API tells them, and what is known of them beside the log: privacy and stars. */

import type { Engine } from '../../kernel/ports.ts'
import type { ThreadRow } from '../../kernel/rows.ts'
import { accountId, iso } from './id.ts'

const PRIVATE = 'arkloop.private'
const STAR = 'arkloop.star'

const PRIVATE_MS = 24 * 3_600_000

export interface ThreadFacts {
  maker: string | null
  isPrivate: boolean
  activeRun: string | null
  project: string | null
}

export const threadView = (
  row: ThreadRow,
  { maker, isPrivate, activeRun, project }: ThreadFacts,
) => ({
  id: row.id,
  account_id: accountId(row.account),
  org_id: accountId(row.account),
  created_by_user_id: maker,
  title: row.title,
  ...(project === null ? {} : { project_id: project }),
  created_at: iso(row.openedAt),
  updated_at: iso(row.updatedAt),
  active_run_id: activeRun,
  is_private: isPrivate,
  ...(row.parentThread === null ? {} : { parent_thread_id: row.parentThread }),
})

/** Only a run that goes on; one that is being ended is none. */
export const activeRunOf = (row: ThreadRow): string | null =>
  row.status === 'running' || row.status === 'waiting' ? row.activeRun : null

export async function markPrivate(engine: Engine, thread: string, now: number): Promise<void> {
  const body = { expiresAt: now + PRIVATE_MS }
  await engine.store.put({ kind: PRIVATE, key: `${thread}/private`, body })
}

export const isPrivate = async (engine: Engine, thread: string): Promise<boolean> =>
  (await engine.store.get(PRIVATE, `${thread}/private`)) !== null

/** All private threads there are. Those whose day is over are erased on this occasion. */
export async function privateThreads(engine: Engine, now: number): Promise<Set<string>> {
  const kept = await engine.store.list(PRIVATE)
  const ids = new Set<string>()
  for (const { key, body } of kept) {
    const id = key.slice(0, key.indexOf('/'))
    ids.add(id)
    // Nobody waits for it, and what fails is tried again at the next list.
    if ((body as { expiresAt: number }).expiresAt <= now) engine.erase(id).catch(() => {})
  }
  return ids
}

export const star = (engine: Engine, user: string, thread: string): Promise<void> =>
  engine.store.put({ kind: STAR, key: `${user}/${thread}`, body: {} })

export const unstar = (engine: Engine, user: string, thread: string): Promise<void> =>
  engine.store.drop(STAR, `${user}/${thread}`)

export const isStarred = async (engine: Engine, user: string, thread: string): Promise<boolean> =>
  (await engine.store.get(STAR, `${user}/${thread}`)) !== null

export async function starred(engine: Engine, user: string): Promise<string[]> {
  const kept = await engine.store.list(STAR, `${user}/`)
  return kept.map(({ key }) => key.slice(key.indexOf('/') + 1))
}
