/**
 * How a command comes to its end: by itself, by the clock, or by an abort. Whatever the way, nothing
 * that it started is left, and nobody waits for something that does not want to end.
 */

import { type Gated, outputsOf } from './gate.ts'
import type { Walls } from './isolation.ts'
import { descendants, signal, signalGroup, sweep } from './process.ts'

const GRACE_MS = 2_000
/** A process that not even SIGKILL ends is stuck in the kernel. Nobody waits for it. */
const STUCK_MS = 5_000
const DRAIN_MS = 1_000
const MAX_TIMER_MS = 2 ** 31 - 1

export interface Ending {
  /** Why the command was ended, if it was. */
  cause(): 'timeout' | 'aborted' | null
  limit(timeoutMs: number | null): void
  kill(): void
  /** The command itself has ended, or is stuck. */
  gone: Promise<{ code: number | null; signal: string | null }>
  /** Ends what the command left behind. Waits a moment for what was written, never for a process. */
  clear(): Promise<void>
}

export function createEnding(gated: Gated, walls: Walls, abort: AbortSignal | undefined): Ending {
  let cause: 'timeout' | 'aborted' | null = null
  let isGone = false
  let giveUp: () => void = () => {}
  const timers = new Set<NodeJS.Timeout>()
  const later = (ms: number, act: () => void): unknown => timers.add(setTimeout(act, ms))
  const kill = (): void => {
    if (isGone) return
    signalGroup(gated.pid, 'SIGKILL')
    later(STUCK_MS, giveUp)
  }
  const onAbort = (): void => {
    cause ??= 'aborted'
    kill()
  }
  const onTimeout = (): void => {
    cause ??= 'timeout'
    void terminate(gated.pid, walls)
    later(GRACE_MS, kill)
  }
  const stuck = new Promise<{ code: null; signal: null }>((resolve) => {
    giveUp = () => resolve({ code: null, signal: null })
  })
  const gone = Promise.race([gated.ended, stuck]).then((how) => {
    isGone = true
    for (const timer of timers) clearTimeout(timer)
    abort?.removeEventListener('abort', onAbort)
    return how
  })
  abort?.addEventListener('abort', onAbort, { once: true })
  if (abort?.aborted) onAbort()
  let cleared: Promise<void> | null = null
  return {
    cause: () => cause,
    limit: (timeoutMs) => {
      if (timeoutMs !== null && !isGone) later(Math.min(timeoutMs, MAX_TIMER_MS), onTimeout)
    },
    kill,
    gone,
    clear: () => {
      cleared ??= clear(gated, walls)
      return cleared
    },
  }
}

/** In a sandbox the group is only its walls: taking them down would end everything without a word. */
async function terminate(pid: number, walls: Walls): Promise<void> {
  if (walls.mode === 'plain') signalGroup(pid, 'SIGTERM')
  else for (const child of await descendants(pid)) signal(child, 'SIGTERM')
}

async function clear(gated: Gated, walls: Walls): Promise<void> {
  signalGroup(gated.pid, 'SIGKILL')
  if (walls.mode === 'plain' && gated.mark) await sweep(gated.mark)
  const streams = outputsOf(gated.child)
  const closed = Promise.all(
    streams.map((s) => (s.closed ? null : new Promise((resolve) => s.once('close', resolve)))),
  )
  let timer: NodeJS.Timeout | undefined
  const enough = new Promise((resolve) => {
    timer = setTimeout(resolve, DRAIN_MS)
  })
  await Promise.race([closed, enough])
  clearTimeout(timer)
  for (const stream of streams) stream.destroy()
}
