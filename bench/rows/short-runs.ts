/** Runs of one short answer, as many as go: on threads that stay, and on a new thread each. */

import { type Figure, least, workFigure } from '../figure.ts'
import { type Link, openLink, spread } from '../link.ts'
import { faultsOf, Listener } from '../listener.ts'
import { watchLoad } from '../load.ts'
import type { Row } from '../row.ts'
import type { Side, Stage } from '../stage.ts'
import { say } from '../tongue.ts'

const INPUT = say('one two three')
const WORDS = 'one two three'

interface Size {
  width: number
  warming: number
  runs: number
}

/** Counts what has ended and tells when the warming is over. */
class Count {
  ended = 0
  readonly faults: string[] = []
  readonly #size: Size
  readonly #warmed: () => void

  constructor(size: Size, warmed: () => void) {
    this.#size = size
    this.#warmed = warmed
  }

  add(listener: Listener): void {
    this.faults.push(...faultsOf([listener]))
    if (listener.text !== WORDS) this.faults.push(`${listener.thread}: said "${listener.text}"`)
    if (++this.ended === this.#size.warming) this.#warmed()
  }
}

/** Each of `width` clients keeps one thread and its stream, and submits when its run has ended. */
async function onOpenThreads({ tongue, server }: Side, size: Size, count: Count): Promise<void> {
  const { port } = server
  const clients = Array.from({ length: size.width }, (_, n) => n)
  let left = size.warming + size.runs
  await spread({ port, width: size.width }, clients, async (_, link) => {
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
async function onNewThreads({ tongue, server }: Side, size: Size, count: Count): Promise<void> {
  const { port } = server
  const runs = Array.from({ length: size.warming + size.runs }, (_, n) => n)
  await spread({ port, width: size.width }, runs, async (_, link: Link) => {
    const thread = await tongue.begin(link, INPUT)
    const listener = new Listener({ port, tongue, thread })
    await listener.connect(await openLink(port))
    await listener.ended()
    listener.close()
    count.add(listener)
  })
}

async function measured(side: Side, size: Size, work: typeof onNewThreads) {
  let beganAt = 0
  let watch = watchLoad(side.server)
  const count = new Count(size, () => {
    beganAt = performance.now()
    watch = watchLoad(side.server)
  })
  await work(side, size, count)
  const perSecond = (size.runs / (performance.now() - beganAt)) * 1000
  return { perSecond, faults: count.faults, load: watch() }
}

const sizeOf = (stage: Stage): Size => ({
  width: stage.pick(64, 8),
  warming: stage.pick(1500, 8),
  runs: stage.pick(4000, 40),
})

export const shortRuns: Row = {
  name: 'short-runs',
  about: 'Runs of one short turn, 64 at a time, watched to their end.',
  async measure(stage) {
    const [native, raw] = (await stage.pair()) as [Side, Side]
    const size = sizeOf(stage)
    const figures: Figure[] = []
    const faults: string[] = []
    for (const [name, work] of [
      [`short runs, ${size.width} open threads`, onOpenThreads],
      ['short runs, a new thread and stream each', onNewThreads],
    ] as const) {
      const bare = await measured(raw, size, work)
      const own = await measured(native, size, work)
      faults.push(...bare.faults, ...own.faults)
      figures.push({
        name,
        value: own.perSecond,
        unit: 'per s',
        bar: least(500),
        raw: bare.perSecond,
        more: own.load.text,
      })
      const done = size.runs
      const works = { own: { ...own.load, done }, raw: { ...bare.load, done } }
      figures.push(...workFigure(`${name}: work for a run`, works.own, works.raw))
    }
    return { figures, faults }
  },
}
