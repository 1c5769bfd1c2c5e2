/**
 * A chat as a socket reads it: the turn that is going on from its beginning, then whatever comes. A
 * socket that connects to an idle chat is told nothing of the past.
 */

import type { Thread } from '../../kernel/thread.ts'
import type { Feed } from '../../wire/projection.ts'
import { writeFrame } from './frame.ts'
import type { Told } from './payload.ts'
import { projection, type Telling } from './project.ts'

/** `asked` is called with every ask that has been put before this reader. */
export function feedOf(thread: Thread, asked: (ask: string) => void): Feed<Telling, Told> {
  const active = thread.active?.id ?? null
  return {
    thread: thread.id,
    projection,
    seed: { seq: seedSeq(thread), state: projection.open(thread.id) },
    wants: (told) => told.seq > thread.seq || told.run === active,
    write(told) {
      if (told.ask !== undefined) asked(told.ask)
      return writeFrame(told)
    },
  }
}

/** Before all runs that have not ended: their creation says how each is to be told. */
function seedSeq({ active, queue, seq }: Thread): number {
  const open = active ? [active, ...queue] : queue
  return open.reduce((first, run) => Math.min(first, run.firstSeq - 1), seq)
}
