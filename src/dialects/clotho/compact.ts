/** Compaction as one request and one answer: asks for it, and waits until it has been done. */

import type { Event, Origin } from '../../kernel/event.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Engine } from '../../kernel/ports.ts'
import { contextTokens } from '../../kernel/thread.ts'
import { detail, failed } from './faults.ts'
import { figuresOf } from './payload.ts'

export interface Figures {
  tokens_before: number
  tokens_after: number
  turns_removed: number
}

/** The signal ends the waiting, never the compaction. */
export async function compactChat(
  engine: Engine,
  chat: string,
  { origin, signal }: { origin: Origin; signal: AbortSignal },
): Promise<Figures> {
  const tokens = contextTokens(await engine.thread(chat))
  const { run, seq } = await begin(engine, chat, origin)
  const events = await untilEnd(engine, { chat, run, after: seq, signal })
  const done = events.find((e) => e.type === 'context.compacted')
  if (done?.type === 'context.compacted') return figuresOf(done.data)
  const end = events.at(-1)
  if (end?.type === 'run.ended' && end.data.outcome === 'completed')
    return { tokens_before: tokens, tokens_after: tokens, turns_removed: 0 }
  const trouble = end?.type === 'run.ended' ? end.data.trouble : undefined
  throw failed('CompactionError', trouble?.message ?? 'The compaction was cancelled.')
}

async function begin(
  engine: Engine,
  chat: string,
  origin: Origin,
): Promise<{ run: string; seq: number }> {
  try {
    const { run, seq } = await engine.submit(chat, { do: 'compact', origin })
    return { run: run as string, seq }
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'busy') throw error
    throw detail('busy', 'The chat has a turn going on. Wait for it or cancel it, then compact.')
  }
}

/** What the run did, from its beginning to its end. */
function untilEnd(
  engine: Engine,
  { chat, run, after, signal }: { chat: string; run: string; after: number; signal: AbortSignal },
): Promise<Event[]> {
  return new Promise((resolve, reject) => {
    const seen: Event[] = []
    const stop = (then: () => void): void => {
      signal.removeEventListener('abort', gone)
      queueMicrotask(() => reading.close())
      then()
    }
    const gone = (): void =>
      stop(() => reject(new Fault('unavailable', 'The client did not wait for the answer.')))
    const reading = engine.follow({
      thread: chat,
      after,
      tell(events) {
        seen.push(...events.filter((e) => e.run === run))
        if (seen.at(-1)?.type === 'run.ended') stop(() => resolve(seen))
      },
      ended: () =>
        stop(() => reject(new Fault('unavailable', 'The server is stopping. Try again later.'))),
    })
    signal.addEventListener('abort', gone, { once: true })
  })
}
