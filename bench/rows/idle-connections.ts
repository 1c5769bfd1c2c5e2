/**
 * What a stream costs while nothing is said: memory of the server with many open, each on a thread
 * of its own, less its memory before, over their number.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { type Figure, most } from '../figure.ts'
import { spread } from '../link.ts'
import { faultsOf, Listener } from '../listener.ts'
import type { Row } from '../row.ts'
import { openFilesLimit, type Server } from '../server.ts'
import type { Stage } from '../stage.ts'
import { NATIVE } from '../tongue.ts'

/** Files that a process needs beside its connections. */
const SPARE_FILES = 200
const WIDTH = 64
const KIB = 1024

async function makeThreads(server: Server, count: number): Promise<string[]> {
  const threads: string[] = []
  const { port } = server
  await spread({ port, width: WIDTH }, Array(count).fill(null), async (_, link, n) => {
    threads[n] = await NATIVE.open(link)
  })
  return threads
}

async function listen(server: Server, threads: readonly string[]): Promise<Listener[]> {
  const { port } = server
  const listeners = threads.map((thread) => new Listener({ port, tongue: NATIVE, thread }))
  let next = 0
  const labour = async (): Promise<void> => {
    for (let l = listeners[next++]; l; l = listeners[next++]) {
      await l.connect()
      await l.ready()
    }
  }
  await Promise.all(Array.from({ length: WIDTH }, labour))
  return listeners
}

/** The least that is seen until the memory has come to rest: V8 clears up when nothing happens. */
async function settled(server: Server, seconds: number): Promise<number> {
  let least = server.rss()
  for (let i = 0; i < seconds; i++) {
    await pause(1000)
    least = Math.min(least, server.rss())
  }
  return least
}

async function perConnection(stage: Stage, server: Server, threads: readonly string[]) {
  const warm = await listen(server, threads.slice(0, stage.pick(500, 5)))
  for (const listener of warm) listener.close()
  const seconds = stage.pick(15, 1)
  const before = await settled(server, seconds)
  const listeners = await listen(server, threads)
  const after = await settled(server, seconds)
  const faults = faultsOf(listeners)
  if (listeners.some((l) => !l.isReady)) faults.push('a stream was not there any more at the end')
  for (const listener of listeners) listener.close()
  return { bytes: (after - before) / threads.length, rss: after, faults }
}

export const idleConnections: Row = {
  name: 'idle-connections',
  about: '10,000 streams on as many threads, nothing said.',
  async measure(stage) {
    const wanted = stage.pick(10_000, 20)
    const count = Math.min(wanted, openFilesLimit() - SPARE_FILES)
    const folder = stage.newFolder()
    const maker = await stage.start(folder)
    const threads = await makeThreads(maker, count)
    await maker.stop()
    // A new process: what making the threads has left in memory does not count, for or against.
    const own = await perConnection(stage, await stage.start(folder), threads)
    const bare = await perConnection(stage, await stage.startRaw(), threads)
    const limited = count < wanted ? `the open files limit allowed ${count}; ` : ''
    const figure: Figure = {
      name: `${count} idle connections, each`,
      value: own.bytes / KIB,
      unit: 'KiB',
      bar: most(12),
      raw: bare.bytes / KIB,
      more: `${limited}RSS ${Math.round(own.rss / 2 ** 20)} MiB with all open`,
    }
    return { figures: [figure], faults: [...own.faults, ...bare.faults] }
  },
}
