/**
 * From the submit to the first token, one run after the other on a server that does nothing else;
 * both with the stream open already and with the stream opened after the submit.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { type Figure, most, quantile } from '../figure.ts'
import { openLink } from '../link.ts'
import { faultsOf, Listener } from '../listener.ts'
import type { Row } from '../row.ts'
import type { Side, Stage } from '../stage.ts'
import { say } from '../tongue.ts'

const INPUT = say('one two three')

type Opening = 'before' | 'after'

async function once(side: Side, opening: Opening): Promise<{ ms: number; faults: string[] }> {
  const { tongue, server } = side
  const { port } = server
  const [desk, line] = await Promise.all([openLink(port), openLink(port)])
  try {
    let listener: Listener
    let began: number
    if (opening === 'before') {
      listener = new Listener({ port, tongue, thread: await tongue.open(desk) })
      await listener.connect(line)
      await listener.ready()
      began = performance.now()
      await tongue.submit(desk, listener.thread, INPUT)
    } else {
      began = performance.now()
      listener = new Listener({ port, tongue, thread: await tongue.begin(desk, INPUT) })
      await listener.connect(line)
    }
    await listener.ended()
    return { ms: (listener.tokenAt as number) - began, faults: faultsOf([listener]) }
  } finally {
    desk.close()
    line.close()
  }
}

async function series(stage: Stage, side: Side, opening: Opening) {
  const times: number[] = []
  const faults: string[] = []
  const warming = stage.pick(100, 1)
  for (let i = 0; i < warming + stage.pick(400, 5); i++) {
    const one = await once(side, opening)
    if (i >= warming) times.push(one.ms)
    faults.push(...one.faults)
    await pause(1)
  }
  return { times, faults }
}

const ORDER: Record<Opening, string> = {
  before: 'stream open',
  after: 'stream opened after',
}

export const firstToken: Row = {
  name: 'first-token',
  about: 'Submit to first token told, an idle server, one run at a time, a new thread each.',
  async measure(stage) {
    const sides = await stage.sides()
    const [, , raw] = sides as [Side, Side, Side]
    const figures: Figure[] = []
    const faults: string[] = []
    for (const opening of ['before', 'after'] as const) {
      const bare = await series(stage, raw, opening)
      for (const side of sides.slice(0, 2)) {
        const own = await series(stage, side, opening)
        faults.push(...own.faults)
        for (const [q, bar] of [
          [0.5, 5],
          [0.99, 20],
        ] as const)
          figures.push({
            name: `first token, ${side.name}, ${ORDER[opening]}, p${q * 100}`,
            value: quantile(own.times, q),
            unit: 'ms',
            bar: most(bar),
            raw: quantile(bare.times, q),
            more: `${own.times.length} runs`,
          })
      }
    }
    return { figures, faults }
  },
}
