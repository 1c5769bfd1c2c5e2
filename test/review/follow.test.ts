/** Readers that are quick, slow, broken or gone, on threads that grow meanwhile. */

import { afterEach, describe, expect, it } from 'vitest'
import { ORIGIN, openWorld, scriptInput, type World } from '../support/world.ts'

const origin = ORIGIN
const silent = { warn: () => {}, error: () => {} }
let world: World
afterEach(() => world.close())

const rest = (ms: number): Promise<void> => new Promise((go) => setTimeout(go, ms))
const long = (words: number) => [
  [{ say: Array.from({ length: words }, (_, i) => `w${i} `).join('') }],
]

/** Numbers that are the same in every run. */
function dice(seed: number): (sides: number) => number {
  let state = seed * 2_654_435_761 + 1
  return (sides) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >> 8) % sides
  }
}

describe('follow', () => {
  it('has no gap and no double, however slow who listens is', async () => {
    world = await openWorld()
    const { thread } = await world.begin(long(300))
    const ends: Promise<number[]>[] = []
    const roll = dice(7)
    let last = ''
    for (let i = 0; i < 24; i++) {
      const { seq } = await world.engine.thread(thread)
      const after = roll(seq + 1)
      const slow = roll(3)
      ends.push(
        new Promise((resolve, reject) => {
          const seen: number[] = [after]
          let isTelling = false
          const reader = world.engine.follow({
            thread,
            after,
            tell(events) {
              if (isTelling) reject(new Error('told while the last word was not taken yet'))
              seen.push(...events.map((e) => e.seq))
              const isLast = events.some((e) => e.type === 'run.ended' && e.run === last)
              if (isLast) {
                reader.close()
                resolve(seen)
              }
              if (slow === 0 || isLast) return
              isTelling = true
              return rest(slow === 1 ? 0 : 3).then(() => {
                isTelling = false
              })
            },
          })
        }),
      )
      if (i % 6 === 0) {
        const input = scriptInput(long(50 + roll(100)))
        const { run } = await world.submit(thread, { do: 'submit', busy: 'queue', input, origin })
        last = run as string
      }
      await rest(roll(4))
    }
    for (const seen of await Promise.all(ends))
      expect(seen).toEqual(seen.map((_, i) => (seen[0] as number) + i))
    expect(world.engine.stats().readers).toBe(0)
  })

  it('is told once that the log was read, and of nothing after it was closed', async () => {
    world = await openWorld()
    const { thread } = await world.begin(long(5))
    await world.ended(thread)
    const { seq } = await world.engine.thread(thread)
    const caught: number[] = []
    let told = 0
    const reader = world.engine.follow({
      thread,
      after: 2,
      tell(events) {
        told += events.length
        reader.close()
      },
      caughtUp: (at) => void caught.push(at),
      ended: () => void caught.push(-1),
    })
    await rest(30)
    await world.submit(thread, { do: 'change', title: 'x', origin })
    await rest(30)
    expect({ told, caught }).toEqual({ told: seq - 2, caught: [] })
  })

  it('of a thread that is not there tells nothing, and begins when it is', async () => {
    world = await openWorld()
    const caught: number[] = []
    const nothing = '01890a5d-ac96-774b-bcce-b302099a8057'
    const reader = world.engine.follow({
      thread: nothing,
      after: 0,
      tell: () => void caught.push(-1),
      caughtUp: (at) => void caught.push(at),
    })
    await rest(30)
    reader.close()
    expect(caught).toEqual([0])
    await expect(world.engine.thread(nothing)).rejects.toMatchObject({ code: 'not_found' })
    expect(world.engine.stats()).toMatchObject({ readers: 0, threadsInMemory: 0 })
  })

  it('ends a reader that breaks, once, and nobody else', async () => {
    const errors: unknown[] = []
    world = await openWorld({ log: { ...silent, error: (_, text) => void errors.push(text) } })
    const { thread } = await world.begin([[{ say: 'a b c d', everyMs: 10 }]])
    const ends: string[] = []
    const open = (name: string, tell: () => void | Promise<void>): void => {
      world.engine.follow({ thread, after: 0, tell, ended: (r) => void ends.push(`${name} ${r}`) })
    }
    open('throws', () => {
      throw new Error('no')
    })
    open('rejects', () => Promise.reject(new Error('no')))
    open('works', () => {})
    await world.ended(thread)
    await rest(20)
    expect(ends.sort()).toEqual(['rejects failed', 'throws failed'])
    expect(errors).toHaveLength(2)
    expect(world.engine.stats().readers).toBe(1)
  })

  it('says only once that it is over, also to a reader that breaks afterwards', async () => {
    world = await openWorld({ log: silent })
    const { thread } = await world.begin(long(3))
    await world.ended(thread)
    const ends: string[] = []
    let fail = (): void => {}
    const broken = new Promise<void>((_, reject) => {
      fail = () => reject(new Error('no'))
    })
    world.engine.follow({
      thread,
      after: 0,
      tell: () => broken,
      ended: (reason) => void ends.push(reason),
    })
    await rest(20)
    await world.engine.erase(thread)
    fail()
    await rest(20)
    expect(ends).toEqual(['erased'])
  })

  it('ends everybody, also when one of them throws at that', async () => {
    world = await openWorld({ log: silent })
    const { thread } = await world.begin(long(3))
    await world.ended(thread)
    const ends: string[] = []
    for (const name of ['first', 'second'])
      world.engine.follow({
        thread,
        after: 0,
        tell: () => {},
        ended(reason) {
          ends.push(`${name} ${reason}`)
          throw new Error('no')
        },
      })
    await rest(20)
    await world.engine.close()
    expect(ends).toEqual(['first shutdown', 'second shutdown'])
    expect(world.engine.stats()).toMatchObject({ readers: 0, leases: 0 })
  })
})

describe('a thread at rest', () => {
  it('leaves memory, with everything that was kept for it', async () => {
    world = await openWorld({ settings: { restMs: 50, pollMs: 30 } })
    const task = { call: 'task', input: { prompt: `script ${JSON.stringify([[{ say: 'kid' }]])}` } }
    const write = { call: 'write', input: { path: 'a.txt', content: 'x' } }
    const ended = await world.begin([[task], [{ say: 'ok' }]])
    await world.ended(ended.thread)
    const waiting = await world.begin([[write], [{ say: 'ok' }]])
    await world.until(waiting.thread, (e) => e.type === 'ask.opened')
    for (let i = 0; i < 100 && world.engine.stats().threadsInMemory !== 0; i++) await rest(20)
    expect(world.engine.stats()).toMatchObject({
      ...{ threadsInMemory: 0, activeRuns: 0, readers: 0, leases: 0 },
    })
    await world.submit(waiting.thread, { do: 'answer', allow: true, origin })
    await world.ended(waiting.thread)
  })
})
