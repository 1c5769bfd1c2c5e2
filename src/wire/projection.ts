/** A projection is a fold whose steps also speak. Replay and live are therefore the same bytes. */

import type { Event } from '../kernel/event.ts'

export interface Projection<State, Frame> {
  open(thread: string): State
  /** Pure: the same events give the same frames, in the same numbering, for ever. */
  tell(state: State, event: Event): [State, Frame[]]
}

/** Why a stream ends without its reader having asked for it. */
export type Goodbye = 'shutdown' | 'slow' | 'erased' | 'failed'

/**
 * One thread as a client reads it: which frames, from where, and what the connection itself says
 * around them. The transport runs it; a dialect only describes it.
 */
export interface Feed<State = unknown, Frame = unknown> {
  thread: string
  projection: Projection<State, Frame>
  /** Where to begin reading the log, and the fold up to there; absent: at the beginning. */
  seed?: { seq: number; state: State }
  /** Frames that are not wanted (already seen, of another run) are folded but not written. */
  wants(frame: Frame): boolean
  /** The frame as it goes over the wire, whole. */
  write(frame: Frame): string
  /** First bytes, before any frame. */
  opening?(): string
  /** Between what was stored and what is live. `sent` is the last frame that was written. */
  caughtUp?(state: State, sent: Frame | null): string
  /** Last bytes, when the server ends the stream. */
  goodbye?(reason: Goodbye, sent: Frame | null): string
  /** The stream ends by itself after this frame. */
  isLast?(frame: Frame, phase: 'replay' | 'live'): boolean
  /** The stream ends when everything stored has been written. */
  endsWhenCaughtUp?: boolean | ((state: State) => boolean)
  /** Bytes written after that many milliseconds of silence. */
  heartbeat?: { everyMs: number; text: string }
}

/** A stream that is not one thread's log: hints, snapshots, buffered answers. */
export interface Live {
  /** Called once; `write` answers false when the reader is slow. Returns what to do when it is gone. */
  open(out: {
    write(text: string): boolean
    /** Resolves when a slow reader has caught up, or is gone. */
    drained(): Promise<void>
    close(): void
  }): () => void
  goodbye?(reason: Goodbye): string
  heartbeat?: { everyMs: number; text: string }
}
