/**
 * kill -9 in the middle of a thousand answers: from the start of the next process to the moment
 * when every reader, back with its own cursor, was told something new, and heard a new token.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { type Figure, median, most } from '../figure.ts'
import { spread } from '../link.ts'
import { faultsOf, Listener } from '../listener.ts'
import type { Row } from '../row.ts'
import type { Server } from '../server.ts'
import type { Stage } from '../stage.ts'
import { numbered } from '../text.ts'
import { NATIVE, say } from '../tongue.ts'

const EVERY_MS = 250
const WIDTH = 32
const PATIENCE_MS = 60_000

interface Back {
  startMs: number
  frameMs: number
  tokenMs: number
  faults: string[]
}

async function talk(server: Server, text: string, streams: number): Promise<Listener[]> {
  const { port } = server
  const listeners: Listener[] = []
  await spread({ port, width: WIDTH }, Array(streams).fill(null), async (_, link, n) => {
    const listener = new Listener({ port, tongue: NATIVE, thread: await NATIVE.open(link) })
    listeners[n] = listener
    await listener.connect()
    await listener.ready()
    await NATIVE.submit(link, listener.thread, say(text, EVERY_MS))
  })
  await Promise.all(listeners.map((l) => l.until(() => l.tokenAt !== null)))
  return listeners
}

async function comeBack(listeners: Listener[], restart: () => Promise<Server>): Promise<Back> {
  for (const listener of listeners) listener.restart()
  const server = await restart()
  const { startedAt, startMs } = server
  const live = Promise.all(
    listeners.map(async (listener) => {
      await listener.connect()
      await listener.until((l) => l.tokenAt !== null || l.ends > 0)
    }),
  ).then(() => true)
  const isLive = await Promise.race([live, pause(PATIENCE_MS, false, { ref: false })])
  const last = (times: (number | null)[]): number =>
    Math.max(...times.map((t) => t ?? Number.POSITIVE_INFINITY)) - startedAt
  const faults = faultsOf(listeners)
  if (!isLive) faults.push(`not every stream was live again after ${PATIENCE_MS} ms`)
  return {
    startMs,
    frameMs: last(listeners.map((l) => l.firstAt)),
    tokenMs: last(listeners.map((l) => l.tokenAt)),
    faults,
  }
}

async function killAndReturn(stage: Stage, streams: number): Promise<Back> {
  const folder = stage.newFolder()
  const server = await stage.start(folder)
  // Long enough not to end before everybody is back.
  const listeners = await talk(server, numbered('w', 400), streams)
  await pause(stage.pick(2000, 100))
  const lost = Promise.all(listeners.map((l) => l.lost()))
  await server.kill()
  await lost
  // Only now: what was on its way when the server died was told too.
  const before = listeners.map((l) => l.text)
  const back = await comeBack(listeners, () => stage.start(folder, server.port))
  listeners.forEach((l, n) => {
    const told = (before[n] as string) + l.text
    if (told !== numbered('w', told.trim().split(' ').length))
      back.faults.push(`${l.thread}: words are missing or there twice: ${gapIn(told)}`)
    l.close()
  })
  return back
}

/** The first place where the words do not follow each other. */
function gapIn(told: string): string {
  const words = told.trim().split(' ')
  const at = words.findIndex((word, n) => word !== `w.${n}`)
  return words.slice(Math.max(0, at - 2), at + 2).join(' ')
}

/** What coming back costs by itself: a server that remembers nothing answers each with a new frame. */
async function rawReturn(stage: Stage, streams: number): Promise<number> {
  const server = await stage.startRaw()
  const { port } = server
  const listeners = Array.from(
    { length: streams },
    (_, n) => new Listener({ port, tongue: NATIVE, thread: `t${n}`, after: 5 }),
  )
  await server.kill()
  const again = await stage.startRaw(port)
  await Promise.all(listeners.map((l) => l.connect().then(() => l.until(() => l.firstAt !== null))))
  for (const listener of listeners) listener.close()
  return Math.max(...listeners.map((l) => l.firstAt as number)) - again.startedAt
}

export const restart: Row = {
  name: 'restart',
  about: 'kill -9 with 1,000 active runs, restart, every reader comes back with its cursor.',
  async measure(stage) {
    const streams = stage.pick(1000, 10)
    const rounds: Back[] = []
    for (let i = 0; i < stage.pick(3, 1); i++) rounds.push(await killAndReturn(stage, streams))
    const raw = await rawReturn(stage, streams)
    const over = (pick: (b: Back) => number): number => median(rounds.map(pick)) / 1000
    const figures: Figure[] = [
      {
        name: `kill -9 with ${streams} active runs, every stream live`,
        value: over((b) => b.frameMs),
        unit: 's',
        bar: most(2),
        raw: raw / 1000,
        more: `start of the process to the last stream's first new frame; its first 200 after ${Math.round(over((b) => b.startMs) * 1000)} ms`,
      },
      {
        name: 'the same, to the last new token',
        value: over((b) => b.tokenMs),
        unit: 's',
        more: `one token every ${EVERY_MS} ms`,
      },
    ]
    return { figures, faults: rounds.flatMap((r) => r.faults) }
  },
}
