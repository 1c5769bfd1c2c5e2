/** One engine takes a thread from another: only one of them moves it on, and nobody notices. */

import { expect, it } from 'vitest'
import { Fault } from '../../src/kernel/fault.ts'
import type { Store } from '../../src/kernel/ports.ts'
import { connections } from '../../src/store/postgres-connection.ts'
import { ORIGIN, textOf, typesOf, type World } from '../support/world.ts'
import { eventually, hear, logOf, newPlace, only, QUICK, SLOW, words } from './place.ts'

const origin = ORIGIN

/** For this clock every lease of the others has run out. */
const later = (): number => Date.now() + 3_600_000_000

const MAY_RUN = { assistant: { permissions: { rules: [], otherwise: { execute: 'allow' } } } }

function listening() {
  const said: string[] = []
  const say = (_: unknown, text: string): void => void said.push(text)
  return { said, log: { warn: say, error: say } }
}

const isIdle = (world: World) => () =>
  expect(world.engine.stats()).toMatchObject({ activeRuns: 0, leases: 0 })

export function takeover(url: string): void {
  it('in the middle of a word: the old driver stops quietly, the text goes on where it was', async () => {
    const open = newPlace(url)
    const { said, log } = listening()
    const a = await open({ log })
    const { thread, run } = await a.begin(SLOW)
    const told = hear(a, thread)
    await eventually(() => expect(typesOf(told)).toContain('text.delta'))
    const b = await open({ clock: later, settings: QUICK })
    const events = await b.ended(thread, run)
    expect(textOf(events)).toBe(`${words(100)}end`)
    expect(only(events, 'run.ended').map((e) => e.data.outcome)).toEqual(['completed'])
    expect(only(events, 'turn.interrupted').map((e) => e.data.cause)).toEqual(['restart'])
    expect(events.map((e) => e.seq)).toEqual(events.map((_, i) => i + 1))
    await eventually(() => expect(told).toEqual(events))
    await eventually(isIdle(a))
    expect(said).toEqual([])
  })

  it('at a tool: the old driver ends the process, the new one knows that it cannot know', async () => {
    const open = newPlace(url)
    const { said, log } = listening()
    const a = await open({ log, agents: MAY_RUN, settings: { ...QUICK, leaseMs: 60_000 } })
    const command = 'echo begun; sleep 60'
    const { thread } = await a.begin([[{ call: 'shell', input: { command } }], [{ say: 'So.' }]])
    await a.until(thread, (e) => e.type === 'tool.progressed' && e.data.text.includes('begun'))
    const b = await open({ clock: later, settings: QUICK, agents: MAY_RUN })
    const events = await b.ended(thread)
    expect(only(events, 'tool.ended').map((e) => e.data.outcome)).toEqual(['unknown'])
    await eventually(isIdle(a))
    expect(said).toEqual([])
  })

  it('from one that sleeps: it asks before it does anything on an old lease', async () => {
    const open = newPlace(url)
    let isAsleep = false
    const wrap = (store: Store): Store => {
      const renew: Store['renew'] = async (...args) => {
        if (isAsleep) throw new Fault('unavailable', 'asleep')
        return store.renew(...args)
      }
      return { ...store, renew }
    }
    const { log } = listening()
    const a = await open({ wrap, log, agents: MAY_RUN, settings: QUICK })
    const command = 'sleep 0.5; echo done'
    const { thread } = await a.begin([
      [{ call: 'ask_user', input: { question: 'Go?' } }],
      [{ call: 'shell', input: { command } }],
      [{ say: 'Yes.' }],
    ])
    await a.until(thread, (e) => e.type === 'ask.opened')
    isAsleep = true
    const b = await open({ clock: later, settings: QUICK, agents: MAY_RUN })
    await new Promise((wake) => setTimeout(wake, 1_100))
    await b.submit(thread, { do: 'answer', answer: 'yes', origin })
    const events = await b.ended(thread)
    expect(only(events, 'tool.ended').map((e) => e.data.outcome)).toEqual(['ok', 'ok'])
    isAsleep = false
    await eventually(isIdle(a))
  })

  it('goes on when the database cuts every connection, again and again', async () => {
    const open = newPlace(url)
    const { log } = listening()
    const [a, b] = [await open({ log, settings: QUICK }), await open({ log, settings: QUICK })]
    const runs = await Promise.all(
      Array.from({ length: 6 }, () => a.begin([[{ say: words(200), everyMs: 5 }], [{ say: '.' }]])),
    )
    const client = await (await connections(url, 'public')).client()
    for (let i = 0; i < 6; i++) {
      await new Promise((next) => setTimeout(next, 120))
      await client.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'manifold' and pid <> pg_backend_pid()`,
      )
    }
    await client.end()
    for (const { thread, run } of runs) {
      const row = () => b.store.run(run as string)
      await eventually(async () => expect((await row())?.status).toBe('completed'))
      const log = await logOf(b, thread)
      expect(textOf(log)).toBe(words(200))
      expect(only(log, 'run.ended')).toHaveLength(1)
    }
  })
}
