/**
 * What Arkloop's clients read of a thread. Here every run is a stream of its own, so the lens tells
 * all runs that may still say something, each with its own numbering.
 */

import { type Event, isDelta } from '../../kernel/event.ts'
import { lens } from '../../wire/lens.ts'
import { type Frame, writeFrame } from './frame.ts'
import { projectionOf } from './project.ts'
import type { Telling } from './telling.ts'

interface Runs {
  thread: string
  account: string
  /** Those that have not ended, and the last one, in which the thread's own news are told. */
  runs: Record<string, Telling>
}

interface Shown {
  run: string
  frame: Frame
}

export const arkloopLens = lens<Runs, Shown>({
  stream: 'GET /v1/runs/{run_id}/events',
  carrier: 'sse',
  projection: { open: (thread) => ({ thread, account: '', runs: {} }), tell },
  write: ({ run, frame }) => writeFrame(run, frame),
})

function tell(state: Runs, event: Event): [Runs, Shown[]] {
  if (event.type === 'thread.opened') return [{ ...state, account: event.data.account }, []]
  const { thread, account } = state
  const own = event.run === null ? undefined : state.runs[event.run]
  if (own && event.run !== null && isDelta(event.type)) return tellDelta(state, own, event)
  const known = event.type === 'run.created' && event.run !== null ? { [event.run]: null } : {}
  const runs: Record<string, Telling> = {}
  const shown: Shown[] = []
  for (const [run, before] of Object.entries({ ...state.runs, ...known })) {
    const { open, tell } = projectionOf({ run, thread, account })
    const [telling, frames] = tell(before ?? open(thread), event)
    shown.push(...frames.map((frame) => ({ run, frame })))
    if (telling.isCurrent || !telling.isOver) runs[run] = telling
  }
  return [{ thread, account, runs }, shown]
}

/** Words are nearly all there is, and they concern nobody but their run. */
function tellDelta(state: Runs, before: Telling, event: Event): [Runs, Shown[]] {
  const run = event.run ?? ''
  const { thread, account } = state
  const [telling, frames] = projectionOf({ run, thread, account }).tell(before, event)
  const runs = { ...state.runs, [run]: telling }
  return [{ thread, account, runs }, frames.map((frame) => ({ run, frame }))]
}
