/**
 * The server stops dead after each append of a conversation with tools, approvals and a question,
 * and is started again: the same end, whatever the place, and no effect twice.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Event } from '../../src/kernel/event.ts'
import type { Store } from '../../src/kernel/ports.ts'
import { rebuild } from '../../src/kernel/rows.ts'
import { ORIGIN, openWorld, textOf, type World } from '../support/world.ts'

const script = [
  [
    { think: 'Let me see.' },
    { say: 'I write it down. ', chunk: 6 },
    { call: 'shell', input: { command: 'echo effect >> effects.txt' } },
    { call: 'list', input: {} },
  ],
  [{ say: 'And which colour? ' }, { call: 'ask_user', input: { question: 'Which colour?' } }],
  [{ call: 'task', input: { prompt: `script ${JSON.stringify([[{ say: 'child done' }]])}` } }],
  [{ say: 'All done.' }],
]
const EXPECTED = 'I write it down. And which colour? All done.'

/** Lets so many appends through, then nothing, as if the process were gone. */
function dying(store: Store, appends: number): { store: Store; died: Promise<void> } {
  let left = appends
  let die = (): void => {}
  const died = new Promise<void>((resolve) => {
    die = resolve
  })
  const append: Store['append'] = (what) => {
    if (left-- > 0) return store.append(what)
    die()
    return Promise.reject(new Error('dead'))
  }
  const get = (target: Store, name: string | symbol): unknown => {
    if (name === 'append') return append
    const value = Reflect.get(target, name) as unknown
    return typeof value === 'function' ? value.bind(target) : value
  }
  return { store: new Proxy(store, { get }), died }
}

const log = { warn: () => {}, error: () => {} }

/** Answers whatever is asked, until the run of the thread has ended. */
async function finish(world: World, thread: string): Promise<Event[]> {
  let isOver = false
  const ended = world.ended(thread).then((events) => {
    isOver = true
    return events
  })
  ended.catch(() => {
    isOver = true
  })
  while (!isOver) {
    for (const { thread: at, body } of (await world.store.asks({ limit: 10, offset: 0 })).items) {
      const answer = body.kind === 'question' ? { answer: 'red' } : { allow: true }
      await world.submit(at, { do: 'answer', ...answer, origin: ORIGIN }).catch(() => {})
    }
    await new Promise((go) => setTimeout(go, 2))
  }
  return ended
}

/** One life that ends after so many appends, and one that goes on from what it left. */
async function twoLives(
  appends: number,
): Promise<{ events: Event[]; folder: string; died: boolean }> {
  const folder = mkdtempSync(join(tmpdir(), 'manifold-lives-'))
  let death = Promise.resolve()
  const wrap = (store: Store): Store => {
    const mortal = dying(store, appends)
    death = mortal.died
    return mortal.store
  }
  const first = await openWorld({ folder, log, wrap })
  const { thread } = await first.begin(script)
  const life = finish(first, thread).then(
    () => false,
    () => true,
  )
  const died = await Promise.race([life, death.then(() => true)])
  await first.close(false)
  const second = await openWorld({ folder, log })
  const events = await finish(second, thread)
  const rows = rebuild(thread, events)
  expect(await second.store.thread(thread)).toEqual(rows.thread)
  expect((await second.store.runs({ thread, limit: 9, offset: 0 })).items).toEqual(rows.runs)
  await second.close(false)
  return { events, folder, died }
}

describe('a server that stops dead', () => {
  it('after any append, goes on to the same end', async () => {
    let appends = 1
    for (let died = true; died; appends++) {
      const life = await twoLives(appends)
      died = life.died
      judge(life.events, life.folder, appends)
      rmSync(life.folder, { recursive: true, force: true })
    }
    expect(appends).toBeGreaterThan(20)
  }, 240_000)
})

function judge(events: Event[], folder: string, appends: number): void {
  const at = `after ${appends} appends`
  expect(
    events.map((e) => e.seq),
    at,
  ).toEqual(events.map((_, i) => i + 1))
  expect(textOf(events), at).toBe(EXPECTED)
  const ends = events.filter((e) => e.type === 'run.ended')
  expect(
    ends.map((e) => e.data),
    at,
  ).toMatchObject([{ outcome: 'completed' }])
  const results = events.flatMap((e) => (e.type === 'tool.ended' ? [e.data] : []))
  expect(results.map((r) => r.tool).sort(), at).toEqual(['ask_user', 'list', 'shell', 'task'])
  const file = join(folder, 'workspace', 'effects.txt')
  const effects = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0
  const shell = results.find((r) => r.tool === 'shell')
  expect(effects, at).toBeLessThanOrEqual(1)
  if (shell?.outcome === 'ok') expect(effects, at).toBe(1)
  else expect(shell?.outcome, at).toBe('unknown')
  const asks = events.flatMap((e) => (e.type === 'ask.opened' ? [e.data.ask] : []))
  const settled = events.flatMap((e) => (e.type === 'ask.settled' ? [e.data.ask] : []))
  expect(settled, at).toEqual(asks)
}
