/** A row of the table: one shape of work, measured on the server and on raw Node. */

import type { Figure } from './figure.ts'
import type { Stage } from './stage.ts'

export interface Row {
  name: string
  /** What it does, in a sentence. */
  about: string
  measure(stage: Stage): Promise<Measured>
}

export interface Measured {
  figures: Figure[]
  /** What went wrong: gaps, doubles, runs that did not end. Empty in a sound run. */
  faults: string[]
}

export interface Result extends Measured {
  row: string
  tookMs: number
}
