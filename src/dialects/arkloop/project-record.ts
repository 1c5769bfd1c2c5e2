/**
 * Projects of an account: a name that threads can be filed under. In one that is open to the
 * account, colleagues may read each other's threads; nobody else may, whatever it says.
 */

import type { Json } from '../../kernel/part.ts'
import type { Engine } from '../../kernel/ports.ts'
import { accountId, iso } from './id.ts'

const KIND = 'arkloop.project'
const FILED = 'arkloop.filed'

export interface Project {
  id: string
  account: string
  owner: string
  name: string
  description: string | null
  visibility: 'private' | 'team' | 'org'
  createdAt: number
}

export const saveProject = (engine: Engine, project: Project): Promise<void> =>
  engine.store.put({
    kind: KIND,
    key: `${project.account}/${project.id}`,
    body: project as unknown as Json,
  })

export const dropProject = (engine: Engine, { account, id }: Project): Promise<void> =>
  engine.store.drop(KIND, `${account}/${id}`)

export const projectIn = async (
  engine: Engine,
  account: string,
  id: string,
): Promise<Project | null> =>
  (await engine.store.get(KIND, `${account}/${id}`)) as unknown as Project | null

export async function projectsOf(engine: Engine, account: string): Promise<Project[]> {
  const kept = await engine.store.list(KIND, `${account}/`)
  return kept
    .map((d) => d.body as unknown as Project)
    .sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
}

export const projectView = (project: Project) => ({
  id: project.id,
  account_id: accountId(project.account),
  org_id: accountId(project.account),
  owner_user_id: project.owner,
  name: project.name,
  description: project.description,
  visibility: project.visibility,
  created_at: iso(project.createdAt),
})

// ---- what is in them ----------------------------------------------------------------------------

/** Null takes the thread out of its project. */
export const file = (engine: Engine, thread: string, project: string | null): Promise<void> =>
  project === null
    ? engine.store.drop(FILED, `${thread}/project`)
    : engine.store.put({ kind: FILED, key: `${thread}/project`, body: { project } })

/** The project that a thread is in, if there still is one. */
export async function projectOf(
  engine: Engine,
  thread: { id: string; account: string },
): Promise<Project | null> {
  const filed = await engine.store.get(FILED, `${thread.id}/project`)
  if (filed === null) return null
  return projectIn(engine, thread.account, (filed as { project: string }).project)
}

/** The same for many threads of one account; it costs nothing where there are no projects. */
export async function projectsByThread(
  engine: Engine,
  account: string,
  threads: readonly string[],
): Promise<Map<string, string>> {
  const there = new Set((await projectsOf(engine, account)).map((p) => p.id))
  if (there.size === 0) return new Map()
  const filed = await Promise.all(threads.map((id) => engine.store.get(FILED, `${id}/project`)))
  return new Map(
    threads.flatMap((id, i) => {
      const project = (filed[i] as { project: string } | null)?.project
      return project !== undefined && there.has(project) ? [[id, project] as const] : []
    }),
  )
}

export const isOpenToAccount = ({ visibility }: Project): boolean => visibility !== 'private'
