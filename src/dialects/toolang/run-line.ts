/** The lines of the agent's diary that are nowhere written: read from the log of the run. */

import type { Event } from '../../kernel/event.ts'
import type { Json } from '../../kernel/part.ts'
import type { Engine, Principal } from '../../kernel/ports.ts'
import { mayUse } from './context.ts'
import type { Line } from './diary.ts'
import type { Journal } from './journal.ts'
import { projection } from './project.ts'
import { beforeRun } from './scope.ts'

type Fields = Record<string, Json>

/** A run that began or ended, as the agent tells it. */
export async function runLine(
  engine: Engine,
  journal: Journal,
  who: Principal,
  event: Event,
): Promise<Omit<Line, 'cursor'> | null> {
  const wanted = event.type === 'run.started' ? 'run_start' : 'run_end'
  if (event.run === null || (event.type !== 'run.started' && event.type !== 'run.ended'))
    return null
  const row = await engine.store.thread(event.thread)
  if (!row || !mayUse(who, row.account)) return null
  const at = await journal.reckon(event.thread, event.seq)
  const run = at.run(event.run)
  if (!run) return null
  const place = { kind: at.kind, thread: event.thread }
  let state = beforeRun(place, run).state
  if (wanted === 'run_end') {
    const ended = { ...state, runs: { [run.id]: closing(run.cursor) } }
    state = ended
  } else {
    const [created] = await engine.store.read(event.thread, run.firstSeq - 1, 1)
    if (created) state = projection.tell(state, created)[0]
  }
  const told = projection.tell(state, event)[1].find((t) => t.type === wanted)
  if (!told) return null
  const { type, ...payload } = told.payload
  const status: Fields = wanted === 'run_start' ? { status: 'running' } : {}
  return {
    at: event.at,
    type: 'thread_update',
    payload: { ...payload, ...status, type: type ?? wanted },
    update: null,
    account: row.account,
  }
}

/** A run of which only the end is still to be told. */
const closing = (cursor: number) => ({
  ...{ kind: 'message' as const, cursor, parts: [], meta: {}, requestId: null, createdAt: 0 },
  ...{ inputs: 1, step: 0, reads: [], model: null, tools: {}, error: null },
})
