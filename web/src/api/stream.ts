/**
 * A stream of the server, held open for as long as it is wanted: taken up again after every break, at
 * first at once and then less and less often, and at once when the network or the person is back.
 */

import { call, Refusal } from './client.ts'
import { session } from './session.ts'
import { readSse, type SseFrame } from './sse.ts'

export interface Line {
  /** Asked before each connection: it says where to go on. */
  path(): string
  opened(): void
  take(frames: SseFrame[]): void
  /** The connection is over; it is tried again. */
  lost(why: Refusal | null): void
  /** It is over and of no use to try again. */
  gone(why: Refusal): void
  /** It is let go while the tab is hidden for long: a browser has six connections to a server. */
  isForEyes?: boolean
}

export interface Hold {
  stop(): void
  /** Everything that was stored has come: the next break is a new one. */
  settled(): void
}

/** The server says something at least every 15 s. */
const SILENCE_MS = 40_000
const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 5_000
const HIDDEN_MS = 20_000

export function hold(line: Line): Hold {
  const over = new AbortController()
  let waitMs = FIRST_WAIT_MS
  const run = async () => {
    while (!over.signal.aborted) {
      let why: Refusal | null = null
      try {
        if (line.isForEyes) await seen(over.signal)
        if (over.signal.aborted) return
        await connect(line, over.signal)
      } catch (error) {
        why = error instanceof Refusal ? error : null
      }
      if (over.signal.aborted) return
      if (line.isForEyes && isHidden() && !why) continue
      if (why && isFinal(why)) return line.gone(why)
      line.lost(why)
      await pause(waitMs, over.signal)
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)
    }
  }
  void run()
  return {
    stop: () => over.abort(),
    settled() {
      waitMs = FIRST_WAIT_MS
    },
  }
}

/** It is not there, or a person must say who they are first. */
const isFinal = ({ status }: Refusal): boolean => status === 404 || status === 401 || status === 403

/** One connection, until it ends. */
async function connect(line: Line, over: AbortSignal): Promise<void> {
  const cut = new AbortController()
  const stop = () => cut.abort()
  over.addEventListener('abort', stop)
  let alarm = setTimeout(stop, SILENCE_MS)
  const watchful = line.isForEyes ? whenHidden(stop) : () => {}
  try {
    const headers = { accept: 'text/event-stream' }
    const response = await call(line.path(), { headers }, { signal: cut.signal })
    line.opened()
    if (!response.body) return
    await readSse(response.body, line.take, () => {
      clearTimeout(alarm)
      alarm = setTimeout(stop, SILENCE_MS)
    })
  } finally {
    clearTimeout(alarm)
    watchful()
    over.removeEventListener('abort', stop)
    cut.abort()
  }
}

/** Ends early when the network comes back, when somebody looks again, or signs in. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms)
    const unlisten = session.listen(done)
    const targets: [EventTarget, string][] = [
      [signal, 'abort'],
      [window, 'online'],
      [document, 'visibilitychange'],
    ]
    for (const [target, name] of targets) target.addEventListener(name, done)
    function done(): void {
      clearTimeout(timer)
      unlisten()
      for (const [target, name] of targets) target.removeEventListener(name, done)
      resolve()
    }
  })
}

const isHidden = (): boolean => document.visibilityState === 'hidden'

/** Resolves when somebody looks at the tab, or nobody wants to know any more. */
function seen(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (isHidden() && !signal.aborted) return
      document.removeEventListener('visibilitychange', look)
      signal.removeEventListener('abort', look)
      resolve()
    }
    document.addEventListener('visibilitychange', look)
    signal.addEventListener('abort', look)
    look()
  })
}

/** Called when the tab has been hidden for long. Returns the way to stop watching. */
function whenHidden(then: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const look = () => {
    clearTimeout(timer)
    if (isHidden()) timer = setTimeout(then, HIDDEN_MS)
  }
  document.addEventListener('visibilitychange', look)
  look()
  return () => {
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', look)
  }
}
