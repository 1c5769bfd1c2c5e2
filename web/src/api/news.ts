/**
 * That something has happened, anywhere on the server: lists are loaded again when it does and not
 * before. One stream serves every list of every tab, because a browser has six connections to a
 * server and no more: one tab reads it and tells the others.
 */

import { hold } from './stream.ts'

const NAME = 'manifold.news'

const listeners = new Set<() => void>()
const others = new BroadcastChannel(NAME)
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

/**
 * Waits for its turn to read the news; till then another tab tells what it reads. A tab that somebody
 * comes back to takes the turn: one that nobody sees may have been put to sleep with it.
 */
function open(): () => void {
  let turn = new AbortController()
  let isReading = false
  const wait = (isUrgent: boolean) => {
    const mine = new AbortController()
    const { signal } = mine
    turn = mine
    isReading = false
    const begin = () => {
      isReading = true
      return read(signal)
    }
    const asked = isUrgent ? { steal: true } : { signal }
    navigator.locks.request(NAME, asked, begin).catch(() => {
      if (turn !== mine || signal.aborted) return
      mine.abort()
      wait(false)
    })
  }
  const look = () => {
    if (document.visibilityState === 'hidden' || isReading) return
    turn.abort()
    wait(true)
  }
  wait(false)
  document.addEventListener('visibilitychange', look)
  return () => {
    document.removeEventListener('visibilitychange', look)
    turn.abort()
  }
}

/** Resolves when this tab cannot or need not read any longer. */
function read(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const pass = () => {
      for (const hear of listeners) hear()
      others.postMessage(cursor)
    }
    const { stop, settled } = hold({
      path: () => `/events?after=${cursor ?? 'latest'}`,
      opened: () => {},
      take(frames) {
        for (const { id, event } of frames) {
          cursor = id ?? cursor
          if (event === 'ready') settled()
        }
        pass()
      },
      lost: pass,
      // A list that asks for itself is told why.
      gone() {
        pass()
        resolve()
      },
    })
    signal.addEventListener('abort', () => {
      stop()
      resolve()
    })
  })
}

others.onmessage = ({ data }: MessageEvent<string | null>) => {
  cursor = data
  for (const hear of listeners) hear()
}
