/**
 * Arkloop's load of its gateway: a thousand requests a second, evenly, over 200 connections. Times
 * count from when a request was due, so that a server that stalls cannot hide it.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { type Person, signUp, withToken } from '../arkloop.ts'
import { type Figure, least, most, quantile } from '../figure.ts'
import { type Link, openLinks } from '../link.ts'
import type { Row } from '../row.ts'
import type { Server } from '../server.ts'
import { HEALTH } from '../stage.ts'

const PER_SECOND = 1000
const WORKERS = 200

interface Load {
  path: string
  warmMs: number
  ms: number
}

interface Seen {
  /** Milliseconds. */
  times: number[]
  refused: number
}

async function load(links: readonly Link[], { path, warmMs, ms }: Load): Promise<Seen> {
  const idle = [...links]
  const due: number[] = []
  const seen: Seen = { times: [], refused: 0 }
  const began = performance.now()
  const until = began + warmMs + ms
  const open: Promise<void>[] = []
  const ask = async (link: Link, at: number): Promise<void> => {
    for (let next: number | undefined = at; next !== undefined; next = due.shift()) {
      const answer = await link.ask('GET', path).catch(() => null)
      if (next < began + warmMs) continue
      if (answer) seen.times.push(answer.at - next)
      if (!answer || answer.status >= 300) seen.refused++
      if (!answer) return
    }
    idle.push(link)
  }
  for (let n = 0; ; ) {
    const now = performance.now()
    for (
      let at = began + (n * 1000) / PER_SECOND;
      at <= now;
      at = began + (++n * 1000) / PER_SECOND
    ) {
      if (at >= until) break
      // The one that has rested longest: a connection that never asks anything is closed.
      const link = idle.shift()
      if (link) open.push(ask(link, at))
      else due.push(at)
    }
    if (now >= until) break
    await pause(1)
  }
  await Promise.all(open)
  return seen
}

async function loaded(links: readonly Link[], given: Load): Promise<Seen> {
  const seen = await load(links, given)
  for (const link of links) link.close()
  return seen
}

interface Shape extends Load {
  name: string
  barMs: number
  /** Raw Node's p99. */
  raw: number
}

async function shape(person: Person, { name, barMs, raw, ...given }: Shape) {
  const { times, refused } = await loaded(await person.links(WORKERS), given)
  const share = times.length === 0 ? 0 : (times.length - refused) / times.length
  const figures: Figure[] = [
    {
      name: `Arkloop ${name}, 1,000 a second, p99`,
      value: quantile(times, 0.99),
      unit: 'ms',
      bar: most(barMs),
      raw,
      more: `p50 ${quantile(times, 0.5).toFixed(2)} ms; from when each was due`,
    },
    { name: `Arkloop ${name}, answered well`, value: share, unit: 'ratio', bar: least(0.999) },
  ]
  return { figures, faults: refused > 0 ? [`${name}: ${refused} were refused`] : [] }
}

async function keyOf(server: Server, person: Person): Promise<Person> {
  const [link] = (await person.links(1)) as [Link]
  const wanted = { name: 'bench', scopes: ['data.runs.read'] }
  const { key } = await link.json('POST', '/v1/api-keys', wanted)
  link.close()
  return withToken(server.port, key as string)
}

export const arkloopGateway: Row = {
  name: 'arkloop-gateway',
  about: "Arkloop's gateway load: 1,000 requests a second over 200 connections.",
  async measure(stage) {
    const server = await stage.start()
    const person = await signUp(server)
    const long = { warmMs: stage.pick(5000, 50), ms: stage.pick(30_000, 100) }
    const brief = { warmMs: stage.pick(2000, 50), ms: stage.pick(10_000, 100) }
    const rawLinks = await openLinks((await stage.startRaw()).port, WORKERS)
    const bare = await loaded(rawLinks, { path: HEALTH, ...brief })
    const raw = quantile(bare.times, 0.99)
    const me = { path: '/v1/me', raw, ...brief }
    const results = [
      await shape(person, { name: '/benchz', path: '/benchz', barMs: 10, raw, ...long }),
      await shape(person, { name: 'with an access token', barMs: 10, ...me }),
      await shape(await keyOf(server, person), { name: 'with an API key', barMs: 15, ...me }),
    ]
    return {
      figures: results.flatMap((r) => r.figures),
      faults: results.flatMap((r) => r.faults),
    }
  },
}
