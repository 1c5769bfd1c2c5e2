/**
 * Clotho's events of a chat, as a fold over the kernel's: which run is going on, how each wants to be
 * told, and how it ends. What happens inside of a run is in `reply.ts`.
 */

import type { Event, EventOf } from '../../kernel/event.ts'
import type { Projection } from '../../wire/projection.ts'
import { cancelled, complete, runFailed, type Said, stopReason, type Told } from './payload.ts'
import { type Active, advance, begin, type Manner, release } from './reply.ts'

export interface Telling {
  /** Runs that have not ended: how each is to be told. */
  runs: Record<string, Manner>
  active: Active | null
}

export const projection: Projection<Telling, Told> = {
  open: () => ({ runs: {}, active: null }),
  tell(state, event) {
    const [next, frames] = step(state, event)
    const run = event.run ?? ''
    const { at, seq } = event
    const told = frames.map(({ type, data, ask }): Told => ({ type, data, at, run, seq, ask }))
    return [next, told]
  },
}

type Step = [Telling, Said[]]

function step(state: Telling, event: Event): Step {
  switch (event.type) {
    case 'run.created': {
      const manner = { isStreamed: isStreamed(event), isSilent: event.data.kind === 'compact' }
      return [{ ...state, runs: { ...state.runs, [event.run ?? '']: manner } }, []]
    }
    case 'run.started':
      return [{ ...state, active: start(state, event) }, []]
    case 'run.ended':
      return end(state, event)
    case 'thread.opened':
    case 'thread.changed':
    case 'thread.rewound':
    case 'run.edited':
    case 'run.moved':
    case 'run.steered':
    case 'run.cancelling':
    case 'note':
      return [state, []]
    default: {
      const { active } = state
      if (!active || active.run !== event.run || active.isSilent) return [state, []]
      const [next, frames] = advance(active, event)
      return [next === active ? state : { ...state, active: next }, frames]
    }
  }
}

const start = ({ runs }: Telling, { run, data }: EventOf<'run.started'>): Active => {
  const id = run ?? ''
  return begin(id, data.model, runs[id] ?? { isStreamed: true, isSilent: false })
}

/** The hint is this dialect's own; everybody else's runs are streamed. */
function isStreamed({ data }: EventOf<'run.created'>): boolean {
  const { dialect, hints } = data.origin
  if (dialect !== 'clotho' || typeof hints !== 'object' || hints === null) return true
  return Array.isArray(hints) || hints.stream !== false
}

function end(state: Telling, event: EventOf<'run.ended'>): Step {
  const { [event.run ?? '']: manner, ...runs } = state.runs
  const active = state.active?.run === event.run ? state.active : null
  const next = { runs, active: active ? null : state.active }
  if (manner?.isSilent || active?.isSilent) return [next, []]
  if (!active) return [next, cancelled(null)]
  return [next, [...release(active), ...ending(active, event.data)]]
}

function ending(active: Active, { outcome, stop, trouble }: EventOf<'run.ended'>['data']): Said[] {
  switch (outcome) {
    case 'completed':
      return [complete(active, stopReason(stop))]
    case 'cancelled':
      return cancelled(active)
    case 'failed':
      return [runFailed(trouble?.message ?? 'The run failed.')]
  }
}
