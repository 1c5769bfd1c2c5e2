/**
 * The smallest HTTP client that measures fairly: a bare socket, one exchange at a time, no objects
 * for what nobody asks about. All sockets are read into the same memory; texts must be ASCII.
 */

import { connect, type Socket } from 'node:net'

/** Who hears an answer, piece by piece. `at` is when the bytes were read, in `performance.now()`. */
export interface Ears {
  head?(status: number): void
  body(text: string, at: number): void
  /** The answer is complete; the link is free again. */
  done(): void
  /** The connection went away before. */
  lost(): void
}

export interface Answer {
  status: number
  text: string
  /** When the last byte was read. */
  at: number
}

type Place = 'idle' | 'head' | 'size' | 'chunk' | 'chunk-end' | 'trailer' | 'length'

const MEMORY = Buffer.allocUnsafeSlow(256 * 1024)

export class Link {
  readonly #socket: Socket
  readonly #host: string
  #credential = ''
  #ears: Ears | null = null
  #place: Place = 'idle'
  #held = ''
  /** Bytes that are still missing from the chunk or the body. */
  #left = 0
  #isClosed = false

  constructor(port: number, opened: (error: Error | null) => void) {
    this.#host = `127.0.0.1:${port}`
    const hear = (count: number): boolean => {
      this.#take(MEMORY.toString('latin1', 0, count), performance.now())
      return true
    }
    this.#socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: { buffer: MEMORY, callback: hear },
    })
    this.#socket.once('connect', () => opened(null))
    this.#socket.once('error', opened)
    this.#socket.once('close', () => this.#gone())
  }

  /** From now on every request says who it comes from. */
  signIn(token: string): this {
    this.#credential = `Authorization: Bearer ${token}\r\n`
    return this
  }

  /** Sends a request. The answer to the one before must be complete. */
  send(method: string, path: string, body: unknown, ears: Ears): void {
    if (this.#ears) throw new Error(`${method} ${path}: the link is busy`)
    if (this.#isClosed) {
      ears.lost()
      return
    }
    this.#ears = ears
    this.#place = 'head'
    const head = `${method} ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n${this.#credential}`
    const text = body === undefined ? '' : JSON.stringify(body)
    const about =
      text === ''
        ? ''
        : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n`
    this.#socket.write(`${head}${about}\r\n${text}`)
  }

  ask(method: string, path: string, body?: unknown): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let status = 0
      let text = ''
      let readAt = 0
      this.send(method, path, body, {
        head: (code) => {
          status = code
        },
        body: (piece, at) => {
          text += piece
          readAt = at
        },
        done: () => resolve({ status, text, at: readAt }),
        lost: () => reject(new Error(`${method} ${path}: the connection was lost`)),
      })
    })
  }

  /** The JSON of an answer that must not be a refusal. */
  async json(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const { status, text } = await this.ask(method, path, body)
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text.slice(0, 300)}`)
    return JSON.parse(text) as Record<string, unknown>
  }

  close(): void {
    this.#ears = null
    this.#isClosed = true
    this.#socket.destroy()
  }

  #gone(): void {
    this.#isClosed = true
    const ears = this.#ears
    this.#ears = null
    ears?.lost()
  }

  #take(text: string, at: number): void {
    const data = this.#held === '' ? text : this.#held + text
    this.#held = ''
    let from = 0
    while (from < data.length && this.#ears) {
      const next = this.#step(data, from, at)
      if (next < 0) {
        this.#held = data.slice(from)
        return
      }
      from = next
    }
  }

  /** Reads one piece of the answer; -1 when more bytes are needed for it. */
  #step(data: string, from: number, at: number): number {
    switch (this.#place) {
      case 'head':
        return this.#readHead(data, from)
      case 'size': {
        const end = data.indexOf('\r\n', from)
        if (end < 0) return -1
        this.#left = Number.parseInt(data.slice(from, end), 16)
        this.#place = this.#left === 0 ? 'trailer' : 'chunk'
        return end + 2
      }
      case 'chunk':
      case 'length': {
        const end = Math.min(data.length, from + this.#left)
        this.#left -= end - from
        this.#ears?.body(from === 0 && end === data.length ? data : data.slice(from, end), at)
        if (this.#left === 0 && this.#place === 'length') this.#finish()
        else if (this.#left === 0) this.#place = 'chunk-end'
        return end
      }
      case 'chunk-end':
      case 'trailer': {
        if (data.length - from < 2) return -1
        if (this.#place === 'trailer') this.#finish()
        else this.#place = 'size'
        return from + 2
      }
      case 'idle':
        throw new Error('an answer that nobody asked for')
    }
  }

  #readHead(data: string, from: number): number {
    const end = data.indexOf('\r\n\r\n', from)
    if (end < 0) return -1
    const head = data.slice(from, end).toLowerCase()
    this.#ears?.head?.(Number(head.slice(9, 12)))
    const length = Number(/\r\ncontent-length: *(\d+)/.exec(head)?.[1] ?? 0)
    this.#left = length
    if (head.includes('\r\ntransfer-encoding: chunked')) this.#place = 'size'
    else if (length > 0) this.#place = 'length'
    else this.#finish()
    return end + 4
  }

  #finish(): void {
    const ears = this.#ears
    this.#ears = null
    this.#place = 'idle'
    ears?.done()
  }
}

export const openLink = (port: number): Promise<Link> =>
  new Promise((resolve, reject) => {
    const link: Link = new Link(port, (error) => (error ? reject(error) : resolve(link)))
  })

export const openLinks = (port: number, count: number): Promise<Link[]> =>
  Promise.all(Array.from({ length: count }, () => openLink(port)))

/** Works through the items over so many links at once, each link one item after the other. */
export async function spread<T>(
  { port, width }: { port: number; width: number },
  items: readonly T[],
  work: (item: T, link: Link, index: number) => Promise<void>,
): Promise<void> {
  const links = await openLinks(port, Math.min(width, items.length))
  let next = 0
  const labour = async (link: Link): Promise<void> => {
    while (next < items.length) {
      const index = next++
      await work(items[index] as T, link, index)
    }
  }
  try {
    await Promise.all(links.map(labour))
  } finally {
    for (const link of links) link.close()
  }
}
