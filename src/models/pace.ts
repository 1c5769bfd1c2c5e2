/** Time for models that have none of their own: pauses that end at once when the call is stopped. */

import { setImmediate, setTimeout } from 'node:timers/promises'

/** True when the time has passed, false when the signal was aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false
  if (ms <= 0) return true
  try {
    await setTimeout(ms, undefined, { signal })
    return true
  } catch {
    return false
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

/**
 * Keeps a rate. Times are counted from the first piece, so that late timers do not add up; a rate
 * of 0 is as fast as it goes. `next` answers false when the signal was aborted.
 */
export function openPace(perSecond: number, signal: AbortSignal): { next(): Promise<boolean> } {
  let count = 0
  let start = 0
  return {
    async next() {
      if (signal.aborted) return false
      if (count === 0) start = performance.now()
      const due = perSecond > 0 ? start + (count * 1_000) / perSecond : 0
      count++
      const wait = due - performance.now()
      if (perSecond > 0 && wait > 0) return pause(wait, signal)
      if (count % BREATH === 0) await setImmediate()
      return !signal.aborted
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
