/**
 * Reads one stream and keeps watch over it: numbers must follow each other without gap or double,
 * also over a reconnect. What is wrong is collected, never thrown.
 */

import { type Link, openLink } from './link.ts'
import type { Heard, Tongue } from './tongue.ts'

export interface Watch {
  port: number
  tongue: Tongue
  thread: string
  /** The last number that was seen already. */
  after?: number
  /** Told of every frame; `at` is when it was read, in `performance.now()`. */
  told?(heard: Heard, at: number): void
}

export class Listener {
  readonly thread: string
  readonly faults: string[] = []
  /** The last number told. */
  seq: number
  text = ''
  /** When the first frame, the last one and the first token were read. */
  firstAt: number | null = null
  lastAt = 0
  tokenAt: number | null = null
  frames = 0
  ends = 0
  readonly #watch: Watch
  #link: Link | null = null
  #held = ''
  #isReady = false
  #isLost = false
  #waiting: { isOver: () => boolean; resolve(): void; reject(error: Error): void }[] = []

  constructor(watch: Watch) {
    this.#watch = watch
    this.thread = watch.thread
    this.seq = watch.after ?? 0
  }

  /** Asks for the stream from the last number on. Resolves when the first byte of it is sent. */
  async connect(given?: Link): Promise<void> {
    const { port, tongue, thread } = this.#watch
    const link = given ?? (await openLink(port))
    this.#link = link
    this.#held = ''
    this.#isReady = false
    this.#isLost = false
    link.send('GET', tongue.stream(thread, this.seq), undefined, {
      head: (status) => {
        if (status !== 200) this.faults.push(`${thread}: the stream was refused with ${status}`)
      },
      body: (text, at) => this.#read(text, at),
      done: () => this.#lose(),
      lost: () => this.#lose(),
    })
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** Everything stored has been told. */
  ready(): Promise<void> {
    return this.#until(() => this.#isReady)
  }

  /** So many runs of the thread have ended. */
  ended(count = 1): Promise<void> {
    return this.#until(() => this.ends >= count)
  }

  /** The server is gone, or has ended the stream. */
  lost(): Promise<void> {
    return this.#until(() => this.#isLost)
  }

  until(isOver: (listener: Listener) => boolean): Promise<void> {
    return this.#until(() => isOver(this))
  }

  close(): void {
    this.#link?.close()
    this.#link = null
  }

  /** Forgets the times, so that the next run is measured by itself. */
  restart(): void {
    this.firstAt = null
    this.tokenAt = null
    this.text = ''
  }

  #until(isOver: () => boolean): Promise<void> {
    if (isOver()) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiting.push({ isOver, resolve, reject }))
  }

  #read(text: string, at: number): void {
    const data = this.#held === '' ? text : this.#held + text
    let from = 0
    let end = data.indexOf('\n\n', Math.max(0, this.#held.length - 1))
    while (end >= 0) {
      this.#tell(data.slice(from, end), at)
      from = end + 2
      end = data.indexOf('\n\n', from)
    }
    this.#held = from === 0 ? data : data.slice(from)
    this.#wake()
  }

  #tell(frame: string, at: number): void {
    const heard = this.#watch.tongue.hear(frame)
    if (heard.is === 'ready') this.#isReady = true
    if (heard.seq !== null) this.#count(heard.seq, at)
    if (heard.is === 'token') {
      this.tokenAt ??= at
      this.text += heard.text
    }
    if (heard.is === 'end') this.ends++
    this.#watch.told?.(heard, at)
  }

  #count(seq: number, at: number): void {
    if (seq !== this.seq + 1) this.faults.push(`${this.thread}: ${seq} came after ${this.seq}`)
    this.seq = seq
    this.frames++
    this.firstAt ??= at
    this.lastAt = at
  }

  #lose(): void {
    this.#isLost = true
    this.#link = null
    this.#wake()
    const error = new Error(`${this.thread}: the stream ended`)
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  #wake(): void {
    if (this.#waiting.length === 0) return
    const still = this.#waiting.filter(({ isOver, resolve }) => {
      if (!isOver()) return true
      resolve()
      return false
    })
    this.#waiting = still
  }
}

/** Every listener said of what was heard wrongly, the first few in full. */
export function faultsOf(listeners: readonly Listener[]): string[] {
  const all = listeners.flatMap((l) => l.faults)
  return all.length > 5 ? [...all.slice(0, 5), `and ${all.length - 5} more like these`] : all
}
