/** One answer as fast as it goes: tokens a second from the submit to the last token. */

import { type Figure, least, median } from '../figure.ts'
import { openLink } from '../link.ts'
import { faultsOf, Listener } from '../listener.ts'
import { watchLoad } from '../load.ts'
import type { Row } from '../row.ts'
import type { Side, Stage } from '../stage.ts'
import { prose, wordsIn } from '../text.ts'
import { sayFile } from '../tongue.ts'

async function once(side: Side, text: string) {
  const { tongue, server } = side
  const link = await openLink(server.port)
  const thread = await tongue.open(link)
  let lastAt = 0
  let deltas = 0
  const told = (heard: { is: string }, at: number): void => {
    if (heard.is !== 'token') return
    lastAt = at
    deltas++
  }
  const listener = new Listener({ port: server.port, tongue, thread, told })
  await listener.connect()
  await listener.ready()
  const began = performance.now()
  await tongue.submit(link, thread, sayFile('long'))
  await listener.ended()
  listener.close()
  link.close()
  const faults = faultsOf([listener])
  if (listener.text !== text) faults.push(`${thread}: the text told is not the text said`)
  return { perSecond: (wordsIn(text) / (lastAt - began)) * 1000, deltas, faults }
}

async function rounds(stage: Stage, side: Side, text: string) {
  const load = watchLoad(side.server)
  const all: Awaited<ReturnType<typeof once>>[] = []
  for (let i = 0; i < stage.pick(5, 1); i++) all.push(await once(side, text))
  return {
    perSecond: median(all.map((r) => r.perSecond)),
    deltas: median(all.map((r) => r.deltas)),
    faults: all.flatMap((r) => r.faults),
    load: load(),
  }
}

export const oneStream: Row = {
  name: 'one-stream',
  about: 'One answer of 200,000 words, as fast as it goes.',
  async measure(stage) {
    const text = prose(stage.pick(200_000, 2_000), 1)
    stage.writeScript('long', [[{ say: text }]])
    const [native, ownware, raw] = (await stage.sides()) as [Side, Side, Side]
    const bare = await rounds(stage, raw, text)
    const figures: Figure[] = []
    const faults = [...bare.faults]
    for (const side of [native, ownware]) {
      const own = await rounds(stage, side, text)
      faults.push(...own.faults)
      figures.push({
        name: `one stream, ${side.name}`,
        value: own.perSecond,
        unit: 'per s',
        bar: least(50_000),
        raw: bare.perSecond,
        more: `tokens; told in ${own.deltas} deltas; ${own.load.text}`,
      })
    }
    return { figures, faults }
  },
}
