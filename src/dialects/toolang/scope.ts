/**
 * What a caller may know of, found by the ids it uses. A thread of another account is as unknown as
 * one that does not exist, and so is a thread under another dress than its own.
 */

import type { Fault } from '../../kernel/fault.ts'
import type { Principal } from '../../kernel/ports.ts'
import type { RunRow, ThreadRow } from '../../kernel/rows.ts'
import { type Context, mayUse } from './context.ts'
import { detail } from './faults.ts'
import { runUuid, threadId, threadUuid } from './id.ts'
import type { Reckoning } from './journal.ts'
import { collect, type Place, type Tale } from './record.ts'
import type { Sketch } from './sketch.ts'
import { emptyTelling, type Telling, type Told } from './telling.ts'

export interface FoundThread {
  row: ThreadRow
  at: Reckoning
}

export async function threadIfAny(
  { engine, journal }: Context,
  who: Principal,
  id: string,
): Promise<FoundThread | null> {
  const uuid = threadUuid(id)
  const row = uuid === null ? null : await engine.store.thread(uuid)
  if (!row || !mayUse(who, row.account)) return null
  const at = await journal.reckon(row.id, row.seq)
  return threadId(at.kind, row.id) === id ? { row, at } : null
}

export async function threadOf(context: Context, who: Principal, id: string): Promise<FoundThread> {
  const found = await threadIfAny(context, who, id)
  if (found) return found
  throw detail('not_found', `thread not found: ${id}`)
}

export interface FoundRun {
  row: RunRow
  at: Reckoning
  run: Sketch
  place: Place
}

const noRun = (id: string): Fault => detail('not_found', `run not found: ${id}`)

export async function runOf(context: Context, who: Principal, id: string): Promise<FoundRun> {
  const uuid = runUuid(id)
  const row = uuid === null ? null : await context.engine.store.run(uuid)
  if (!row || !mayUse(who, row.account)) throw noRun(id)
  return lookUp(context, row, id)
}

async function lookUp(context: Context, row: RunRow, id: string): Promise<FoundRun> {
  const { engine, journal } = context
  const thread = await engine.store.thread(row.thread)
  const at = await journal.reckon(row.thread, Math.max(thread?.seq ?? 0, row.lastSeq))
  const run = at.run(row.id)
  if (!run) throw noRun(id)
  return { row, at, run, place: { kind: at.kind, thread: row.thread } }
}

/** The fold right before the run: enough to tell the run with its own numbers. */
export const beforeRun = ({ kind, thread }: Place, { firstSeq }: Sketch) => ({
  seq: firstSeq - 1,
  state: { ...emptyTelling(thread), kind } satisfies Telling,
})

/** Everything the run has told up to now. */
export async function toldOf(context: Context, found: Omit<FoundRun, 'row'>): Promise<Told[]> {
  const { run, place, at } = found
  const told: Told[] = []
  for await (const one of context.journal.told(place.thread, beforeRun(place, run), at.seq)) {
    if (one.run === run.id && one.runCursor > 0) told.push(one)
    if (one.run === run.id && one.type === 'run_end') break
  }
  return told
}

export const taleOf = async (context: Context, found: Omit<FoundRun, 'row'>): Promise<Tale> =>
  collect(await toldOf(context, found))
