/** What counting needs of a thread; so little that it is kept of all of them. */

import type { ThreadKind } from './id.ts'
import type { Reckoning } from './journal.ts'
import type { Sketch } from './sketch.ts'

export interface Tally {
  seq: number
  kind: ThreadKind
  /** Runs that count. */
  runs: number
  modelSteps: number
  toolSteps: number
  failed: number
}

export function tallyOf({ seq, kind, runs }: Reckoning): Tally {
  const counted = runs.filter((r) => r.replacedBy === undefined)
  const sum = (of: (run: Sketch) => number) => counted.reduce((total, run) => total + of(run), 0)
  return {
    ...{ seq, kind, runs: counted.length },
    modelSteps: sum((r) => r.modelSteps),
    toolSteps: sum((r) => r.toolSteps),
    failed: sum((r) => (r.status === 'failed' ? 1 : 0)),
  }
}
