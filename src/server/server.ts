/**
 * The server: every dialect on one port, each also on a port of its own when asked for. It stops by
 * telling every stream first; nothing it does when a client goes away ever touches a run.
 */

import { Fault } from '../kernel/fault.ts'
import type { Engine } from '../kernel/ports.ts'
import type { Dialect } from '../wire/dialect.ts'
import type { Stage } from '../wire/outlet.ts'
import { createWheel } from '../wire/wheel.ts'
import { createDoor, createTurnstile, type DoorOptions } from './door.ts'
import { type House, serve } from './http.ts'
import { type Ears, type Limits, openPort, type Port, type Tls } from './listen.ts'
import type { Log } from './log.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { createPlaces } from './mount.ts'
import { createPages } from './page.ts'
import { rootDialect } from './root.ts'
import { createSockets } from './socket.ts'

export interface ServerOptions {
  engine: Engine
  dialects: Dialect[]
  host: string
  /** 0: the system chooses. */
  port: number
  /** Dialects that also get a port of their own. */
  listens?: Record<string, number>
  /** Who may come in. */
  access: Omit<DoorOptions, 'host' | 'behindProxy'>
  log: Log
  tls?: Tls | null
  /** A proxy in front is trusted to say who the client is and how it came. */
  behindProxy?: boolean
  /** Requests worked on at once; default 1024. */
  inFlight?: number
  limits?: Limits
  /** How readers are waited for; see `Stage`. */
  readers?: Pick<Stage, 'blockedMs' | 'lingerMs' | 'pileBytes'>
  /** The built console; absent: a plain page. */
  consoleDir?: string | null
  /** How long connections may take to end when the server stops; default 5 s. */
  graceMs?: number
}

export interface Listening {
  url: string
  port: number
  /** By dialect. */
  ports: Record<string, number>
}

export interface Server {
  /** Rejects when a port is taken; then nothing is listened on. */
  listen(): Promise<Listening>
  /** Says goodbye on every stream, stops accepting, and resolves when all is closed. Idempotent. */
  close(): Promise<void>
}

export function createServer(options: ServerOptions): Server {
  const { engine, dialects, host, log, tls = null, listens = {}, behindProxy = false } = options
  const wheel = createWheel()
  const turnstile = createTurnstile(options.inFlight ?? 1024)
  const onBug = (err: unknown) => log.error({ err }, 'a stream failed')
  const ports: Port[] = []
  let metrics: Metrics | null = null
  let isClosing = false
  let closing: Promise<void> | null = null

  const pages = createPages(options.consoleDir ?? null)
  const house: House = {
    engine,
    places: createPlaces(
      dialects,
      rootDialect(dialects, pages, () => metrics),
    ),
    door: createDoor({ ...options.access, host, behindProxy }),
    turnstile,
    stage: { wheel, onBug, ...options.readers },
    log,
    get metrics() {
      return metrics
    },
    behindProxy,
    isSecure: tls !== null,
    isClosing: () => isClosing,
    page: pages,
  }
  const sockets = createSockets(house)
  const earsOf = (only: string | null): Ears => ({
    onRequest: (req, res) => void serve(house, req, res, only),
    onUpgrade: (req, socket, head) => void sockets.upgrade(req, socket, head, only),
  })
  const open = async (port: number, only: string | null): Promise<number> => {
    const at = { host, port }
    const opened = await openPort(at, earsOf(only), options.limits ?? {}, tls)
    ports.push(opened)
    return opened.port
  }

  return {
    async listen() {
      const known = dialects.map((d) => d.name)
      for (const name of Object.keys(listens))
        if (!known.includes(name))
          throw new Fault('invalid', `There is no dialect ${name}. There are: ${known.join(', ')}.`)
      try {
        await Promise.all(dialects.map((dialect) => dialect.prepare?.()))
        const port = await open(options.port, null)
        const own: Record<string, number> = {}
        for (const [name, at] of Object.entries(listens)) own[name] = await open(at, name)
        metrics = createMetrics(engine, {
          streams: () => wheel.size,
          inFlight: () => turnstile.inside,
        })
        const at = (p: number) => `${tls ? 'https' : 'http'}://${nameOf(host)}:${p}`
        for (const dialect of dialects) {
          const base = own[dialect.name]
          await dialect.listening?.(base ? at(base) : `${at(port)}/${dialect.name}`)
        }
        return { url: at(port), port, ports: own }
      } catch (error) {
        await Promise.all(ports.map((p) => p.close(0)))
        throw error
      }
    },
    close() {
      closing ??= (async () => {
        const graceMs = options.graceMs ?? 5000
        isClosing = true
        for (const stream of wheel.all()) stream.close('shutdown')
        const cut = setTimeout(() => sockets.cut(), graceMs)
        await Promise.all(ports.map((p) => p.close(graceMs)))
        clearTimeout(cut)
        sockets.cut()
        metrics?.close()
        wheel.stop()
        for (const dialect of dialects) await dialect.close?.()
      })()
      return closing
    },
  }
}

const nameOf = (host: string): string => (host.includes(':') ? `[${host}]` : host)
