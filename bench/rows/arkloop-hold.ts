/** Arkloop's load of its streams: 500 readers of one run that goes on, held for a minute. */

import { setTimeout as pause } from 'node:timers/promises'
import { runIn, signUp, threadWith } from '../arkloop.ts'
import { least, quantile } from '../figure.ts'
import type { Link } from '../link.ts'
import type { Row } from '../row.ts'

const HANGS = `script ${JSON.stringify([[{ say: 'Going on. ' }, { hang: true }]])}`

interface Reader {
  connectMs: number
  isHeld: boolean
}

/** Resolves when the run's first frame is there. */
function read(link: Link, run: string): Promise<Reader> {
  const began = performance.now()
  const reader: Reader = { connectMs: Number.NaN, isHeld: false }
  return new Promise((resolve) => {
    const lose = (): void => {
      reader.isHeld = false
      resolve(reader)
    }
    link.send('GET', `/v1/runs/${run}/events?after_seq=0`, undefined, {
      body(text, at) {
        if (reader.isHeld || !text.includes('event: run.started')) return
        reader.isHeld = true
        reader.connectMs = at - began
        resolve(reader)
      },
      done: lose,
      lost: lose,
    })
  })
}

export const arkloopHold: Row = {
  name: 'arkloop-hold',
  about: "Arkloop's stream load: 500 readers of one run, held for a minute.",
  async measure(stage) {
    const person = await signUp(await stage.start())
    const [first] = (await person.links(1)) as [Link]
    const run = await runIn(first, await threadWith(first, HANGS))
    const links = await person.links(stage.pick(500, 5))
    const readers = await Promise.all(links.map((link) => read(link, run)))
    await pause(stage.pick(60_000, 100))
    const held = readers.filter((r) => r.isHeld).length
    await first.json('POST', `/v1/runs/${run}:cancel`)
    for (const link of [first, ...links]) link.close()
    const times = readers.map((r) => r.connectMs)
    return {
      figures: [
        {
          name: `Arkloop, ${links.length} readers of one run, still there`,
          value: held / links.length,
          unit: 'ratio',
          bar: least(0.99),
          more: `first frame p99 ${quantile(times, 0.99).toFixed(0)} ms`,
        },
      ],
      faults: [],
    }
  },
}
