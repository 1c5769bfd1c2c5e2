/**
 * Follows a thread's log for as long as somebody looks at it. Events are told in the order of their
 * seq, each exactly once: a lost connection is taken up again behind the last one that was told, and
 * what comes twice or too early is not told at all.
 */

import { call, Refusal } from './client.ts'
import { session } from './session.ts'
import { readSse, type SseFrame } from './sse.ts'
import type { Event } from './types.ts'

/** `reading`: what is stored is still coming. `live`: from here on it comes as it happens. */
export type Connection = 'reading' | 'live' | 'lost' | 'gone'

export interface Ears {
  tell(events: Event[]): void
  changed(connection: Connection, why: Refusal | null): void
}

/** The server says something at least every 15 s. */
const SILENCE_MS = 40_000
const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 5_000

/** Returns the way to stop. */
export function follow(thread: string, after: number, ears: Ears): () => void {
  const over = new AbortController()
  void run(thread, after, ears, over.signal)
  return () => over.abort()
}

async function run(thread: string, after: number, ears: Ears, over: AbortSignal): Promise<void> {
  let cursor = after
  let waitMs = FIRST_WAIT_MS
  while (!over.aborted) {
    let why: Refusal | null = null
    try {
      await connect(thread, cursor, over, {
        opened: () => ears.changed('reading', null),
        take(frames) {
          const events: Event[] = []
          for (const frame of frames) {
            if (frame.event === 'ready') {
              tell(events.splice(0))
              waitMs = FIRST_WAIT_MS
              ears.changed('live', null)
            } else if (frame.id !== null) events.push(JSON.parse(frame.data) as Event)
          }
          tell(events)
        },
      })
    } catch (error) {
      why = error instanceof Refusal ? error : null
    }
    if (over.aborted) return
    if (why && isFinal(why)) return ears.changed('gone', why)
    ears.changed('lost', why)
    await pause(waitMs, over)
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)
  }

  /** Throws away what was told before; a gap is a connection that cannot be trusted. */
  function tell(events: Event[]): void {
    const fresh = events.filter((event) => event.seq > cursor)
    for (const [i, event] of fresh.entries())
      if (event.seq !== cursor + i + 1) throw new Error(`event ${event.seq} after ${cursor + i}`)
    if (fresh.length === 0) return
    cursor += fresh.length
    ears.tell(fresh)
  }
}

/** Coming back would be of no use: it is not there, or a person must say who they are first. */
const isFinal = ({ status }: Refusal): boolean => status === 404 || status === 401 || status === 403

interface Line {
  opened(): void
  take(frames: SseFrame[]): void
}

/** One connection, until it ends. */
async function connect(
  thread: string,
  cursor: number,
  over: AbortSignal,
  line: Line,
): Promise<void> {
  const cut = new AbortController()
  const stop = () => cut.abort()
  over.addEventListener('abort', stop)
  let alarm = setTimeout(stop, SILENCE_MS)
  try {
    const path = `/threads/${encodeURIComponent(thread)}/stream?after=${cursor}`
    const headers = { accept: 'text/event-stream' }
    const response = await call(path, { headers }, { signal: cut.signal })
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
