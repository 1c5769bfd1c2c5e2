/** What only closes, in the log, what has come to its end: each a fact and its condition. */

import { decide } from '../../kernel/decide.ts'
import { draft, type Trouble } from '../../kernel/event.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Step } from '../../kernel/next.ts'
import { endRun, unwind } from '../../kernel/unwind.ts'
import { NO_USAGE } from '../../kernel/usage.ts'
import { activeRun, type Context } from '../context.ts'
import type { LiveThread } from '../live.ts'
import { endChildren } from './child.ts'
import { reapCalls } from './tools.ts'

/** An answer that nobody listens to any more: the server that heard it is gone. */
export async function performMend(live: LiveThread): Promise<void> {
  await live.commit(
    (thread) => {
      const run = activeRun(thread)
      if (run.turn?.phase !== 'streaming') return []
      const { index: turn, attempt } = run.turn
      const data = { turn, attempt, cause: 'restart' as const, retryAt: null, usage: NO_USAGE }
      return [draft('turn.interrupted', run.id, data)]
    },
    { isDriver: true },
  )
}

export async function performExpiry(live: LiveThread, ask: string): Promise<void> {
  const origin = { dialect: 'engine', principal: 'engine' }
  await live.commit(
    (thread) => {
      const drafts = decide(thread, { do: 'expire', ask, origin })
      return drafts instanceof Fault ? [] : drafts
    },
    { isDriver: true },
  )
}

export async function performTurnEnd(live: LiveThread): Promise<void> {
  await live.commit(
    (thread) => {
      const run = activeRun(thread)
      return [draft('turn.ended', run.id, { turn: run.turn?.index ?? 0 })]
    },
    { isDriver: true },
  )
}

/** A message that came in at the last moment is not lost: the run goes on with it. */
export async function performEnd(
  live: LiveThread,
  { outcome, stop, trouble }: Extract<Step, { do: 'end' }>,
): Promise<void> {
  await live.commit(
    (thread) => {
      const run = activeRun(thread)
      if (run.cancelling || (outcome === 'completed' && run.steers.length > 0)) return []
      return [endRun(run, outcome, stop, trouble ?? null)]
    },
    { isDriver: true },
  )
}

/** Closes what is open and ends the active run, as cancelled or for the trouble there is. */
export async function performUnwind(
  context: Context,
  live: LiveThread,
  trouble?: Trouble,
): Promise<void> {
  const run = live.state.active
  if (!run) return
  reapCalls(context, run.turn?.calls ?? [])
  const ended = await endChildren(context, live)
  const end = trouble && { outcome: 'failed' as const, stop: 'error', trouble }
  await live.commit(({ active }) => (active?.id === run.id ? unwind(active, ended, end) : []), {
    isDriver: true,
  })
}
