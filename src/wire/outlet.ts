/**
 * The writing end of one stream. It keeps no bytes of its own: a reader that falls behind makes
 * `put` answer false, and whoever fills the outlet waits; one that stays behind is sent away.
 */

import type { Goodbye } from './projection.ts'
import type { Spoke, Wheel } from './wheel.ts'

/** A connection as a stream sees it. */
export interface Sink {
  /** Takes the frames in one go. False when the reader has fallen behind; `drained` says when to go on. */
  write(frames: string[]): boolean
  /** Calls once, when what was taken has left. */
  drained(then: () => void): void
  /**
   * Nothing more comes; what was taken still goes out. `reason` is there when the server ends the
   * stream, and not when the stream has said all it had to say.
   */
  end(reason?: Goodbye): void
  /** Gives up what was not sent. */
  cut(): void
}

/** Where streams run, and how long a reader may keep them waiting. */
export interface Stage {
  wheel: Wheel
  /** A stream failed because of a fault in this program. */
  onBug(error: unknown): void
  /** How long a reader may take nothing. Default 30 s. */
  blockedMs?: number
  /** How long the last bytes may take to leave. Default 5 s. */
  lingerMs?: number
  /** What a stream that does not wait may pile up for a slow reader. Default 1 MiB. */
  pileBytes?: number
}

/** Who fills an outlet. */
export interface Source {
  heartbeat?: { everyMs: number; text: string } | undefined
  goodbye(reason: Goodbye): string
  /** Called once: nothing that is put from now on is told. */
  over(): void
}

export class Outlet implements Spoke {
  readonly #sink: Sink
  readonly #stage: Stage
  readonly #source: Source
  readonly #leave: () => void
  #quietSince: number
  #blockedSince: number | null = null
  #endedAt: number | null = null
  #piled = 0
  #over = false
  #waiting: (() => void)[] | null = null

  constructor(sink: Sink, stage: Stage, source: Source) {
    this.#sink = sink
    this.#stage = stage
    this.#source = source
    this.#quietSince = stage.wheel.now()
    this.#leave = stage.wheel.add(this)
  }

  get isOver(): boolean {
    return this.#over
  }

  /** False: wait for `drained` before the next one. */
  put(frames: string[]): boolean {
    if (this.#over || frames.length === 0) return true
    this.#quietSince = this.#stage.wheel.now()
    const keepsUp = this.#sink.write(frames)
    if (this.#blockedSince === null) {
      if (keepsUp) return true
      this.#blockedSince = this.#quietSince
      this.#sink.drained(() => this.#release())
      return false
    }
    for (const frame of frames) this.#piled += frame.length
    if (this.#piled > (this.#stage.pileBytes ?? 1_048_576)) this.close('slow')
    return false
  }

  /** Resolves when the reader has caught up, or when there is no reader any more. */
  drained(): Promise<void> {
    if (this.#over || this.#blockedSince === null) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting ??= []
      this.#waiting.push(resolve)
    })
  }

  /** The stream has said all it had to say. */
  finish(): void {
    if (!this.#over) this.#end('')
  }

  /** The server ends the stream, and says so in its last bytes. */
  close(reason: Goodbye): void {
    if (!this.#over) this.#end(this.#source.goodbye(reason), reason)
  }

  /** The connection is gone, with or without having been ended. */
  gone(): void {
    this.#leave()
    this.#stop()
  }

  tick(now: number): void {
    const { blockedMs = 30_000, lingerMs = 5000 } = this.#stage
    if (this.#endedAt !== null) {
      if (now - this.#endedAt < lingerMs) return
      this.#sink.cut()
      this.gone()
    } else if (this.#blockedSince !== null) {
      if (now - this.#blockedSince >= blockedMs) this.close('slow')
    } else {
      const beat = this.#source.heartbeat
      if (beat && now - this.#quietSince >= beat.everyMs) this.put([beat.text])
    }
  }

  #end(last: string, reason?: Goodbye): void {
    if (last !== '') this.#sink.write([last])
    this.#endedAt = this.#stage.wheel.now()
    this.#stop()
    this.#sink.end(reason)
  }

  #stop(): void {
    if (this.#over) return
    this.#over = true
    this.#release()
    this.#source.over()
  }

  #release(): void {
    this.#blockedSince = null
    this.#piled = 0
    const waiting = this.#waiting
    this.#waiting = null
    for (const resolve of waiting ?? []) resolve()
  }
}
