/**
 * A lens shows what a dialect makes of a thread's log: the frames that each event becomes, as they go
 * over the wire. It is the dialect's own projection, so it shows what the dialect's clients read.
 */

import type { Projection } from './projection.ts'

export interface Lens<State = unknown, Frame = unknown> {
  /** Where clients read these frames, in the words of the dialect's documentation. */
  stream: string
  carrier: 'sse' | 'socket'
  /** Of the whole thread, from its first event on. */
  projection: Projection<State, Frame>
  /** The frame as it goes over the wire, whole. */
  write(frame: Frame): string
}

/** A lens whose types are its own affair. */
export const lens = <State, Frame>(of: Lens<State, Frame>): Lens => of as Lens
