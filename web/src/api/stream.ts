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

export function hold(line: Line): Hold {
  const over = new AbortController()
  let waitMs = FIRST_WAIT_MS
  const run = async () => {
    while (!over.signal.aborted) {
      let why: Refusal | null = null
      try {
        await connect(line, over.signal)
      } catch (error) {
        why = error instanceof Refusal ? error : null
      }
      if (over.signal.aborted) return
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
