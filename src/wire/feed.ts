/**
 * Runs a feed: follows a thread's log, folds it, and writes the frames that are wanted. While the
 * reader is slow nothing is taken from the log: the log is the buffer.
 */

import type { Event } from '../kernel/event.ts'
import type { Engine, Reading } from '../kernel/ports.ts'
import { Outlet, type Sink, type Source, type Stage } from './outlet.ts'
import type { Feed, Goodbye } from './projection.ts'

/** A stream that is being written. */
export interface Running {
  /** With a reason the server ends it and says so; without one the reader is gone. */
  close(goodbye?: Goodbye): void
}

/** What is written at most before the reader is looked at again. */
const WRITE_BYTES = 65_536

export function runFeed<State, Frame>(
  engine: Pick<Engine, 'follow'>,
  feed: Feed<State, Frame>,
  sink: Sink,
  stage: Stage,
): Running {
  return new FeedRun(engine, feed, sink, stage)
}

class FeedRun<State, Frame> implements Running, Source {
  readonly #feed: Feed<State, Frame>
  readonly #outlet: Outlet
  readonly #onBug: (error: unknown) => void
  #reading: { close(): void } | null = null
  #state: State
  #sent: Frame | null = null
  #phase: 'replay' | 'live' = 'replay'

  constructor(engine: Pick<Engine, 'follow'>, feed: Feed<State, Frame>, sink: Sink, stage: Stage) {
    this.#feed = feed
    this.#onBug = stage.onBug
    this.#state = feed.seed ? feed.seed.state : feed.projection.open(feed.thread)
    this.#outlet = new Outlet(sink, stage, this)
    if (feed.opening) this.#outlet.put([feed.opening()])
    const reading = engine.follow(this.#ears())
    if (this.#outlet.isOver) reading.close()
    else this.#reading = reading
  }

  get heartbeat() {
    return this.#feed.heartbeat
  }

  goodbye(reason: Goodbye): string {
    return this.#feed.goodbye?.(reason, this.#sent) ?? ''
  }

  over(): void {
    this.#reading?.close()
    this.#reading = null
  }

  close(goodbye?: Goodbye): void {
    if (goodbye) this.#outlet.close(goodbye)
    else this.#outlet.gone()
  }

  #ears(): Reading {
    return {
      thread: this.#feed.thread,
      after: this.#feed.seed?.seq ?? 0,
      tell: (events) => this.#guard(() => this.#tell(events, 0)),
      caughtUp: () => this.#guard(() => this.#caughtUp()),
      ended: (reason) => this.#outlet.close(reason),
    }
  }

  /** A fault in a projection ends this stream, and nothing else. */
  #guard(work: () => void | Promise<void>): void | Promise<void> {
    try {
      return work()
    } catch (error) {
      this.#onBug(error)
      this.#outlet.close('failed')
    }
  }

  #tell(events: Event[], from: number): void | Promise<void> {
    const feed = this.#feed
    let frames: string[] = []
    let size = 0
    for (let i = from; i < events.length && !this.#outlet.isOver; i++) {
      const [state, told] = feed.projection.tell(this.#state, events[i] as Event)
      this.#state = state
      for (const frame of told) {
        if (!feed.wants(frame)) continue
        const text = feed.write(frame)
        frames.push(text)
        size += text.length
        this.#sent = frame
        if (!feed.isLast?.(frame, this.#phase)) continue
        this.#outlet.put(frames)
        return this.#outlet.finish()
      }
      if (size < WRITE_BYTES) continue
      if (!this.#outlet.put(frames))
        return this.#outlet.drained().then(() => this.#guard(() => this.#tell(events, i + 1)))
      frames = []
      size = 0
    }
    if (!this.#outlet.put(frames)) return this.#outlet.drained()
  }

  #caughtUp(): void | Promise<void> {
    if (this.#outlet.isOver) return
    const { caughtUp, endsWhenCaughtUp: ends } = this.#feed
    this.#phase = 'live'
    const text = caughtUp?.call(this.#feed, this.#state, this.#sent) ?? ''
    const keepsUp = text === '' || this.#outlet.put([text])
    if (typeof ends === 'function' ? ends(this.#state) : ends) this.#outlet.finish()
    else if (!keepsUp) return this.#outlet.drained()
  }
}
