/**
 * What happened in all threads, deltas left out. A cursor is the place of a commit, which every event
 * carries; a frame of the stream is a page, and its id the place of its last commit: whoever comes
 * back with it misses nothing and reads nothing twice.
 */

import type { Event } from '../../kernel/event.ts'
import { isFault } from '../../kernel/fault.ts'
import type { Engine, FeedPage, Principal } from '../../kernel/ports.ts'
import type { Live } from '../../wire/projection.ts'
import { sseFrame } from '../../wire/sse.ts'
import { mayUse } from './desk.ts'
import { bye, HEARTBEAT, OPENING } from './project.ts'

const PAGE = 200

export async function pageOfMilestones(
  engine: Engine,
  principal: Principal,
  { after, limit }: { after: number; limit: number },
) {
  const page = await engine.store.feed(after, limit)
  const items = await createSieve(engine, principal)(page)
  return { items, next: page.cursor, isComplete: page.events.length < limit }
}

export const milestones = (engine: Engine, principal: Principal, after: number): Live => ({
  open(out) {
    out.write(OPENING)
    const sift = createSieve(engine, principal)
    let cursor = after
    let isOver = false
    let isPumping = false
    let isBehind = false
    let isReady = false

    /** Tells everything that is stored beyond the cursor; resolves when there was nothing more. */
    const drain = async () => {
      while (!isOver) {
        const page = await engine.store.feed(cursor, PAGE)
        if (page.cursor === cursor) return
        cursor = page.cursor
        const items = await sift(page)
        if (isOver || items.length === 0) continue
        const isRoom = out.write(sseFrame({ id: cursor, event: 'events', data: items }))
        if (!isRoom) await out.drained()
      }
    }
    const pump = async () => {
      isBehind = true
      if (isPumping) return
      isPumping = true
      try {
        while (isBehind && !isOver) {
          isBehind = false
          await drain()
        }
        if (!isReady && !isOver) out.write(sseFrame({ event: 'ready', data: { cursor } }))
        isReady = true
      } catch {
        if (!isOver) {
          out.write(bye('failed'))
          out.close()
        }
      } finally {
        isPumping = false
      }
    }
    const stops = [engine.onCommit(() => void pump()), engine.store.onAdvance(() => void pump())]
    void pump()
    return () => {
      isOver = true
      for (const stop of stops) stop()
    }
  },
  goodbye: bye,
  heartbeat: HEARTBEAT,
})

type Placed = Event & { pos: number }

/** Leaves the events of threads that the caller may know of. */
function createSieve(engine: Engine, principal: Principal) {
  const known = new Map<string, boolean>()
  const mayRead = async (thread: string): Promise<boolean> => {
    const before = known.get(thread)
    if (before !== undefined) return before
    if (known.size > 10_000) known.clear()
    const row = await engine.store.thread(thread).catch((error) => {
      if (isFault(error)) return null
      throw error
    })
    const may = row !== null && mayUse(principal, row.account)
    known.set(thread, may)
    return may
  }
  return async ({ events, places }: Pick<FeedPage, 'events' | 'places'>): Promise<Placed[]> => {
    const kept: Placed[] = []
    for (const [i, event] of events.entries())
      if (await mayRead(event.thread)) kept.push({ ...event, pos: places[i] as number })
    return kept
  }
}
