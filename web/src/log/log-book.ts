/**
 * A thread's log as the page turns its leaves: an outline of all of it, the events of the parts that
 * somebody looks at, and what comes while it is open.
 */

import { api, Refusal } from '../api/client.ts'
import { type Connection, follow } from '../api/follow.ts'
import type { Event, EventPage } from '../api/types.ts'

interface Outline {
  first: number
  types: string[]
  runs: string[]
  rows: [type: number, run: number, at: number][]
  next: number
  isComplete: boolean
}

/** Of one event what the outline says. `seq` is its place in the array plus one. */
export interface Entry {
  type: string
  run: string | null
  at: number
}

export interface Book {
  entries: readonly Entry[]
  /** In the order in which they began. */
  runs: readonly string[]
  connection: Connection
  error: Refusal | null
  /** The outline is complete. */
  isRead: boolean
  /** Counts up when events have come that somebody asked for. */
  loaded: number
}

const CHUNK = 200
const MOST_CHUNKS = 60
const TELL_MS = 80
/** Whoever leafs on before that did not want to read. */
const SETTLE_MS = 60
/** More than can be seen at once. */
const MOST_WANTED = 8

export class LogBook {
  readonly #thread: string
  readonly #listeners = new Set<() => void>()
  readonly #chunks = new Map<number, Event[] | 'loading'>()
  readonly #over = new AbortController()
  readonly #entries: Entry[] = []
  #shown: readonly Entry[] = []
  #runs: string[] = []
  #connection: Connection = 'reading'
  #error: Refusal | null = null
  #isRead = false
  #loaded = 0
  readonly #wanted = new Set<number>()
  #wanting: ReturnType<typeof setTimeout> | null = null
  #book: Book
  #timer: ReturnType<typeof setTimeout> | null = null

  constructor(thread: string) {
    this.#thread = thread
    this.#book = this.#look()
    void this.#read()
  }

  listen = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  book = (): Book => this.#book

  close(): void {
    this.#over.abort()
    if (this.#timer) clearTimeout(this.#timer)
    if (this.#wanting) clearTimeout(this.#wanting)
  }

  /** The event, when it is here; else it is fetched and the listeners are told. */
  event(seq: number): Event | null {
    const chunk = Math.floor((seq - 1) / CHUNK)
    const held = this.#chunks.get(chunk)
    if (Array.isArray(held)) {
      const found = held[seq - 1 - chunk * CHUNK]
      if (found) return found
    }
    if (held !== 'loading' && seq <= this.#entries.length) this.#want(chunk)
    return null
  }

  #want(chunk: number): void {
    this.#wanted.delete(chunk)
    this.#wanted.add(chunk)
    if (this.#wanting) clearTimeout(this.#wanting)
    this.#wanting = setTimeout(() => {
      for (const wanted of [...this.#wanted].slice(-MOST_WANTED)) void this.#load(wanted)
      this.#wanted.clear()
    }, SETTLE_MS)
  }

  async #read(): Promise<void> {
    const { signal } = this.#over
    try {
      let after = 0
      for (;;) {
        const path = `/threads/${encodeURIComponent(this.#thread)}/outline`
        const part = await api.get<Outline>(path, { after, limit: 50_000 }, { signal })
        for (const [type, run, at] of part.rows)
          this.#add(part.types[type] ?? '', run < 0 ? null : (part.runs[run] ?? null), at)
        after = part.next
        if (part.isComplete) break
      }
    } catch (error) {
      if (signal.aborted) return
      this.#error = error instanceof Refusal ? error : new Refusal('unknown', String(error), 0)
      this.#tell()
      return
    }
    this.#isRead = true
    this.#tell()
    this.#follow()
  }

  #follow(): void {
    const stop = follow(this.#thread, this.#entries.length, {
      tell: (events) => {
        for (const event of events) {
          this.#add(event.type, event.run, event.at)
          this.#keep(event)
        }
        this.#tellSoon()
      },
      changed: (connection, why) => {
        this.#connection = connection
        if (connection === 'gone') this.#error = why
        this.#tellSoon()
      },
    })
    this.#over.signal.addEventListener('abort', stop)
  }

  #add(type: string, run: string | null, at: number): void {
    this.#entries.push({ type, run, at })
    if (run !== null && !this.#runs.includes(run)) this.#runs = [...this.#runs, run]
  }

  /** A live event goes into its chunk only where the chunk has all that came before it. */
  #keep(event: Event): void {
    const chunk = Math.floor((event.seq - 1) / CHUNK)
    const place = event.seq - 1 - chunk * CHUNK
    const held = this.#chunks.get(chunk)
    if (Array.isArray(held) && held.length === place) held.push(event)
    else if (held === undefined && place === 0) this.#chunks.set(chunk, [event])
  }

  async #load(chunk: number): Promise<void> {
    this.#chunks.set(chunk, 'loading')
    const { signal } = this.#over
    const path = `/threads/${encodeURIComponent(this.#thread)}/events`
    const asked = { after: chunk * CHUNK, limit: CHUNK }
    try {
      const { items } = await api.get<EventPage>(path, asked, { signal })
      this.#chunks.delete(chunk)
      this.#chunks.set(chunk, items.slice(0, CHUNK))
      const oldest = this.#chunks.keys().next().value
      if (this.#chunks.size > MOST_CHUNKS && oldest !== undefined) this.#chunks.delete(oldest)
      this.#loaded++
      this.#tell()
    } catch {
      // Asked for again when somebody looks there again.
      this.#chunks.delete(chunk)
    }
  }

  #look(): Book {
    return {
      entries: this.#shown,
      runs: this.#runs,
      connection: this.#connection,
      error: this.#error,
      isRead: this.#isRead,
      loaded: this.#loaded,
    }
  }

  #tell(): void {
    // What has grown is another list; what was only looked up is the same.
    if (this.#entries.length !== this.#book.entries.length) this.#shown = this.#entries.slice()
    this.#book = this.#look()
    for (const listener of this.#listeners) listener()
  }

  #tellSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      this.#tell()
    }, TELL_MS)
  }
}
