/**
 * That something has happened, anywhere on the server: lists are loaded again when it does and not
 * before. One stream serves every list of the tab, and is open while there is one.
 */

import { hold } from './stream.ts'

const listeners = new Set<() => void>()
/** What happens in one breath is one piece of news. */
const GATHER_MS = 150

let stop: (() => void) | null = null
let cursor: string | null = null

/**
 * Called some time after something has happened, and when the server is lost or found again; then not
 * again for as long as the listener rests.
 */
export function onNews(listener: () => void, restMs: number): () => void {
  let timer: ReturnType<typeof setTimeout> | null = null
  let toldAt = Number.NEGATIVE_INFINITY
  const hear = () => {
    const waitMs = Math.max(GATHER_MS, toldAt + restMs - performance.now())
    timer ??= setTimeout(() => {
      timer = null
      toldAt = performance.now()
      listener()
    }, waitMs)
  }
  listeners.add(hear)
  stop ??= open()
  return () => {
    if (timer) clearTimeout(timer)
    listeners.delete(hear)
    if (listeners.size > 0) return
    stop?.()
    stop = null
    cursor = null
  }
}

function open(): () => void {
  const { stop, settled } = hold({
    path: () => `/events?after=${cursor ?? 'latest'}`,
    opened: () => {},
    take(frames) {
      for (const { id, event } of frames) {
        cursor = id ?? cursor
        if (event === 'ready') settled()
      }
      tell()
    },
    lost: tell,
    // A list that asks for itself is told why.
    gone: tell,
  })
  return stop
}

function tell(): void {
  for (const hear of listeners) hear()
}
