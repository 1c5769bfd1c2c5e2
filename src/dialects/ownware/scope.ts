/**
 * What a caller may know of, found by the ids it uses. A thread of another account is as unknown as
 * one that does not exist.
 */

import { Fault, isFault } from '../../kernel/fault.ts'
import type { Engine, Principal } from '../../kernel/ports.ts'
import type { RunRow, ThreadRow } from '../../kernel/rows.ts'
import type { OpenAsk } from '../../kernel/run.ts'
import { emptyThread, type Thread } from '../../kernel/thread.ts'
import { refusal } from './faults.ts'
import { agentUuid, ROOT, runUuid, threadUuid } from './id.ts'
import { type PermissionRequest, requestsOf } from './permission.ts'

export const noThread = (id: string): Fault => new Fault('not_found', `Thread "${id}" not found`)

export const noProfile = (id: string): Fault =>
  new Fault('unknown_agent', `Profile "${id}" not found`)

export async function threadOf(engine: Engine, who: Principal, id: string): Promise<Thread> {
  const uuid = threadUuid(id)
  const thread = uuid === null ? null : await threadIfAny(engine, uuid)
  if (!thread || thread.account !== who.account) throw noThread(id)
  return thread
}

async function threadIfAny(engine: Engine, uuid: string): Promise<Thread | null> {
  try {
    return await engine.thread(uuid)
  } catch (error) {
    if (isFault(error) && error.code === 'not_found') return null
    throw error
  }
}

export async function runOf(engine: Engine, who: Principal, id: string): Promise<RunRow> {
  const uuid = runUuid(id)
  const run = uuid === null ? null : await engine.store.run(uuid)
  if (!run || run.account !== who.account)
    throw refusal('not_found', 'run_not_found', `Run "${id}" not found`)
  return run
}

/**
 * The thread that an agent of `thread` speaks in; null when it has no such agent. One that was
 * announced and has not begun yet is an empty thread: whoever heard of it may listen already.
 */
export async function agentThread(
  engine: Engine,
  thread: Thread,
  agent: string,
): Promise<Thread | null> {
  if (agent === ROOT) return thread
  const uuid = agentUuid(agent)
  if (uuid === null) return null
  const found = await threadIfAny(engine, uuid)
  if (!found) return (await isAnnounced(engine, thread, uuid)) ? emptyThread(uuid) : null
  for (let t: Thread | null = found; t !== null; t = await parentOf(engine, t))
    if (t.parent?.thread === thread.id) return found
  return null
}

const parentOf = async (engine: Engine, { parent }: Thread): Promise<Thread | null> =>
  parent ? await threadIfAny(engine, parent.thread) : null

async function isAnnounced(engine: Engine, thread: Thread, uuid: string): Promise<boolean> {
  const working = workingFor(thread)
  if (working.includes(uuid)) return true
  const children = await Promise.all(working.map((id) => threadIfAny(engine, id)))
  const below = children.map((child) => child && isAnnounced(engine, child, uuid))
  return (await Promise.all(below)).includes(true)
}

/** Threads of the sub-agents that the active run waits for. */
const workingFor = ({ active }: Thread): string[] =>
  (active?.turn?.calls ?? []).flatMap((c) => (c.child && !c.child.ended ? [c.child.thread] : []))

/** All agents that ever worked below a thread, parents before their children. */
export async function descendants(engine: Engine, thread: string): Promise<ThreadRow[]> {
  const found: ThreadRow[] = []
  const parents = [thread]
  for (let parent = parents.shift(); parent !== undefined; parent = parents.shift()) {
    const { items } = await engine.store.threads({ parentThread: parent, limit: 1000, offset: 0 })
    found.push(...items)
    parents.push(...items.map((t) => t.id))
  }
  return found
}

export interface Pending {
  thread: string
  ask: OpenAsk
  request: PermissionRequest
}

/** What a client of the thread has been shown and nobody has answered: of each agent one request. */
export async function pendingIn(engine: Engine, thread: Thread): Promise<Pending[]> {
  const working = await Promise.all(workingFor(thread).map((id) => threadIfAny(engine, id)))
  const below = await Promise.all(working.map((child) => (child ? pendingIn(engine, child) : [])))
  return [...waitingIn(thread).slice(0, 1), ...below.flat()]
}

const waitingIn = ({ id, active: run }: Thread): Pending[] =>
  (run?.asks ?? []).flatMap((ask) =>
    requestsOf(ask.ask, ask.body)
      .filter((request) => ask.open.includes(request.call))
      .map((request) => ({ thread: id, ask, request })),
  )
