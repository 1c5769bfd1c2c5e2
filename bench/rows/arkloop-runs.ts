/** Arkloop's load of its workers: fifty threads, a run on each at once, watched to their ends. */

import { runIn, signUp, threadWith } from '../arkloop.ts'
import { least, most, quantile } from '../figure.ts'
import type { Link } from '../link.ts'
import type { Row } from '../row.ts'
import { say } from '../tongue.ts'

const PATIENCE_MS = 60_000
const END = /event: run\.(completed|failed|cancelled|interrupted)\n/

/** How the run ends; its client goes away then, since the stream stays open. */
function endOf(link: Link, run: string): Promise<string> {
  let text = ''
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('late'), PATIENCE_MS)
    const tell = (end: string): void => {
      clearTimeout(timer)
      resolve(end)
      link.close()
    }
    link.send('GET', `/v1/runs/${run}/events`, undefined, {
      body(piece) {
        text += piece
        const end = END.exec(text)?.[1]
        if (end) tell(end)
      },
      done: () => tell('lost'),
      lost: () => tell('lost'),
    })
  })
}

export const arkloopRuns: Row = {
  name: 'arkloop-runs',
  about: "Arkloop's worker load: fifty runs at once, each on a thread of its own.",
  async measure(stage) {
    const person = await signUp(await stage.start())
    const links = await person.links(stage.pick(50, 5))
    const script = say('stub delta 1 stub delta 2 stub delta 3')
    const threads = await Promise.all(links.map((link) => threadWith(link, script)))
    const took: number[] = []
    const ends = await Promise.all(
      links.map(async (link, n) => {
        const began = performance.now()
        const end = await endOf(link, await runIn(link, threads[n] as string))
        took.push(performance.now() - began)
        return end
      }),
    )
    const well = ends.filter((end) => end === 'completed').length
    const wrong = ends.filter((end) => end === 'late' || end === 'lost').length
    return {
      figures: [
        {
          name: `Arkloop, ${links.length} runs at once, completed`,
          value: well / links.length,
          unit: 'ratio',
          bar: least(0.99),
        },
        {
          name: `Arkloop, ${links.length} runs at once, from request to end, p99`,
          value: quantile(took, 0.99),
          unit: 'ms',
          bar: most(PATIENCE_MS),
          more: `p50 ${quantile(took, 0.5).toFixed(0)} ms`,
        },
      ],
      faults: wrong > 0 ? [`${wrong} runs did not end`] : [],
    }
  },
}
