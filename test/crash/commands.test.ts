/**
 * The server stops dead after each append while it is given command after command: a run, one behind
 * it, a word for the first, a summary, one run again. Whoever heard nothing asks again with the same
 * key. In the end each command has happened once, and the log is as it must be.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Event } from '../../src/kernel/event.ts'
import { isFault } from '../../src/kernel/fault.ts'
import type { Request } from '../../src/kernel/ports.ts'
import { judgeLog } from '../review/judge.ts'
import { ORIGIN, openWorld, scriptInput, textOf, type World } from '../support/world.ts'
import { dying } from './lives.ts'

const origin = ORIGIN
const log = { warn: () => {}, error: () => {} }
const settings = { drainMs: 100, pollMs: 100 }
const agents = { brief: { compaction: { keepExchanges: 0 } } }
const idOf = (n: number): string => `00000000-0000-7000-8000-00000000000${n}`
const THREAD = idOf(0)

const ask = { call: 'ask_user', input: { question: 'Which colour?' } }
const say = (text: string, ...calls: object[]) => [{ say: text }, ...calls]
const first = scriptInput([say('One. ', ask), say('Two. ')])
const second = scriptInput([say('Three. ')])
const message = { do: 'submit', busy: 'queue', origin } as const

/** A refusal is an answer too: the word for the first run may come when that has ended. */
const send = (world: World, key: string, request: Request): Promise<unknown> =>
  world.engine
    .submit(THREAD, request, { idempotency: { key, hash: key } })
    .catch((error: unknown) => {
      if (!isFault(error) || error.code === 'unavailable') throw error
    })

async function converse(world: World): Promise<Event[]> {
  const thread = { id: THREAD, agent: 'brief', account: 'local', origin }
  const once = { idempotency: { key: 'begin', hash: 'begin' } }
  await world.engine.begin(thread, { ...message, run: idOf(1), input: first }, once)
  await send(world, 'second', { ...message, run: idOf(2), input: second })
  await send(world, 'edit', { do: 'edit', run: idOf(2), input: second, origin })
  const word = [{ kind: 'text' as const, text: 'and be quick' }]
  await send(world, 'steer', { do: 'steer', id: idOf(9), input: word, origin })
  const asked = await world.until(THREAD, (e) => e.type === 'ask.opened')
  const open = asked.flatMap((e) => (e.type === 'ask.opened' ? [e.data.ask] : []))
  await send(world, 'answer', { do: 'answer', ask: open[0] as string, answer: 'red', origin })
  await world.ended(THREAD, idOf(2))
  await send(world, 'compact', { do: 'compact', run: idOf(3), origin })
  await world.ended(THREAD, idOf(3))
  await send(world, 'retry', { do: 'retry', run: idOf(4), reason: 'retry', origin })
  return world.ended(THREAD, idOf(4))
}

/** One life that ends after so many appends, and one that asks for everything once more. */
async function twice(appends: number): Promise<{ events: Event[]; died: boolean }> {
  const folder = mkdtempSync(join(tmpdir(), 'manifold-commands-'))
  let death = Promise.resolve()
  const shared = { folder, settings, agents, log }
  const mortal = await openWorld({
    ...shared,
    wrap(store) {
      const { store: dies, died } = dying(store, appends)
      death = died
      return dies
    },
  })
  const life = converse(mortal).then(
    () => false,
    () => true,
  )
  const died = await Promise.race([life, death.then(() => true)])
  await mortal.close(false)
  const world = await openWorld({ ...shared, folder })
  const events = await converse(world)
  await world.close(false)
  rmSync(folder, { recursive: true, force: true })
  return { events, died }
}

describe('a server that is given commands and stops dead', () => {
  it('after any append, has done each of them once in the end', async () => {
    let appends = 1
    for (let hasDied = true; hasDied; appends++) {
      const { events, died } = await twice(appends)
      hasDied = died
      const at = `after ${appends} appends`
      expect(judgeLog(events), at).toEqual([])
      const created = events.flatMap((e) => (e.type === 'run.created' ? [e.run] : []))
      expect(created, at).toEqual([1, 2, 3, 4].map(idOf))
      const ends = events.flatMap((e) => (e.type === 'run.ended' ? [e.data.outcome] : []))
      expect(ends, at).toEqual(['completed', 'completed', 'completed', 'completed'])
      expect(textOf(events), at).toBe('One. Two. Three. Three. ')
      const steered = events.filter((e) => e.type === 'run.steered')
      expect(steered, at).toHaveLength(1)
      const compacted = events.filter((e) => e.type === 'context.compacted')
      expect(compacted, at).toHaveLength(1)
    }
    expect(appends).toBeGreaterThan(20)
  }, 240_000)
})
