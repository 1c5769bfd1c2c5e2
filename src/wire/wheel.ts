/**
 * One timer for every open stream: each is looked at once a turn, at a moment of its own, so that
 * ten thousand idle readers cost neither ten thousand timers nor one long pause.
 */

import type { Goodbye } from './projection.ts'

/** A stream as the wheel sees it. */
export interface Spoke {
  /** Called once a turn. `now` is monotonic milliseconds. */
  tick(now: number): void
  /** The server ends the stream. */
  close(reason: Goodbye): void
}

export interface Wheel {
  /** Returns the way to take the stream off again; doing that twice is harmless. */
  add(spoke: Spoke): () => void
  now(): number
  readonly size: number
  /** Every stream that is open now. */
  all(): Spoke[]
  stop(): void
}

const STEPS = 20

/** The timer runs only while there is something to look at, and never keeps the process alive. */
export function createWheel(turnMs = 1000): Wheel {
  const steps = Array.from({ length: STEPS }, () => new Set<Spoke>())
  let timer: NodeJS.Timeout | null = null
  let at = 0
  let added = 0
  let size = 0

  const turn = () => {
    const now = performance.now()
    at = (at + 1) % STEPS
    for (const spoke of steps[at] as Set<Spoke>) spoke.tick(now)
  }
  const stop = () => {
    if (timer) clearInterval(timer)
    timer = null
  }
  return {
    add(spoke) {
      const step = steps[added++ % STEPS] as Set<Spoke>
      step.add(spoke)
      size++
      timer ??= setInterval(turn, turnMs / STEPS).unref()
      return () => {
        if (!step.delete(spoke)) return
        size--
        if (size === 0) stop()
      }
    },
    now: () => performance.now(),
    get size() {
      return size
    },
    all: () => steps.flatMap((step) => [...step]),
    stop,
  }
}
