/**
 * What a caller may know of, found by the ids it uses. A session of another account is as unknown as
 * one that does not exist.
 */

import { isFault } from '../../kernel/fault.ts'
import type { Principal } from '../../kernel/ports.ts'
import type { ThreadRow } from '../../kernel/rows.ts'
import type { Thread } from '../../kernel/thread.ts'
import type { Chronicle } from './chronicle.ts'
import type { Context } from './context.ts'
import { noRun, noSession } from './faults.ts'
import { runUuid, sessionUuid } from './id.ts'
import type { RunRecord } from './record.ts'
import type { WorkspaceRecord } from './shelf.ts'

export async function sessionOf(context: Context, who: Principal, id: string): Promise<Thread> {
  const uuid = sessionUuid(id)
  const thread = uuid === null ? null : await threadIfAny(context, uuid)
  if (!thread || thread.account !== who.account) throw noSession(id)
  return thread
}

async function threadIfAny({ engine }: Context, uuid: string): Promise<Thread | null> {
  try {
    return await engine.thread(uuid)
  } catch (error) {
    if (isFault(error) && error.code === 'not_found') return null
    throw error
  }
}

export const chronicleOf = ({ chronicles }: Context, thread: Thread): Promise<Chronicle> =>
  chronicles.read(thread.id, thread.seq)

export interface FoundRun {
  run: RunRecord
  thread: Thread
  chronicle: Chronicle
}

export async function runOf(context: Context, who: Principal, id: string): Promise<FoundRun> {
  const uuid = runUuid(id)
  const row = uuid === null ? null : await context.engine.store.run(uuid)
  const thread = row && row.account === who.account ? await threadIfAny(context, row.thread) : null
  if (!thread) throw noRun(id)
  const chronicle = await chronicleOf(context, thread)
  const run = chronicle.runs.get(uuid as string)
  if (!run) throw noRun(id)
  return { run, thread, chronicle }
}

export const workspaceIdOf = ({ shelf }: Context, root: string): string => shelf.idOf(root)

/** A page of the account's sessions of a workspace, those that changed last first. */
export async function sessionsIn(
  { engine }: Context,
  who: Principal,
  { root }: WorkspaceRecord,
  page: { limit: number; offset: number },
): Promise<ThreadRow[]> {
  const { items } = await engine.store.threads({ account: who.account, workspace: root, ...page })
  return items
}
