/** What the engine does on any store, in short, on PostgreSQL. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { rebuild } from '../../src/kernel/rows.ts'
import { ORIGIN, scriptInput, textOf } from '../support/world.ts'
import { logOf, newPlace, only } from './place.ts'

const origin = ORIGIN

export function alone(url: string): void {
  it('talks, asks, calls tools, gives tasks, and the rows are what the log says', async () => {
    const world = await newPlace(url)()
    const child = `script ${JSON.stringify([[{ say: 'child says hi' }]])}`
    const { thread, run } = await world.begin([
      [{ think: 'Hm.' }, { say: 'One. ' }, { call: 'write', input: { path: 'a', content: 'hi' } }],
      [{ say: 'Two. ' }, { call: 'ask_user', input: { question: 'Colour?' } }],
      [{ say: 'So {{result}}. ' }, { call: 'task', input: { prompt: child, name: 'kid' } }],
      [{ cut: true, attempts: 1 }, { say: 'Got: {{result}}' }],
    ])
    await world.until(thread, (e) => e.type === 'ask.opened')
    expect(existsSync(join(world.files, 'a'))).toBe(false)
    await world.submit(thread, { do: 'answer', allow: true, origin })
    await world.until(thread, (e) => e.type === 'ask.opened' && e.data.body.kind === 'question')
    await world.submit(thread, { do: 'answer', answer: 'red', origin })
    const events = await world.ended(thread)
    expect(textOf(events)).toBe('One. Two. So red. Got: child says hi')
    expect(readFileSync(join(world.files, 'a'), 'utf8')).toBe('hi')
    expect(events.map((e) => e.seq)).toEqual(events.map((_, i) => i + 1))
    expect(await logOf(world, thread)).toEqual(events)
    const rows = rebuild(thread, events)
    expect(await world.store.thread(thread)).toEqual(rows.thread)
    expect(await world.store.run(run as string)).toEqual(rows.runs[0])
    expect((await world.store.asks({ limit: 9, offset: 0 })).total).toBe(0)
  })

  it('queues, steers, interrupts, cancels and compacts', async () => {
    const world = await newPlace(url)()
    const { thread } = await world.begin([
      [
        { say: 'one two', everyMs: 10 },
        { call: 'list', input: {} },
      ],
      [{ hang: true }],
    ])
    const say = (text: string, busy: 'queue' | 'interrupt' | 'reject') =>
      world.submit(thread, { do: 'submit', input: scriptInput([[{ say: text }]]), busy, origin })
    await expect(say('no', 'reject')).rejects.toMatchObject({ code: 'busy' })
    const queued = await say('queued', 'queue')
    const input = [{ kind: 'text' as const, text: 'quick' }]
    expect(await world.submit(thread, { do: 'steer', input, origin })).toMatchObject({
      delivery: 'steered',
    })
    await world.until(thread, (e) => e.type === 'turn.started' && e.data.turn === 1)
    const urgent = await say('urgent', 'interrupt')
    const events = await world.ended(thread, queued.run)
    expect(
      only(events, 'run.ended')
        .map((e) => [e.run, e.data.outcome])
        .slice(1),
    ).toEqual([
      [urgent.run, 'completed'],
      [queued.run, 'completed'],
    ])
    const compact = await world.submit(thread, { do: 'compact', origin })
    expect(only(await world.ended(thread, compact.run), 'run.ended').at(-1)?.data.outcome).toBe(
      'completed',
    )
  })

  it('lets many threads go on side by side', async () => {
    const world = await newPlace(url)()
    const runs = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        world.begin([[{ say: `n${i} ` }, { call: 'list', input: {} }], [{ say: 'end' }]]),
      ),
    )
    const ends = await Promise.all(runs.map((r) => world.ended(r.thread)))
    expect(ends.map((e) => textOf(e))).toEqual(runs.map((_, i) => `n${i} end`))
  })
}
