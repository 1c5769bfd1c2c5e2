/** Steps of a run, as they are added to its record. */

import type { Json } from '../../kernel/part.ts'
import type { RunRecord, StepRecord } from './record.ts'

/** A step that has begun; its number is its place in the run. */
export function addStep(
  run: RunRecord,
  step: Pick<StepRecord, 'type' | 'name' | 'startedAt'> & Partial<StepRecord>,
): StepRecord {
  const added: StepRecord = {
    seq: run.steps.length + 1,
    agent: run.agent ?? '',
    status: 'running',
    input: null,
    output: null,
    endedAt: null,
    prompt: null,
    ...step,
  }
  run.steps.push(added)
  return added
}

/** One that is over as it begins. */
export const addDone = (
  run: RunRecord,
  step: Pick<StepRecord, 'type' | 'name'> & Partial<StepRecord>,
  at: number,
): StepRecord => addStep(run, { status: 'completed', startedAt: at, endedAt: at, ...step })

export const addSystem = (
  run: RunRecord,
  name: string,
  output: { [key: string]: Json },
  at: number,
): StepRecord => addDone(run, { type: 'system', name, output }, at)
