/** A run as lists show it, kept up with what it tells. */

import type { Event } from '../../kernel/event.ts'
import { gist, type Part } from './parts.ts'
import type { Told } from './telling.ts'

export interface Sketch {
  id: string
  status: 'running' | 'finished' | 'failed' | 'canceled'
  inputText: string
  /** What was said last. */
  said: string
  error: string | null
  /** The step that went wrong, when one did. */
  failed: { index: number; kind: string; error: string | null } | null
  /** The run that replaced it; null: something did, but no run; undefined: it counts. */
  replacedBy?: string | null
  createdAt: number
  startedAt: number | null
  endedAt: number | null
  firstSeq: number
  cursor: number
  modelSteps: number
  toolSteps: number
}

export const newSketch = (id: string, parts: readonly Part[], { at, seq }: Event): Sketch => ({
  ...{ id, status: 'running', inputText: gist(parts), said: '' },
  ...{ error: null, failed: null, createdAt: at, startedAt: null, endedAt: null },
  ...{ firstSeq: seq, cursor: 0, modelSteps: 0, toolSteps: 0 },
})

/** What the run has told last. */
export function noteTold(sketch: Sketch, { runCursor, type, payload }: Told): void {
  sketch.cursor = runCursor
  if (type === 'run_end') {
    sketch.status = payload.status as Sketch['status']
    sketch.error = payload.error as string | null
  }
  if (type !== 'step_end') return
  if (payload.kind === 'model_call') sketch.modelSteps++
  else sketch.toolSteps++
  const said = gist(payload.output as Part[])
  if (said !== '') sketch.said = said
  sketch.failed =
    payload.status === 'failed'
      ? {
          index: payload.step_index as number,
          kind: payload.kind as string,
          error: payload.error as string | null,
        }
      : null
}
