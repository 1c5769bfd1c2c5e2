/** Thousands of runs on new threads, and again as many: threads at rest must leave memory. */

import { setTimeout as pause } from 'node:timers/promises'
import { type Figure, most, plain } from '../figure.ts'
import { openLink, spread } from '../link.ts'
import { faultsOf, Listener } from '../listener.ts'
import type { Row } from '../row.ts'
import type { Server } from '../server.ts'
import type { Stage } from '../stage.ts'
import { NATIVE, say } from '../tongue.ts'

const INPUT = say('one two three four five six seven eight')
const MIB = 2 ** 20

async function speak(server: Server, runs: number, width: number): Promise<string[]> {
  const { port } = server
  const faults: string[] = []
  await spread({ port, width }, Array(runs).fill(null), async (_, link) => {
    const thread = await NATIVE.begin(link, INPUT)
    const listener = new Listener({ port, tongue: NATIVE, thread })
    await listener.connect()
    await listener.ended()
    listener.close()
    faults.push(...faultsOf([listener]))
  })
  return faults
}

/** One of the figures that the server tells of itself; null when it tells no such thing. */
async function told(server: Server, name: string): Promise<number | null> {
  const link = await openLink(server.port)
  const { text } = await link.ask('GET', '/metrics')
  link.close()
  const line = text.split('\n').find((l) => l.startsWith(`${name} `))
  return line === undefined ? null : Number(line.slice(name.length))
}

/** Waits until no thread is in memory any more, but not for ever. */
async function rest(server: Server, seconds: number): Promise<number | null> {
  const name = 'manifold_engine{what="threadsInMemory"}'
  let left = await told(server, name)
  for (let i = 0; i < seconds && left !== null && left > 0; i++) {
    await pause(1000)
    left = await told(server, name)
  }
  return left
}

interface Seen {
  rss: number
  heap: number
  threads: number | null
}

async function round(
  stage: Stage,
  server: Server,
  runs: number,
): Promise<Seen & { faults: string[] }> {
  const faults = await speak(server, runs, stage.pick(64, 8))
  const threads = await rest(server, stage.pick(120, 0))
  let rss = server.rss()
  for (let i = 0; i < stage.pick(8, 0); i++) {
    await pause(1000)
    rss = Math.min(rss, server.rss())
  }
  const heap = (await told(server, 'nodejs_heap_size_used_bytes')) ?? 0
  return { rss, heap, threads, faults }
}

export const soak: Row = {
  name: 'soak',
  about: 'Memory after thousands of runs, and after as many again, threads at rest.',
  async measure(stage) {
    const server = await stage.start()
    const runs = stage.pick(3000, 20)
    const rounds: Awaited<ReturnType<typeof round>>[] = []
    for (let i = 0; i < 5; i++) rounds.push(await round(stage, server, runs))
    // The first one warms up. How full V8 lets its heap become varies, so two rounds are compared with two.
    const early = rounds.slice(1, 3)
    const late = rounds.slice(3)
    const top = (of: Seen[]): number => Math.max(...of.map((r) => r.rss))
    const list = (of: (r: Seen) => number): string => rounds.map((r) => mib(of(r))).join(', ')
    const figures: Figure[] = [
      {
        name: `memory growth over ${2 * runs} more runs (RSS)`,
        value: (top(late) / top(early) - 1) * 100,
        unit: '%',
        bar: most(10),
        more: `rounds of ${runs} runs: ${list((r) => r.rss)} MiB; heap ${list((r) => r.heap)} MiB; ${rounds.at(-1)?.threads ?? '?'} threads in memory`,
      },
      { name: 'memory at rest after the runs (RSS)', value: top(late) / MIB, unit: 'MiB' },
    ]
    return { figures, faults: rounds.flatMap((r) => r.faults) }
  },
}

const mib = (bytes: number): string => plain(bytes / MIB)
