/**
 * A schema of its own for a test, and as many engines on it as it wants. Nothing in these tests
 * happens by looking again after a while: the poll is minutes away unless a test asks for another.
 */

import { randomUUID } from 'node:crypto'
import { onTestFinished, vi } from 'vitest'
import type { EngineSettings } from '../../src/engine/index.ts'
import type { Event, EventOf, EventType } from '../../src/kernel/event.ts'
import { openPostgresStore } from '../../src/store/index.ts'
import { openWorld, type World, type WorldOptions } from '../support/world.ts'

export type OpenWorld = (options?: WorldOptions) => Promise<World>

const PATIENT: Partial<EngineSettings> = { pollMs: 600_000, leaseMs: 3_000_000, drainMs: 500 }

/** Settings with which a silent process is soon taken for dead. */
export const QUICK: Partial<EngineSettings> = { pollMs: 50, leaseMs: 1_000 }

/** Opens engines that share one place; all are closed when the test ends. */
export function newPlace(url: string): OpenWorld {
  const schema = `test_${randomUUID().replaceAll('-', '')}`
  return async (options = {}) => {
    const world = await openWorld({
      open: () => openPostgresStore({ url, schema }),
      ...options,
      settings: { ...PATIENT, ...options.settings },
    })
    onTestFinished(() => world.close().catch(() => {}))
    return world
  }
}

/** Comes true by itself, however busy the machine. */
export const eventually = (check: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: 20_000, interval: 20 })

export const words = (n: number): string => Array.from({ length: n }, (_, i) => `w${i} `).join('')

/** Is far from its end when its first words are heard, however busy the machine. */
export const SLOW = [[{ say: words(100), everyMs: 5 }, { pause: 2_000 }, { say: 'end' }]]

export const only = <T extends EventType>(events: Event[], type: T): EventOf<T>[] =>
  events.filter((e) => e.type === type) as EventOf<T>[]

/** Everything that a reader is told, as it comes. */
export function hear(world: World, thread: string, after = 0): Event[] {
  const told: Event[] = []
  const reader = world.engine.follow({ thread, after, tell: (events) => void told.push(...events) })
  onTestFinished(() => reader.close())
  return told
}

/** The log as the database has it. */
export async function logOf(world: World, thread: string): Promise<Event[]> {
  const events: Event[] = []
  for (;;) {
    const page = await world.store.read(thread, events.length, 1_000)
    if (page.length === 0) return events
    events.push(...page)
  }
}
