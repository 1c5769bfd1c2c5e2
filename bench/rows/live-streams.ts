/**
 * A thousand answers at a time, each 20 tokens a second, each with its reader: how long after the
 * server noted a token its reader has it. Tokens told while runs still begin or end do not count.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { type Figure, most, quantile, workFigure } from '../figure.ts'
import { spread } from '../link.ts'
import { faultsOf, Listener } from '../listener.ts'
import { watchLoad } from '../load.ts'
import type { Row } from '../row.ts'
import type { Side, Stage } from '../stage.ts'
import { numbered, wordsIn } from '../text.ts'
import { say } from '../tongue.ts'

const EVERY_MS = 50
const WIDTH = 32

/** What `performance.now()` must be added to for the time of day; taken at the turn of a millisecond. */
function epoch(): number {
  const before = Date.now()
  while (Date.now() === before);
  return Date.now() - performance.now()
}

interface Told {
  /** When it was read, in `performance.now()`. */
  at: number
  delayMs: number
  words: number
}

async function watch(
  { tongue, server }: Side,
  { streams, length }: { streams: number; length: number },
) {
  const { port } = server
  const told: Told[] = []
  const toEpoch = epoch()
  const hear: ConstructorParameters<typeof Listener>[0]['told'] = (heard, at) => {
    if (heard.is !== 'token' || heard.at === null) return
    told.push({ at, delayMs: at + toEpoch - heard.at, words: wordsIn(heard.text) })
  }
  const listeners: Listener[] = []
  const names = Array.from({ length: streams }, (_, n) => `s${n}`)
  await spread({ port, width: WIDTH }, names, async (_, link, n) => {
    const listener = new Listener({ port, tongue, thread: await tongue.open(link), told: hear })
    listeners[n] = listener
    await listener.connect()
    await listener.ready()
  })
  const texts = names.map((name) => numbered(name, length))
  await spread({ port, width: WIDTH }, listeners, (listener, link, n) =>
    tongue.submit(link, listener.thread, say(texts[n] as string, EVERY_MS)),
  )
  await pause(500)
  const from = performance.now()
  const load = watchLoad(server)
  await Promise.race(listeners.map((l) => l.ended()))
  const until = performance.now()
  const busy = load()
  await Promise.all(listeners.map((l) => l.ended()))
  for (const listener of listeners) listener.close()
  const faults = faultsOf(listeners)
  listeners.forEach((l, n) => {
    if (l.text !== texts[n]) faults.push(`${l.thread}: the text told is not the text said`)
  })
  // A short run may be over before the last of them has begun; then all of it counts.
  const steady = told.filter((t) => t.at > from && t.at < until)
  const counted = steady.length > 0 ? steady : told
  const spanMs = steady.length > 0 ? until - from : (told.at(-1)?.at ?? 0) - (told[0]?.at ?? 0)
  const words = sum(counted)
  return { counted, words, perSecond: (words / spanMs) * 1000, faults, load: busy }
}

const sum = (told: readonly Told[]): number => told.reduce((total, t) => total + t.words, 0)

export const liveStreams: Row = {
  name: 'live-streams',
  about: '1,000 answers at 20 tokens a second, each with its reader.',
  async measure(stage: Stage) {
    const size = { streams: stage.pick(1000, 10), length: stage.pick(300, 40) }
    const [native, raw] = (await stage.pair()) as [Side, Side]
    const bare = await watch(raw, size)
    const own = await watch(native, size)
    const delay = (seen: typeof own, q: number): number =>
      quantile(
        seen.counted.map((t) => t.delayMs),
        q,
      )
    const wanted = (size.streams * 1000) / EVERY_MS
    const figures: Figure[] = [
      {
        name: `${size.streams} live streams, token delay p99`,
        value: delay(own, 0.99),
        unit: 'ms',
        bar: most(15),
        raw: delay(bare, 0.99),
        more: own.load.text,
      },
      {
        name: `${size.streams} live streams, token delay p50`,
        value: delay(own, 0.5),
        unit: 'ms',
        raw: delay(bare, 0.5),
      },
      {
        name: `${size.streams} live streams, tokens told`,
        value: own.perSecond,
        unit: 'per s',
        raw: bare.perSecond,
        more: `${wanted} wanted; told in ${own.counted.length} deltas`,
      },
      ...workFigure(
        `${size.streams} live streams, work for a token`,
        { ...own.load, done: own.words },
        { ...bare.load, done: bare.words },
      ),
    ]
    return { figures, faults: [...bare.faults, ...own.faults] }
  },
}
