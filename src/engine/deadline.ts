/** A step ends when the working time of its run is used up. */

import { workedMs } from '../kernel/next.ts'
import type { Run } from '../kernel/run.ts'
import { activeRun, type Context, type Work } from './context.ts'

/** How often at most the time is looked at. */
const LOOK_MS = 20

/** The longest that a timer can be set for, and more than enough until it is set again. */
const MAX_MS = 2 ** 30

export async function withDeadline(
  { clock }: Context,
  { live, agent }: Work,
  abort: AbortController,
  perform: () => Promise<void>,
): Promise<void> {
  const leftOf = (run: Run): number => agent.limits.wallMs - workedMs(run, clock())
  let timer: NodeJS.Timeout | undefined
  const lookIn = (ms: number): void => {
    timer = setTimeout(look, Math.min(ms, MAX_MS))
  }
  /** Looks again when the time seems over: it stands still while a person is waited for. */
  const look = (): void => {
    const run = live.state.active
    const left = run ? leftOf(run) : 0
    if (run?.waitingSince === null && left <= 0) abort.abort('limit')
    else lookIn(Math.max(LOOK_MS, left))
  }
  lookIn(Math.max(0, leftOf(activeRun(live.state))))
  try {
    await perform()
  } finally {
    clearTimeout(timer)
  }
}
