/** A thread goes whole: its work first, then its children, then all that is kept of it. */

import { Fault } from '../kernel/fault.ts'
import type { Store } from '../kernel/ports.ts'
import type { Drivers } from './drivers.ts'
import type { Leases } from './leases.ts'
import type { Listeners } from './listeners.ts'
import type { LiveThread } from './live.ts'
import type { Readers } from './readers.ts'
import type { Reception } from './reception.ts'
import type { Threads } from './threads.ts'

/** How long the work of a thread that is erased may take to stop. */
const ERASE_MS = 10_000

/** More than any thread has children. */
const ALL = 1_000_000

interface Parts {
  threads: Threads
  reception: Reception
  listeners: Listeners
  drivers: Drivers
  leases: Leases
  readers: Readers
  store: Store
}

export async function eraseThread(parts: Parts, id: string): Promise<void> {
  const { threads, drivers, leases, readers, listeners, store } = parts
  const live = await threads.current(id)
  await endAll(parts, live)
  // Whoever comes from here on finds the thread gone; nothing is made any more that could be left.
  live.retire()
  await drivers.leave(id, ERASE_MS)
  await live.settled()
  await eraseChildren(parts, id)
  await leases.release(live)
  await store.erase(id)
  threads.forget(id)
  readers.end('erased', id)
  listeners.gone(id)
}

async function eraseChildren(parts: Parts, id: string): Promise<void> {
  const { items } = await parts.store.threads({ parentThread: id, limit: ALL, offset: 0 })
  for (const child of items) await unlessRefused(eraseThread(parts, child.id))
}

async function endAll({ reception, listeners }: Parts, live: LiveThread): Promise<void> {
  const { active, queue } = live.state
  if (!active && queue.length === 0) return
  const origin = { dialect: 'engine', principal: 'engine' }
  const reason = 'the thread is erased'
  const command = { do: 'cancel', reason, when: 'now', queue: 'drop', origin } as const
  await unlessRefused(reception.commit(live, [command]))
  const going = live.state.active
  if (going) await listeners.runEnded(live.id, going.id, AbortSignal.timeout(ERASE_MS))
}

/** What is refused is done already, or was never there. */
async function unlessRefused(work: Promise<unknown>): Promise<void> {
  await work.catch((error) => {
    if (!(error instanceof Fault)) throw error
  })
}
