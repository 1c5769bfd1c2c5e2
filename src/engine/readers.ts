/**
 * Who follows which thread. The log is the buffer: a reader that is slow is simply told later, from
 * disk, and holds nothing in memory meanwhile. Watching never has an effect on a run.
 */

import type { Event } from '../kernel/event.ts'
import type { Reading, Store } from '../kernel/ports.ts'

interface Reader {
  reading: Reading
  /** Last seq that was told. */
  cursor: number
  isCaughtUp: boolean
  isPumping: boolean
  /** Something was appended while it was pumping. */
  isBehind: boolean
  isClosed: boolean
}

const PAGE = 500
/** Recent events of a followed thread, so that a reader a little behind needs no disk. */
const RECENT = 16

interface Channel {
  readers: Set<Reader>
  recent: Event[]
}

export class Readers {
  #store: Store
  #channels = new Map<string, Channel>()
  #onError: (error: unknown) => void
  #count = 0

  constructor(store: Store, onError: (error: unknown) => void) {
    this.#store = store
    this.#onError = onError
  }

  get count(): number {
    return this.#count
  }

  follow(reading: Reading): { close(): void } {
    const reader: Reader = {
      reading,
      cursor: reading.after,
      isCaughtUp: false,
      isPumping: false,
      isBehind: false,
      isClosed: false,
    }
    const channel = this.#channels.get(reading.thread) ?? { readers: new Set(), recent: [] }
    this.#channels.set(reading.thread, channel)
    channel.readers.add(reader)
    this.#count++
    void this.#pump(reader, channel)
    return { close: () => this.#remove(reader) }
  }

  /** Told after a commit of this process. */
  publish(thread: string, events: Event[]): void {
    const channel = this.#channels.get(thread)
    const first = events[0]
    if (!channel || !first) return
    remember(channel, events)
    const last = first.seq + events.length - 1
    for (const reader of channel.readers) {
      if (reader.isPumping) reader.isBehind = true
      else if (reader.cursor >= last) continue
      else if (reader.cursor === first.seq - 1) this.#tell(reader, channel, events)
      else void this.#pump(reader, channel)
    }
  }

  isFollowed(thread: string): boolean {
    return this.#channels.has(thread)
  }

  /** Told when another process appended up to `seq`. */
  advance(thread: string, seq: number): void {
    const channel = this.#channels.get(thread)
    for (const reader of channel?.readers ?? []) {
      if (reader.isPumping) reader.isBehind = true
      else if (reader.cursor < seq) void this.#pump(reader, channel as Channel)
    }
  }

  /** Ends the readers of a thread, or all. */
  end(reason: 'shutdown' | 'erased' | 'failed', thread?: string): void {
    const channels =
      thread === undefined ? [...this.#channels.values()] : [this.#channels.get(thread)]
    for (const channel of channels) {
      for (const reader of [...(channel?.readers ?? [])]) {
        this.#remove(reader)
        this.#sayEnd(reader, reason)
      }
    }
  }

  /** One that breaks at its end keeps nobody else from theirs. */
  #sayEnd(reader: Reader, reason: 'shutdown' | 'erased' | 'failed'): void {
    try {
      reader.reading.ended?.(reason)
    } catch (error) {
      this.#onError(error)
    }
  }

  #remove(reader: Reader): void {
    if (reader.isClosed) return
    reader.isClosed = true
    this.#count--
    const channel = this.#channels.get(reader.reading.thread)
    channel?.readers.delete(reader)
    if (channel?.readers.size === 0) this.#channels.delete(reader.reading.thread)
  }

  /** The common case: the reader is at the end of the log and has room. */
  #tell(reader: Reader, channel: Channel, events: Event[]): void {
    reader.cursor = (events.at(-1) as Event).seq
    const pause = this.#guard(reader, () => reader.reading.tell(events))
    if (!pause) return
    reader.isPumping = true
    void pause.then(
      () => this.#resume(reader, channel),
      (error) => this.#fail(reader, error),
    )
  }

  #resume(reader: Reader, channel: Channel): void {
    reader.isPumping = false
    if (!reader.isBehind) return
    reader.isBehind = false
    void this.#pump(reader, channel)
  }

  /** Tells what the log has beyond the cursor, until there is nothing more. */
  async #pump(reader: Reader, channel: Channel): Promise<void> {
    reader.isPumping = true
    // Nobody is told anything before `follow` has returned.
    await null
    try {
      do {
        reader.isBehind = false
        await this.#drain(reader, channel)
        if (!reader.isCaughtUp && !reader.isBehind && !reader.isClosed) {
          reader.isCaughtUp = true
          await reader.reading.caughtUp?.(reader.cursor)
        }
      } while (reader.isBehind && !reader.isClosed)
    } catch (error) {
      this.#fail(reader, error)
    } finally {
      reader.isPumping = false
    }
  }

  async #drain(reader: Reader, channel: Channel): Promise<void> {
    while (!reader.isClosed) {
      const events =
        recentAfter(channel, reader.cursor) ??
        (await this.#store.read(reader.reading.thread, reader.cursor, PAGE))
      if (events.length === 0 || reader.isClosed) return
      reader.cursor = (events.at(-1) as Event).seq
      await reader.reading.tell(events)
    }
  }

  #guard(reader: Reader, tell: () => void | Promise<void>): Promise<void> | null {
    try {
      return tell() ?? null
    } catch (error) {
      this.#fail(reader, error)
      return null
    }
  }

  /** A reader that throws is a bug of the reader, and its end; nobody else is harmed. */
  #fail(reader: Reader, error: unknown): void {
    this.#onError(error)
    if (reader.isClosed) return
    this.#remove(reader)
    this.#sayEnd(reader, 'failed')
  }
}

function remember(channel: Channel, events: Event[]): void {
  const last = channel.recent.at(-1)
  if (last && last.seq !== (events[0] as Event).seq - 1) channel.recent.length = 0
  channel.recent.push(...events)
  if (channel.recent.length > 2 * RECENT) channel.recent.splice(0, channel.recent.length - RECENT)
}

/** Null when the recent events do not reach back to the cursor. */
function recentAfter(channel: Channel, cursor: number): Event[] | null {
  const first = channel.recent[0]
  if (!first || cursor < first.seq - 1) return null
  const at = cursor - first.seq + 1
  return at >= channel.recent.length ? null : channel.recent.slice(at)
}
