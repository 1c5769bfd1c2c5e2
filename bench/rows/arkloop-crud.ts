/** Arkloop's load of its API: 200 at a time make a thread, read it, rename it and delete it. */

import { signUp } from '../arkloop.ts'
import { least, most, quantile } from '../figure.ts'
import type { Link } from '../link.ts'
import type { Row } from '../row.ts'

const WORKERS = 200
/** As long as its client waits. */
const PATIENCE_MS = 2000

interface Loop {
  /** All four together, in milliseconds. */
  sumMs: number
  asked: number
  well: number
}

async function loop(link: Link): Promise<Loop> {
  const done: Loop = { sumMs: 0, asked: 0, well: 0 }
  const ask = async (method: string, path: string, body?: unknown): Promise<string> => {
    const began = performance.now()
    const { status, text, at } = await link.ask(method, path, body)
    const tookMs = (text === '' ? performance.now() : at) - began
    done.sumMs += tookMs
    done.asked++
    if (status < 300 && tookMs < PATIENCE_MS) done.well++
    return text
  }
  const { id } = JSON.parse(await ask('POST', '/v1/threads', { title: 'bench' })) as { id: string }
  await ask('GET', `/v1/threads/${id}`)
  await ask('PATCH', `/v1/threads/${id}`, { title: 'bench again' })
  await ask('DELETE', `/v1/threads/${id}`)
  return done
}

export const arkloopCrud: Row = {
  name: 'arkloop-crud',
  about: "Arkloop's API load: 200 at a time make, read, rename and delete threads.",
  async measure(stage) {
    const person = await signUp(await stage.start())
    const links = await person.links(stage.pick(WORKERS, 5))
    const forMs = stage.pick(30_000, 200)
    const began = performance.now()
    const loops: Loop[] = []
    await Promise.all(
      links.map(async (link) => {
        while (performance.now() - began < forMs) loops.push(await loop(link))
      }),
    )
    const tookMs = performance.now() - began
    for (const link of links) link.close()
    const sums = loops.map((l) => l.sumMs)
    const asked = loops.reduce((n, l) => n + l.asked, 0)
    const well = loops.reduce((n, l) => n + l.well, 0)
    const perSecond = Math.round((asked / tookMs) * 1000)
    return {
      figures: [
        {
          name: `Arkloop threads, ${links.length} at a time, all four requests, p99`,
          value: quantile(sums, 0.99),
          unit: 'ms',
          bar: most(100),
          more: `p50 ${quantile(sums, 0.5).toFixed(0)} ms; ${perSecond} requests a second`,
        },
        {
          name: 'Arkloop threads, answered well',
          value: well / asked,
          unit: 'ratio',
          bar: least(0.995),
        },
      ],
      faults: [],
    }
  },
}
