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

async function round(stage: Stage, server: Server, faults: string[]): Promise<Seen> {
  faults.push(...(await speak(server, stage.pick(5000, 30), stage.pick(64, 8))))
  const threads = await rest(server, stage.pick(120, 0))
  let rss = server.rss()
  for (let i = 0; i < stage.pick(10, 0); i++) {
    await pause(1000)
    rss = Math.min(rss, server.rss())
  }
  return { rss, heap: (await told(server, 'nodejs_heap_size_used_bytes')) ?? 0, threads }
}

export const soak: Row = {
  name: 'soak',
  about: 'Memory after thousands of runs, and after as many again, threads at rest.',
  async measure(stage) {
    const server = await stage.start()
    const faults: string[] = []
    await round(stage, server, faults)
    const first = await round(stage, server, faults)
    const second = await round(stage, server, faults)
    const rounds = stage.pick(5000, 30)
    const figures: Figure[] = [
      {
        name: `memory growth over ${rounds} more runs (RSS)`,
        value: (second.rss / first.rss - 1) * 100,
        unit: '%',
        bar: most(10),
        more: `${mib(first.rss)} MiB after ${2 * rounds} runs, ${mib(second.rss)} after ${3 * rounds}; heap ${mib(first.heap)} and ${mib(second.heap)} MiB; ${second.threads ?? '?'} threads in memory`,
      },
      { name: 'memory at rest after the runs (RSS)', value: second.rss / MIB, unit: 'MiB' },
    ]
    return { figures, faults }
  },
}

const mib = (bytes: number): string => plain(bytes / MIB)
