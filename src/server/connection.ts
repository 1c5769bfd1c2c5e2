/**
 * One WebSocket: messages in order, one frame of a feed a message. What a dialect says before the
 * handshake is complete is said right after it.
 */

import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Socket, SocketEvents } from '../wire/dialect.ts'
import { type Running, runFeed } from '../wire/feed.ts'
import type { Feed, Goodbye } from '../wire/projection.ts'
import type { House } from './http.ts'

/** Above this a reader counts as slow. */
const SLOW_BYTES = 65_536
/** What may pile up on a socket whose dialect does not heed that. */
const MOST_BYTES = 4_194_304
/** Messages that may wait for an earlier one to be dealt with. */
const MOST_MESSAGES = 64

const CLOSE_CODES: Record<Goodbye, number> = {
  shutdown: 1012,
  slow: 1013,
  erased: 1000,
  failed: 1011,
}

export class Connection implements Socket {
  #events: SocketEvents | null = null
  readonly #house: House
  readonly #raw: Duplex
  readonly #running = new Set<Running>()
  #ws: WebSocket | null = null
  #early: (() => void)[] | null = []
  #leave: (() => void) | null = null
  #inbox: (string | null)[] = []
  /** Feeds that wait for a slow reader. */
  #waiting: (() => void)[] = []
  #mostBytes = MOST_BYTES
  #isReading = false
  #isGone = false
  #pingEveryMs = 0
  #pingedAt = 0
  #isAnswering = true

  constructor(house: House, raw: Duplex) {
    this.#house = house
    this.#raw = raw
  }

  /** The dialect has taken the connection; it hears of its end also when that has come already. */
  accept(events: SocketEvents): void {
    if (this.#isGone) events.closed()
    else this.#events = events
  }

  attach(ws: WebSocket, pingEveryMs: number): void {
    this.#ws = ws
    this.#pingEveryMs = pingEveryMs
    const { wheel } = this.#house.stage
    this.#pingedAt = wheel.now()
    this.#leave = wheel.add({
      tick: (now) => this.#tick(now),
      close: (reason) => this.dismiss(reason),
    })
    ws.on('message', (data, isBinary) => this.#take(isBinary ? null : data.toString()))
    ws.on('pong', () => {
      this.#isAnswering = true
    })
    // A message that breaks the protocol closes the socket with the code that says so.
    ws.on('error', (err) => this.#house.log.debug({ err }, 'a socket failed'))
    ws.once('close', () => this.gone())
    const early = this.#early ?? []
    this.#early = null
    for (const act of early) act()
  }

  send(text: string): boolean {
    return this.#whenOpen(() => this.#write([text]), true)
  }

  close(code: number, reason: string): void {
    this.#whenOpen(() => this.#ws?.close(code, reason), undefined)
  }

  /** The server ends the connection: its streams say so first. */
  dismiss(reason: Goodbye): void {
    for (const running of [...this.#running]) running.close(reason)
    this.#ws?.close(CLOSE_CODES[reason], reason)
  }

  // biome-ignore lint/suspicious/noExplicitAny: a feed's state and frame types are its own affair.
  follow(feed: Feed<any, any>): () => void {
    let stop: (() => void) | null = null
    let isWanted = true
    this.#whenOpen(() => {
      if (isWanted && !this.#isGone) stop = this.#run(feed)
    }, undefined)
    return () => {
      isWanted = false
      stop?.()
    }
  }

  #tick(now: number): void {
    if (this.#pingEveryMs <= 0 || now - this.#pingedAt < this.#pingEveryMs) return
    if (!this.#isAnswering) {
      this.cut()
      return
    }
    this.#isAnswering = false
    this.#pingedAt = now
    this.#ws?.ping()
  }

  cut(): void {
    this.#ws?.terminate()
  }

  gone(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#leave?.()
    for (const running of [...this.#running]) running.close()
    this.#running.clear()
    this.#guard(() => this.#events?.closed())
  }

  #whenOpen<T>(act: () => T, early: T): T {
    if (!this.#early) return act()
    this.#early.push(act)
    return early
  }

  /**
   * All frames in one write to the network. What a reader who keeps up is sent at once may be as
   * large as it is; one who lets too much pile up behind it is told so in the close frame.
   */
  #write(frames: string[]): boolean {
    const ws = this.#ws
    if (!ws || ws.readyState !== ws.OPEN) return true
    const keepsUp = ws.bufferedAmount <= SLOW_BYTES
    this.#raw.cork()
    frames.forEach((frame, i) => {
      ws.send(frame, i === frames.length - 1 ? () => this.#flushed() : undefined)
    })
    this.#raw.uncork()
    if (keepsUp) this.#mostBytes = MOST_BYTES + ws.bufferedAmount
    else if (ws.bufferedAmount > this.#mostBytes) ws.close(CLOSE_CODES.slow, 'slow')
    return ws.bufferedAmount <= SLOW_BYTES
  }

  #flushed(): void {
    if (this.#waiting.length === 0 || (this.#ws?.bufferedAmount ?? 0) > SLOW_BYTES) return
    for (const then of this.#waiting.splice(0)) then()
  }

  // biome-ignore lint/suspicious/noExplicitAny: as for follow.
  #run(feed: Feed<any, any>): () => void {
    const { engine, stage } = this.#house
    const running = runFeed(
      engine,
      feed,
      {
        write: (frames) => this.#write(frames),
        drained: (then) => void this.#waiting.push(then),
        end: (reason) => {
          if (reason && reason !== 'erased') this.#ws?.close(CLOSE_CODES[reason], reason)
          else queueMicrotask(stop)
        },
        cut: () => this.cut(),
      },
      stage,
    )
    const stop = () => {
      running.close()
      this.#running.delete(running)
    }
    this.#running.add(running)
    return stop
  }

  /** One message at a time, in the order in which they came; a client that floods is not read. */
  #take(message: string | null): void {
    this.#inbox.push(message)
    if (this.#inbox.length >= MOST_MESSAGES) this.#ws?.pause()
    if (!this.#isReading) void this.#read()
  }

  async #read(): Promise<void> {
    this.#isReading = true
    while (this.#inbox.length > 0 && !this.#isGone) {
      const message = this.#inbox.shift() as string | null
      await this.#guard(() => this.#events?.message(message))
      if (this.#inbox.length === 0) this.#ws?.resume()
    }
    this.#isReading = false
  }

  async #guard(act: () => void | Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      this.#house.log.error({ err: error }, 'a socket message failed')
      this.#ws?.close(CLOSE_CODES.failed, 'failed')
    }
  }
}
