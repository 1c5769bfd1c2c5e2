/**
 * A long thread read again from several places in it: when the first frame comes, and the last.
 * Cold is the first reader after a start of the server, warm is one that comes later.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { type Figure, median, most } from '../figure.ts'
import { openLink } from '../link.ts'
import { faultsOf, Listener } from '../listener.ts'
import type { Row } from '../row.ts'
import type { Server } from '../server.ts'
import type { Stage } from '../stage.ts'
import { prose } from '../text.ts'
import { NATIVE, OWNWARE, say, sayFile, type Tongue } from '../tongue.ts'

const CURSORS = [0, 0.25, 0.5, 0.75, 0.99]
const WORDS_A_RUN = 1000

/** Answers one word at a time until the log is that long. Native's thread ids are Ownware's, undressed. */
async function write(server: Server, events: number): Promise<{ thread: string; seq: number }> {
  const { port } = server
  const link = await openLink(port)
  const thread = await NATIVE.open(link)
  const listener = new Listener({ port, tongue: NATIVE, thread })
  await listener.connect()
  for (let run = 1; listener.seq < events; run++) {
    const words = Math.min(WORDS_A_RUN, events - listener.seq)
    await NATIVE.submit(link, thread, say(prose(words, run), 1))
    await listener.ended(run)
  }
  listener.close()
  link.close()
  return { thread, seq: listener.seq }
}

/** The last number of the stream as this API counts. */
async function lengthOf(port: number, tongue: Tongue, thread: string): Promise<number> {
  const listener = new Listener({ port, tongue, thread })
  await listener.connect()
  await listener.ready()
  listener.close()
  return listener.seq
}

async function read(
  port: number,
  tongue: Tongue,
  { thread, after }: { thread: string; after: number },
) {
  const line = await openLink(port)
  const listener = new Listener({ port, tongue, thread, after })
  const began = performance.now()
  await listener.connect(line)
  await listener.ready()
  listener.close()
  return {
    first: (listener.firstAt ?? listener.lastAt) - began,
    last: listener.lastAt - began,
    end: listener.seq,
    faults: faultsOf([listener]),
  }
}

const threadIn = (tongue: Tongue, thread: string): string =>
  tongue === OWNWARE ? `thread_${thread.replaceAll('-', '')}` : thread

interface Seen {
  /** The slowest cursor's median, and the whole log's. */
  first: number
  last: number
  faults: string[]
}

async function warm(stage: Stage, port: number, tongue: Tongue, id: string): Promise<Seen> {
  const thread = threadIn(tongue, id)
  const length = await lengthOf(port, tongue, thread)
  const firsts: number[] = []
  const lasts: number[] = []
  const faults: string[] = []
  for (const cursor of CURSORS) {
    const after = Math.floor(length * cursor)
    const times: Awaited<ReturnType<typeof read>>[] = []
    for (let i = 0; i < stage.pick(15, 2); i++) {
      times.push(await read(port, tongue, { thread, after }))
      await pause(2)
    }
    firsts.push(median(times.map((t) => t.first)))
    lasts.push(median(times.map((t) => t.last)))
    faults.push(...times.flatMap((t) => t.faults))
    if (times.some((t) => t.end !== length)) faults.push(`${thread}: not read to its end`)
  }
  return { first: Math.max(...firsts), last: Math.max(...lasts), faults }
}

/** The first reader after a start, a start for each; and later ones on the last of these servers. */
async function coldAndWarm(stage: Stage, folder: string, tongue: Tongue, id: string) {
  const thread = threadIn(tongue, id)
  const times: Awaited<ReturnType<typeof read>>[] = []
  let server = await stage.start(folder)
  for (let i = 0; i < stage.pick(5, 1); i++) {
    if (i > 0) {
      await server.stop()
      server = await stage.start(folder)
    }
    if (!stage.isShort) await pause(300)
    times.push(await read(server.port, tongue, { thread, after: 0 }))
  }
  const later = await warm(stage, server.port, tongue, id)
  await server.stop()
  const first: Seen = {
    first: median(times.map((t) => t.first)),
    last: median(times.map((t) => t.last)),
    faults: times.flatMap((t) => t.faults),
  }
  return { first, later }
}

async function bare(stage: Stage, events: number): Promise<Seen> {
  const server = await stage.startRaw()
  const { port } = server
  const link = await openLink(port)
  stage.writeScript('replayed', [[{ say: prose(events, 1) }]])
  const thread = await NATIVE.open(link)
  const listener = new Listener({ port, tongue: NATIVE, thread })
  await listener.connect()
  await NATIVE.submit(link, thread, sayFile('replayed'))
  await listener.ended()
  listener.close()
  link.close()
  return warm(stage, port, NATIVE, thread)
}

export const replay: Row = {
  name: 'replay',
  about: 'A thread of 20,000 events, read again from several cursors.',
  async measure(stage) {
    const events = stage.pick(20_000, 300)
    const folder = stage.newFolder()
    const writer = await stage.start(folder)
    const { thread, seq } = await write(writer, events)
    // The last run's deltas are packed a moment after its end.
    await pause(stage.pick(1500, 400))
    await writer.stop()
    const figures: Figure[] = []
    const raw = await bare(stage, events)
    const faults = [...raw.faults]
    for (const tongue of [NATIVE, OWNWARE]) {
      const { first, later } = await coldAndWarm(stage, folder, tongue, thread)
      faults.push(...first.faults, ...later.faults)
      figures.push(...told(`replay of ${seq} events, ${tongue.name}`, { first, later, raw }))
    }
    return { figures, faults }
  },
}

const told = (name: string, seen: { first: Seen; later: Seen; raw: Seen }): Figure[] => [
  {
    name: `${name}, first frame`,
    value: seen.later.first,
    unit: 'ms',
    bar: most(50),
    raw: seen.raw.first,
    more: `median of the slowest of ${CURSORS.length} cursors`,
  },
  {
    name: `${name}, last frame`,
    value: seen.later.last,
    unit: 'ms',
    raw: seen.raw.last,
    more: 'median of the slowest cursor',
  },
  {
    name: `${name}, first frame, cold`,
    value: seen.first.first,
    unit: 'ms',
    bar: most(50),
    raw: seen.raw.first,
    more: `the first reader after a start; its last frame after ${Math.round(seen.first.last)} ms`,
  },
]
