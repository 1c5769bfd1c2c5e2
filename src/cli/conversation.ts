/**
 * One thread as a person follows it: what was said is written, what is said from here on too, and
 * a lost connection is taken up again at the last event that was written - nothing missing, nothing
 * twice.
 */

import type { Event } from '../kernel/event.ts'
import { Fault } from '../kernel/fault.ts'
import type { Json } from '../kernel/part.ts'
import type { Receipt } from '../kernel/ports.ts'
import type { Client } from './client.ts'
import type { PrintStyle } from './phrase.ts'
import { openPrintout, type Printout, tell } from './project.ts'
import type { SseFrame } from './sse.ts'

export interface ConversationOptions {
  client: Client
  style: PrintStyle
  write(text: string): void
  /** After every change of what is going on. */
  changed(): void
  /** The thread cannot be followed any longer. */
  lost(fault: Fault): void
  /** Milliseconds before the first new attempt to connect; each further one waits twice as long. */
  retryMs?: number
}

export interface Answer {
  allow?: boolean
  remember?: boolean
  reason?: string
  answer?: Json
}

export type Delivery = 'queue' | 'steer'

const LONGEST_RETRY_MS = 5000

export class Conversation {
  readonly thread: string
  readonly #options: ConversationOptions
  readonly #gone = new AbortController()
  #printout: Printout = openPrintout()
  #cursor = 0
  /** What the replay says, by run, until it is known which part of it is worth showing. */
  #replay: string[] | null
  /** A message on its way: events wait until it is known which run is ours. */
  #sending: Promise<unknown> = Promise.resolve()

  constructor(thread: string, options: ConversationOptions, begin: { own?: string | null } = {}) {
    this.thread = thread
    this.#options = options
    this.#replay = begin.own === undefined ? [''] : null
    if (begin.own) this.#own(begin.own)
    void this.#follow()
  }

  get state(): Printout {
    return this.#printout
  }

  async submit(input: string, busy: Delivery): Promise<Receipt> {
    const sent = this.#send<Receipt>(`/threads/${this.thread}/submit`, { input, busy })
    this.#sending = sent.then(
      (receipt) => receipt.run && receipt.delivery !== 'steered' && this.#own(receipt.run),
      () => {},
    )
    return await sent
  }

  async answer(ask: string, answer: Answer): Promise<void> {
    await this.#send(`/asks/${ask}/answer`, answer)
  }

  async cancel(): Promise<void> {
    if (this.#printout.active) await this.#send(`/runs/${this.#printout.active}/cancel`, {})
  }

  close(): void {
    this.#gone.abort()
  }

  #send<T>(path: string, body: unknown): Promise<T> {
    return this.#options.client.insist<T>(path, body)
  }

  #own(run: string): void {
    this.#printout = { ...this.#printout, own: [...this.#printout.own, run] }
  }

  /** Reads for as long as the conversation is open, over any number of connections. */
  async #follow(): Promise<void> {
    const { client, style, write, retryMs = 250 } = this.#options
    const { signal } = this.#gone
    let wait = retryMs
    let isLost = false
    while (!signal.aborted) {
      try {
        for await (const frame of client.stream(this.thread, this.#cursor, signal)) {
          if (isLost) write(`${style.paint.dim('(connected again)')}\n`)
          isLost = false
          wait = retryMs
          await this.#take(frame)
        }
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof Fault && error.code !== 'unavailable') return this.#options.lost(error)
      }
      if (signal.aborted) return
      if (!isLost) this.#interject(style.paint.dim('(the connection is lost; trying again)'))
      isLost = true
      await pause(wait, signal)
      wait = Math.min(wait * 2, LONGEST_RETRY_MS)
    }
  }

  async #take(frame: SseFrame): Promise<void> {
    if (frame.event === 'ready') return this.#caughtUp()
    if (frame.event === 'bye') return
    await this.#sending
    const event = JSON.parse(frame.data) as Event
    if (event.seq <= this.#cursor) return
    const before = this.#printout
    const [after, text] = tell(before, event, this.#options.style)
    this.#printout = after
    this.#cursor = event.seq
    if (this.#replay) {
      if (after.active && after.active !== before.active) this.#replay.push('')
      this.#replay[this.#replay.length - 1] += text
      return
    }
    if (text !== '') this.#options.write(text)
    if (isOther(before, after)) this.#options.changed()
  }

  /** Of what was said before, the last two exchanges are shown. */
  #caughtUp(): void {
    if (!this.#replay) return
    const shown = this.#replay.slice(-2).join('')
    const hidden = this.#replay.length - 2
    this.#replay = null
    const { paint } = this.#options.style
    if (hidden > 1) this.#options.write(`${paint.dim(`(${hidden - 1} earlier exchanges)`)}\n`)
    this.#options.write(shown)
    this.#options.changed()
  }

  #interject(line: string): void {
    const lead = this.#printout.voice === null ? '' : '\n'
    this.#printout = { ...this.#printout, voice: null }
    this.#options.write(`${lead}${line}\n`)
  }
}

const isOther = (a: Printout, b: Printout): boolean =>
  a.active !== b.active || a.asks !== b.asks || a.queue !== b.queue || a.last !== b.last

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(done, ms)
    function done(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done)
  })
