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
let isGathering = false

/** Called some time after something has happened, and when the server is lost or found again. */
export function onNews(listener: () => void): () => void {
  listeners.add(listener)
  stop ??= open()
  return () => {
    listeners.delete(listener)
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
  if (isGathering) return
  isGathering = true
  setTimeout(() => {
    isGathering = false
    for (const listener of listeners) listener()
  }, GATHER_MS)
}
