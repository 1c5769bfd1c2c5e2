/** Runs of one short answer, as many as go: on threads that stay, and on a new thread each. */

import { type Figure, least } from '../figure.ts'
import { type Link, openLink, spread } from '../link.ts'
import { faultsOf, Listener } from '../listener.ts'
import { watchLoad } from '../load.ts'
import type { Row } from '../row.ts'
import type { Side, Stage } from '../stage.ts'
import { say } from '../tongue.ts'

const INPUT = say('one two three')
const WORDS = 'one two three'

interface Load {
  width: number
  warming: number
  runs: number
}

/** Counts what has ended and notes when the warming was over. */
class Count {
  ended = 0
  beganAt = 0
  readonly faults: string[] = []
  readonly #load: Load

  constructor(load: Load) {
    this.#load = load
  }

  add(listener: Listener): void {
    this.faults.push(...faultsOf([listener]))
    if (listener.text !== WORDS) this.faults.push(`${listener.thread}: said "${listener.text}"`)
    if (++this.ended === this.#load.warming) this.beganAt = performance.now()
  }
}

/** Each of `width` clients keeps one thread and its stream, and submits when its run has ended. */
async function onOpenThreads({ tongue, server }: Side, load: Load, count: Count): Promise<void> {
  const { port } = server
  const clients = Array.from({ length: load.width }, (_, n) => n)
  let left = load.warming + load.runs
  await spread({ port, width: load.width }, clients, async (_, link) => {
    const listener = new Listener({ port, tongue, thread: await tongue.open(link) })
    await listener.connect()
    await listener.ready()
    for (let run = 1; left > 0; run++) {
      left--
      listener.restart()
      await tongue.submit(link, listener.thread, INPUT)
      await listener.ended(run)
      count.add(listener)
    }
    listener.close()
  })
}

/** Each run gets a new thread, and a stream that is opened after the submit and closed at the end. */
async function onNewThreads({ tongue, server }: Side, load: Load, count: Count): Promise<void> {
  const { port } = server
  const runs = Array.from({ length: load.warming + load.runs }, (_, n) => n)
  await spread({ port, width: load.width }, runs, async (_, link: Link) => {
    const thread = await tongue.begin(link, INPUT)
    const listener = new Listener({ port, tongue, thread })
    await listener.connect(await openLink(port))
    await listener.ended()
    listener.close()
    count.add(listener)
  })
}

async function measured(side: Side, load: Load, work: typeof onNewThreads) {
  const watch = watchLoad(side.server)
  const count = new Count(load)
  await work(side, load, count)
  const perSecond = (load.runs / (performance.now() - count.beganAt)) * 1000
  return { perSecond, faults: count.faults, load: watch() }
}

const loadOf = (stage: Stage): Load => ({
  width: stage.pick(64, 8),
  warming: stage.pick(1500, 8),
  runs: stage.pick(4000, 40),
})

export const shortRuns: Row = {
  name: 'short-runs',
  about: 'Runs of one short turn, 64 at a time, watched to their end.',
  async measure(stage) {
    const [native, raw] = (await stage.pair()) as [Side, Side]
    const load = loadOf(stage)
    const figures: Figure[] = []
    const faults: string[] = []
    for (const [name, work] of [
      [`short runs, ${load.width} open threads`, onOpenThreads],
      ['short runs, a new thread and stream each', onNewThreads],
    ] as const) {
      const bare = await measured(raw, load, work)
      const own = await measured(native, load, work)
      faults.push(...bare.faults, ...own.faults)
      figures.push({
        name,
        value: own.perSecond,
        unit: 'per s',
        bar: least(500),
        raw: bare.perSecond,
        more: own.load,
      })
    }
    return { figures, faults }
  },
}
