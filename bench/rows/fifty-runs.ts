/** Fifty runs submitted in one breath, 200 tokens each: when each speaks first, when all are done. */

import { type Figure, median, most, quantile } from '../figure.ts'
import { openLinks } from '../link.ts'
import { faultsOf, Listener } from '../listener.ts'
import { watchLoad } from '../load.ts'
import type { Row } from '../row.ts'
import type { Side, Stage } from '../stage.ts'
import { numbered } from '../text.ts'
import { say } from '../tongue.ts'

const TOKENS = 200

async function once({ tongue, server }: Side, runs: number) {
  const { port } = server
  const links = await openLinks(port, runs)
  const listeners = await Promise.all(
    links.map(async (link) => new Listener({ port, tongue, thread: await tongue.open(link) })),
  )
  for (const listener of listeners) await listener.connect()
  await Promise.all(listeners.map((l) => l.ready()))
  const texts = listeners.map((_, n) => numbered(`r${n}`, TOKENS))
  const began = performance.now()
  await Promise.all(
    listeners.map((l, n) => tongue.submit(links[n] as never, l.thread, say(texts[n] as string))),
  )
  await Promise.all(listeners.map((l) => l.ended()))
  const doneMs = performance.now() - began
  for (const each of [...links, ...listeners]) each.close()
  const faults = faultsOf(listeners)
  listeners.forEach((l, n) => {
    if (l.text !== texts[n]) faults.push(`${l.thread}: the text told is not the text said`)
  })
  return { first: listeners.map((l) => (l.tokenAt as number) - began), doneMs, faults }
}

async function rounds(stage: Stage, side: Side, runs: number) {
  for (let i = 0; i < stage.pick(5, 0); i++) await once(side, runs)
  const load = watchLoad(side.server)
  const all: Awaited<ReturnType<typeof once>>[] = []
  for (let i = 0; i < stage.pick(15, 1); i++) all.push(await once(side, runs))
  return {
    firstP99: quantile(
      all.flatMap((r) => r.first),
      0.99,
    ),
    doneMs: median(all.map((r) => r.doneMs)),
    worstMs: Math.max(...all.map((r) => r.doneMs)),
    faults: all.flatMap((r) => r.faults),
    load: load(),
  }
}

export const fiftyRuns: Row = {
  name: 'fifty-runs',
  about: 'Fifty runs at once, 200 tokens each, every stream open.',
  async measure(stage) {
    const runs = stage.pick(50, 5)
    const [native, raw] = (await stage.pair()) as [Side, Side]
    const bare = await rounds(stage, raw, runs)
    const own = await rounds(stage, native, runs)
    const figures: Figure[] = [
      {
        name: `${runs} runs at once, first token p99`,
        value: own.firstP99,
        unit: 'ms',
        bar: most(150),
        raw: bare.firstP99,
        more: own.load.text,
      },
      {
        name: `${runs} runs at once, all done`,
        value: own.doneMs,
        unit: 'ms',
        bar: most(1000),
        raw: bare.doneMs,
        more: `median; the slowest round ${Math.round(own.worstMs)} ms`,
      },
    ]
    return { figures, faults: [...bare.faults, ...own.faults] }
  },
}
