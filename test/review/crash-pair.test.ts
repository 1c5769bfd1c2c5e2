/**
 * A parent with two children at once, stopped dead after every append of any of the three threads:
 * the same end, each child once, and the parent tells truly what became of what its children asked.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Event } from '../../src/kernel/event.ts'
import type { Store } from '../../src/kernel/ports.ts'
import { rebuild } from '../../src/kernel/rows.ts'
import { dying } from '../crash/lives.ts'
import { ORIGIN, openWorld, textOf, type World } from '../support/world.ts'
import { judgeLog } from './judge.ts'

const log = { warn: () => {}, error: () => {} }
const settings = { drainMs: 100, pollMs: 100 }
const task = (script: unknown) => ({
  call: 'task',
  input: { prompt: `script ${JSON.stringify(script)}` },
})
const shell = (name: string) => ({ call: 'shell', input: { command: `echo x >> ${name}.txt` } })
const question = { call: 'ask_user', input: { question: 'Go on?' } }
const script = [
  [
    { say: 'I ask around. ' },
    task([[shell('one')], [question], [{ say: 'one {{result}}' }]]),
    task([[shell('two'), shell('three')], [{ say: 'two' }]]),
  ],
  [{ say: 'Got: {{result}}' }],
]

type Act = (world: World, thread: string) => Promise<unknown>

/** Allows the first and the second command one after the other, refuses the third, answers. */
const answerAll: Act = async (world) => {
  for (const { thread, ask, body } of await asks(world)) {
    const send = (answer: object) =>
      world
        .submit(thread, { do: 'answer', ask, ...answer, origin: ORIGIN } as never)
        .catch(() => {})
    if (body.kind === 'question') await send({ answer: 'yes' })
    else if (body.kind === 'approval')
      for (const { call, input } of body.calls)
        await send({ call, allow: !JSON.stringify(input).includes('three') })
  }
}

const asks = async (world: World) =>
  (await world.store.asks({ limit: 10, offset: 0 })).items.map((a) => ({ ...a, ask: a.id }))

/** Cancels the parent as soon as both children ask. */
const cancelSoon: Act = async (world, thread) => {
  const run = (await world.store.thread(thread))?.activeRun
  if (!run || (await asks(world)).length < 2) return
  const cancel = { do: 'cancel', run, reason: null, when: 'now', queue: 'keep' } as const
  await world.submit(thread, { ...cancel, origin: ORIGIN }).catch(() => {})
}

async function finish(world: World, thread: string, act: Act): Promise<Event[]> {
  let isOver = false
  const ended = world.ended(thread).finally(() => {
    isOver = true
  })
  ended.catch(() => {})
  while (!isOver) {
    await act(world, thread).catch(() => {})
    await new Promise((go) => setTimeout(go, 2))
  }
  return ended
}

/** One life that ends after so many appends, and one that goes on from what it left. */
async function twoLives(appends: number, act: Act): Promise<{ died: boolean; end: End }> {
  const folder = mkdtempSync(join(tmpdir(), 'manifold-pair-'))
  let death = Promise.resolve()
  const wrap = (store: Store): Store => {
    const mortal = dying(store, appends)
    death = mortal.died
    return mortal.store
  }
  const first = await openWorld({ folder, log, wrap, settings })
  const { thread } = await first.begin(script)
  const life = finish(first, thread, act).then(
    () => false,
    () => true,
  )
  const died = await Promise.race([life, death.then(() => true)])
  await first.close(false)
  const second = await openWorld({ folder, log, settings })
  const end = { parent: await finish(second, thread, act), logs: [] as Event[][], folder }
  for (const id of await second.store.threadIds()) {
    const events = await second.store.read(id, 0, 10_000)
    end.logs.push(events)
    const rows = rebuild(id, events)
    expect(await second.store.thread(id)).toEqual(rows.thread)
    expect((await second.store.runs({ thread: id, limit: 9, offset: 0 })).items).toEqual(rows.runs)
  }
  expect((await asks(second)).length).toBe(0)
  await second.close(false)
  return { died, end }
}

interface End {
  parent: Event[]
  logs: Event[][]
  folder: string
}

const times = (folder: string, name: string): number => {
  const file = join(folder, 'workspace', `${name}.txt`)
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0
}

/** What the parent says of an ask, in one fact or in several, is what the child's own log says. */
function tellsTruly({ parent, logs }: End): void {
  const told = parent.flatMap((e) => (e.type === 'child.settled' ? [e.data] : []))
  for (const ask of new Set(told.map((t) => t.ask))) {
    const said = told.filter((t) => t.ask === ask)
    const own = logs
      .flat()
      .flatMap((e) => (e.type === 'ask.settled' && e.data.ask === ask ? [e.data] : []))
    expect(said.at(-1)?.how).toBe(own.at(-1)?.how)
    expect(Object.assign({}, ...said.map((s) => s.rulings))).toEqual(
      Object.assign({}, ...own.map((o) => o.rulings)),
    )
  }
}

/** Every third place, for time; a conversation without children is tried at every one elsewhere. */
const STRIDE = 3

async function everywhere(act: Act, judge: (end: End, at: string) => void): Promise<number> {
  let appends = 1
  for (let died = true; died; appends += STRIDE) {
    const at = `after ${appends} appends`
    const life = await twoLives(appends, act)
    died = life.died
    for (const events of life.end.logs) expect(judgeLog(events), at).toEqual([])
    tellsTruly(life.end)
    judge(life.end, at)
    rmSync(life.end.folder, { recursive: true, force: true })
  }
  return appends
}

describe('a parent and its children, when the server stops dead', () => {
  it('after any append, come to the same end', async () => {
    const appends = await everywhere(answerAll, ({ parent, logs, folder }, at) => {
      expect(logs, at).toHaveLength(3)
      expect(parent.findLast((e) => e.type === 'run.ended')?.data, at).toMatchObject({
        outcome: 'completed',
      })
      expect(textOf(parent), at).toContain('I ask around. Got: ')
      for (const name of ['one', 'two']) expect(times(folder, name), at).toBeLessThanOrEqual(1)
      expect(times(folder, 'three'), at).toBe(0)
    })
    expect(appends).toBeGreaterThan(20)
  }, 300_000)

  it('after any append of a cancellation, are all over', async () => {
    await everywhere(cancelSoon, ({ parent, folder }, at) => {
      expect(parent.findLast((e) => e.type === 'run.ended')?.data, at).toMatchObject({
        outcome: 'cancelled',
      })
      for (const name of ['one', 'two', 'three']) expect(times(folder, name), at).toBe(0)
    })
  }, 300_000)
})
