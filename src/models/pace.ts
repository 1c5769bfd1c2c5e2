/** Time for models that have none of their own: pauses that end at once when the call is stopped. */

import { setImmediate } from 'node:timers/promises'

/** At once, or when it is known; a promise is made only where something is waited for. */
type Soon = boolean | Promise<boolean>

/** Pauses of one call; the signal ends whichever is going on. True when the time has passed. */
function openPauses(signal: AbortSignal): (ms: number) => Soon {
  let stop: (() => void) | null = null
  // One listener for all pauses of the call: a stream may have thousands.
  signal.addEventListener('abort', () => stop?.(), { once: true })
  return (ms) => {
    if (signal.aborted || ms <= 0) return !signal.aborted
    return new Promise((resolve) => {
      const end = (isOver: boolean): void => {
        stop = null
        resolve(isOver)
      }
      const timer = setTimeout(() => end(true), ms)
      stop = () => {
        clearTimeout(timer)
        end(false)
      }
    })
  }
}

/** Resolves when the signal is aborted. */
export const stopped = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** How many pieces may follow each other before others get a turn. */
const BREATH = 64

/** What times the pieces of a call. Everything answers false once the signal was aborted. */
export interface Pace {
  /**
   * Before each piece, at so many a second. Times are counted from the first piece, so that late
   * timers do not add up; a rate of 0 is as fast as it goes.
   */
  next(): Soon
  pause(ms: number): Soon
}

export function openPace(perSecond: number, signal: AbortSignal): Pace {
  const pause = openPauses(signal)
  let count = 0
  let start = 0
  return {
    pause,
    next() {
      if (signal.aborted) return false
      if (count === 0) start = performance.now()
      const due = perSecond > 0 ? start + (count * 1_000) / perSecond : 0
      count++
      const wait = due - performance.now()
      if (perSecond > 0 && wait > 0) return pause(wait)
      return count % BREATH === 0 ? setImmediate().then(() => !signal.aborted) : true
    },
  }
}

/** A text in words, each with the space behind it. */
export const words = (text: string): string[] => text.match(/\S+\s*|\s+/g) ?? []

/** A text in pieces of so many characters; no piece cuts through one. */
export function pieces(text: string, size: number | undefined): string[] {
  if (size === undefined) return words(text)
  const all = Array.from(text)
  const step = Math.max(1, Math.floor(size))
  const cut: string[] = []
  for (let at = 0; at < all.length; at += step) cut.push(all.slice(at, at + step).join(''))
  return cut
}
