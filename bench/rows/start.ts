/** From the start of the process to its first 200, and what it takes when nobody asks for anything. */

import { setTimeout as pause } from 'node:timers/promises'
import { type Figure, median, most } from '../figure.ts'
import type { Row } from '../row.ts'
import type { Server } from '../server.ts'
import type { Stage } from '../stage.ts'

const MIB = 2 ** 20

interface Seen {
  fresh: number[]
  again: number[]
  rss: number[]
}

async function look(
  stage: Stage,
  start: (folder: string) => Promise<Server>,
  stop: (server: Server) => Promise<void>,
): Promise<Seen> {
  const seen: Seen = { fresh: [], again: [], rss: [] }
  for (let i = 0; i < stage.pick(5, 1); i++) {
    const folder = stage.newFolder()
    const first = await start(folder)
    seen.fresh.push(first.startMs)
    await stop(first)
    const second = await start(folder)
    seen.again.push(second.startMs)
    await pause(stage.pick(3000, 100))
    seen.rss.push(second.rss())
    await stop(second)
  }
  return seen
}

export const start: Row = {
  name: 'start',
  about: 'Start of the process to its first 200, and memory at rest.',
  async measure(stage) {
    const own = await look(
      stage,
      (folder) => stage.start(folder),
      (server) => server.stop(),
    )
    const raw = await look(
      stage,
      () => stage.startRaw(),
      (server) => server.kill(),
    )
    const figures: Figure[] = [
      {
        name: 'start to first 200, new data folder',
        value: median(own.fresh),
        unit: 'ms',
        bar: most(500),
        raw: median(raw.fresh),
        more: `median of ${own.fresh.length}`,
      },
      {
        name: 'start to first 200, folder with data',
        value: median(own.again),
        unit: 'ms',
        bar: most(500),
        raw: median(raw.again),
      },
      {
        name: 'memory, idle (RSS)',
        value: median(own.rss) / MIB,
        unit: 'MiB',
        bar: most(100),
        raw: median(raw.rss) / MIB,
        more: '3 s after the first answer',
      },
    ]
    return { figures, faults: [] }
  },
}
