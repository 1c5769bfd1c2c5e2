/** How commands are taken: limits on open runs, ids that a client gives, requests that come twice. */

import { uuidv7 } from 'uuidv7'
import { afterEach, describe, expect, it } from 'vitest'
import type { ModelRequest, Models, NewThread } from '../src/kernel/ports.ts'
import { ORIGIN, openWorld, scriptInput, type World } from './support/world.ts'

const origin = ORIGIN
const HELLO = [[{ say: 'Hello.' }]]
const ASKS = [[{ call: 'write', input: { path: 'a', content: 'b' } }], [{ say: 'OK.' }]]

let world: World
afterEach(() => world.close())

const newThread = (more: Partial<NewThread> = {}): NewThread => ({
  agent: 'assistant',
  account: 'local',
  origin,
  ...more,
})

const saying = (script: unknown) =>
  ({ do: 'submit', input: scriptInput(script), busy: 'reject', origin }) as const

describe('a limit on open runs', () => {
  it('is kept when many come at once, and a waiting run counts', async () => {
    world = await openWorld()
    const begin = () => world.engine.begin(newThread(), saying(ASKS), { maxRuns: 3 })
    const ends = await Promise.allSettled(Array.from({ length: 8 }, begin))
    const began = ends.flatMap((e) => (e.status === 'fulfilled' ? [e.value] : []))
    expect(began).toHaveLength(3)
    for (const end of ends)
      if (end.status === 'rejected')
        expect(end.reason).toMatchObject({ code: 'limited', details: { openRuns: true, limit: 3 } })
    expect((await world.store.threads({ limit: 99, offset: 0 })).total).toBe(3)
    const thread = began[0]?.thread as string
    await world.until(thread, (e) => e.type === 'ask.opened')
    await expect(begin()).rejects.toMatchObject({ code: 'limited' })
    await world.submit(thread, { do: 'answer', allow: true, origin })
    await world.ended(thread)
    await begin()
  })

  it('leaves nothing in memory of what it refuses', async () => {
    world = await openWorld()
    const begin = () => world.engine.begin(newThread(), saying(ASKS), { maxRuns: 1 })
    await begin()
    for (let i = 0; i < 5; i++) await expect(begin()).rejects.toMatchObject({ code: 'limited' })
    expect(world.engine.stats().threadsInMemory).toBe(1)
  })

  it('holds for a submit too, and not for a message to a run that goes on', async () => {
    world = await openWorld()
    const { thread } = await world.begin(ASKS)
    const steer = { ...saying(HELLO), busy: 'steer' } as const
    const queue = { ...saying(HELLO), busy: 'queue' } as const
    const options = { maxRuns: 1 }
    await expect(world.engine.submit(thread, queue, options)).rejects.toMatchObject({
      code: 'limited',
    })
    expect(await world.engine.submit(thread, steer, options)).toMatchObject({
      delivery: 'steered',
    })
  })
})

describe('a run', () => {
  it('may be sampled in its own way', async () => {
    const asked: ModelRequest[] = []
    const wrapModels = (models: Models): Models => ({
      ...models,
      stream: (request) => {
        asked.push(request)
        return models.stream(request)
      },
    })
    const agents = { cool: { model: 'scripted:x', temperature: 0.1, topP: 0.5, maxTokens: 99 } }
    world = await openWorld({ agents, wrapModels })
    const thread = newThread({ agent: 'cool' })
    const own = await world.engine.begin(thread, saying(HELLO))
    await world.ended(own.thread)
    const sampling = { temperature: 0.8, topP: 1 }
    const other = await world.engine.begin(thread, { ...saying(HELLO), sampling })
    await world.ended(other.thread)
    expect(asked).toMatchObject([
      { temperature: 0.1, topP: 0.5, maxOutputTokens: 99 },
      { temperature: 0.8, topP: 1, maxOutputTokens: 99 },
    ])
  })
})

describe('a thread', () => {
  it('has the id that was given, once', async () => {
    world = await openWorld()
    const id = uuidv7()
    expect((await world.engine.openThread(newThread({ id }))).id).toBe(id)
    await expect(world.engine.openThread(newThread({ id }))).rejects.toMatchObject({
      code: 'conflict',
    })
    const begun = world.engine.begin(newThread({ id }), saying(HELLO))
    await expect(begun).rejects.toMatchObject({ code: 'conflict' })
    const crooked = world.engine.openThread(newThread({ id: 'no/uuid' }))
    await expect(crooked).rejects.toMatchObject({ code: 'invalid' })
    const other = uuidv7()
    const { thread } = await world.engine.begin(newThread({ id: other }), saying(HELLO))
    expect(thread).toBe(other)
    await world.ended(thread)
  })

  it('is opened once for the same request', async () => {
    world = await openWorld()
    const idempotency = { key: 'k', hash: 'h' }
    const open = (hash = 'h') =>
      world.engine.openThread(newThread(), { idempotency: { ...idempotency, hash } })
    const opened = await Promise.all([open(), open(), open()])
    expect(new Set(opened.map((t) => t.id)).size).toBe(1)
    expect((await open()).id).toBe(opened[0]?.id)
    await expect(open('other')).rejects.toMatchObject({ code: 'duplicate' })
    expect((await world.store.threads({ limit: 9, offset: 0 })).total).toBe(1)
  })
})
