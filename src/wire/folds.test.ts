import { describe, expect, it } from 'vitest'
import { facts, logOf } from '../../test/given.ts'
import type { Event } from '../kernel/event.ts'
import { createFolds, keepMark } from './folds.ts'
import { Recent } from './recent.ts'

/** A log in memory that counts what is read of it. */
function logs(length: number) {
  const log = logOf([facts.opened(), ...Array.from({ length }, (_, n) => facts.created(`r${n}`))])
  const reads: number[] = []
  const read = async (_thread: string, after: number, limit: number): Promise<Event[]> => {
    const events = log.filter((e) => e.seq > after).slice(0, Math.min(limit, 3))
    reads.push(events.length)
    return events
  }
  return { store: { read }, reads }
}

const counting = (maxThreads: number) => ({
  maxThreads,
  begin: (thread: string) => ({ thread, seq: 0, count: 0 }),
  take(fold: { seq: number; count: number }, events: readonly Event[]) {
    fold.count += events.length
    fold.seq = events.at(-1)?.seq ?? fold.seq
  },
})

describe('folds', () => {
  it('go on from where they stood, and read no event twice for two who ask at once', async () => {
    const { store, reads } = logs(9)
    const folds = createFolds(store, counting(2))
    await folds.upTo('t', 4)
    const [one, two] = await Promise.all([folds.upTo('t', 10), folds.upTo('t', 10)])
    expect(one).toBe(two)
    expect(one).toMatchObject({ seq: 10, count: 10 })
    expect(reads.reduce((sum, n) => sum + n, 0)).toBe(10)
  })

  it('end where the log does', async () => {
    expect(await createFolds(logs(2).store, counting(2)).upTo('t', 99)).toMatchObject({ seq: 3 })
  })

  it('are made anew when they were forgotten, or not asked for in a long time', async () => {
    const folds = createFolds(logs(2).store, counting(2))
    const a = await folds.upTo('a', 3)
    await folds.upTo('b', 3)
    expect(await folds.upTo('a', 3)).toBe(a)
    await folds.upTo('c', 3)
    expect(await folds.upTo('a', 3)).toBe(a)
    folds.forget('a')
    expect(await folds.upTo('a', 3)).not.toBe(a)
  })
})

describe('a recent memory', () => {
  it('lets go of what was not used for longest', () => {
    const recent = new Recent<number | null>(2)
    recent.set('a', 1)
    recent.set('b', null)
    expect(recent.get('a')).toBe(1)
    recent.set('c', 3)
    expect([recent.get('a'), recent.get('b'), recent.get('c')]).toEqual([1, undefined, 3])
  })
})

describe('marks', () => {
  it('stay spread over the log when there are too many', () => {
    const marks: number[] = []
    for (let n = 0; n < 10; n++) keepMark(marks, n, 4)
    expect(marks[0]).toBe(0)
    expect(marks.length).toBeLessThanOrEqual(4)
    expect(marks.at(-1)).toBeGreaterThanOrEqual(8)
  })
})
