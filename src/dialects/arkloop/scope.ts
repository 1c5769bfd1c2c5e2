/**
 * What a caller may use, found by the ids it sends. Another account's thing is as unknown as one that
 * does not exist; a colleague's is known, and refused.
 */

import { type Actor, type Sight, sightOf } from '../../kernel/accounts.ts'
import { Fault, isFault } from '../../kernel/fault.ts'
import { isUuid } from '../../kernel/id.ts'
import type { RunRow, ThreadRow } from '../../kernel/rows.ts'
import type { Thread } from '../../kernel/thread.ts'
import type { Context } from './context.ts'
import { denied, invalid, notFound } from './faults.ts'
import { uuidIn } from './id.ts'
import { isOpenToAccount, projectOf } from './project-record.ts'

const noThread = () => notFound('threads.not_found', 'thread')
export const noRun = () => notFound('runs.not_found', 'run')
export const noMessage = () => notFound('messages.not_found', 'message')

export function idIn(path: Record<string, string>, name: string): string {
  const id = uuidIn(path[name])
  if (id === null) throw invalid(`invalid ${name}_id`)
  return id
}

/** A path with an action that is only posted to, or that there is not. */
export function refuseAction(text: string | undefined, posted: readonly string[]): void {
  const action = /:(.*)$/s.exec(text ?? '')?.[1]
  if (action === undefined) return
  if (!posted.includes(action)) throw new Fault('not_found', 'Not Found', { route: true })
  throw new Fault('unsupported', 'Method Not Allowed', { method: true, allow: ['POST', 'OPTIONS'] })
}

export async function threadOf(
  context: Context,
  actor: Actor,
  id: string,
  action: string,
): Promise<Thread> {
  const thread = await threadIfAny(context, id)
  if (!thread) throw noThread()
  const thing = { account: thread.account, principal: thread.origin.principal }
  refuseOthers(await sightFor(context, actor, thing), action)
  return thread
}

/** As `threadOf`, where no more is needed of the thread than whose it is. */
export async function demandOwn(
  context: Context,
  actor: Actor,
  id: string,
  action: string,
): Promise<void> {
  const { sight } = await look(context, actor, id)
  refuseOthers(sight, action)
}

/** As the owner's, and those that a project opens to the account. */
export async function readable(
  context: Context,
  actor: Actor,
  id: string,
  action: string,
): Promise<ThreadRow> {
  const { row, sight } = await look(context, actor, id)
  if (sight === 'colleague') {
    const project = await projectOf(context.engine, row)
    if (project && isOpenToAccount(project)) return row
  }
  refuseOthers(sight, action)
  return row
}

async function look(
  context: Context,
  actor: Actor,
  id: string,
): Promise<{ row: ThreadRow; sight: Sight }> {
  const row = await context.engine.store.thread(id)
  if (!row) throw noThread()
  return { row, sight: await sightFor(context, actor, row) }
}

/** Another account's thread is as unknown as none; a colleague's is known, and not shown. */
function refuseOthers(sight: Sight, action: string): void {
  if (sight === 'foreign') throw noThread()
  if (sight === 'colleague') throw denied(action)
}

export async function threadIfAny({ engine }: Context, id: string): Promise<Thread | null> {
  try {
    return await engine.thread(id)
  } catch (error) {
    if (isFault(error) && error.code === 'not_found') return null
    throw error
  }
}

/** Who administers the platform sees the runs of colleagues too, and no other account's. */
export async function runOf(
  context: Context,
  actor: Actor,
  id: string,
  action: string,
): Promise<RunRow> {
  const run = await context.engine.store.run(id)
  if (!run) throw noRun()
  const sight = await sightFor(context, actor, run)
  if (sight === 'foreign') throw noRun()
  if (sight === 'colleague' && !actor.permissions.has('platform.admin')) throw denied(action)
  return run
}

type Thing = Pick<ThreadRow, 'account' | 'principal'>

/** Who owns the account matters only for what was made without a user. */
async function sightFor({ accounts }: Context, actor: Actor, thing: Thing): Promise<Sight> {
  const isNobodys = thing.account === actor.account && !isUuid(thing.principal)
  return sightOf(actor, thing, isNobodys ? await accounts.ownerOf(thing.account) : null)
}

/** The user who made a thing: the account's owner for what was made without one. */
export const makerOf = async ({ accounts }: Context, thing: Thing): Promise<string | null> =>
  makerIn(thing, isUuid(thing.principal) ? null : await accounts.ownerOf(thing.account))

/** The same where the account's owner is known. */
export const makerIn = ({ principal }: Pick<Thing, 'principal'>, owner: string | null) =>
  isUuid(principal) ? principal : owner
