import { describe, expect, it } from 'vitest'
import { isReady, type Job, jobInput, NO_PROGRESS, patched, stageAfter } from './jobs.ts'

const TASK: Job = {
  ...{ id: 't', kind: 'task', state: 'active', stage: 'todo', schedule: null },
  ...{ title: 'Fix', body: 'Fix it.', agent: 'a', account: 'local', principal: 'local' },
  ...{ rounds: 1, anchor: 0, after: -1, createdAt: 0, updatedAt: 0 },
}
const CHORE: Job = { ...TASK, kind: 'chore', stage: null, schedule: 'FREQ=HOURLY', rounds: 0 }
const begun = (count: number) => ({ count, cursor: 0, run: 'r' })

describe('a task', () => {
  it('is owed one run each time it is put to todo', () => {
    expect(isReady(TASK, NO_PROGRESS)).toBe(true)
    expect(isReady(TASK, begun(1))).toBe(false)
    expect(isReady({ ...TASK, state: 'inactive' }, NO_PROGRESS)).toBe(false)
    const done: Job = { ...TASK, stage: 'done' }
    expect(isReady(done, begun(1))).toBe(false)
    const again = patched(done, { stage: 'todo' }, 5)
    expect(isReady(again, begun(1))).toBe(true)
    expect(patched(again, { stage: 'todo' }, 6).rounds).toBe(again.rounds)
  })

  it('is done or failed after its run', () => {
    const running: Job = { ...TASK, stage: 'running' }
    expect(stageAfter(running, begun(1), 'completed')).toBe('done')
    expect(stageAfter(running, begun(1), 'failed')).toBe('failed')
    expect(stageAfter(running, begun(1), 'cancelled')).toBe('failed')
    expect(stageAfter(running, begun(1), 'running')).toBeNull()
  })

  it('keeps the stage that a person gave it while it ran', () => {
    const running: Job = { ...TASK, stage: 'running' }
    expect(stageAfter({ ...running, stage: 'done' }, begun(1), 'failed')).toBeNull()
    expect(stageAfter(patched(running, { stage: 'todo' }, 5), begun(1), 'failed')).toBeNull()
  })

  it('whose stage was not written before a crash is settled all the same', () => {
    expect(stageAfter(TASK, begun(1), 'completed')).toBe('done')
    expect(stageAfter(TASK, NO_PROGRESS, 'completed')).toBeNull()
  })
})

describe('a job', () => {
  it('is done with its words', () => {
    expect(jobInput(TASK)).toBe('Fix it.')
    expect(jobInput({ ...TASK, body: ' ' })).toBe('Fix')
    expect(jobInput(CHORE)).toBe('# Fix\n\nFix it.')
    expect(jobInput({ ...CHORE, title: null, body: '' })).toBe('t')
  })

  it('is changed only where the patch says so', () => {
    const now = 125_000
    expect(patched(TASK, {}, now)).toEqual({ ...TASK, updatedAt: now })
    expect(patched(TASK, { title: null, body: ' x ' }, now)).toMatchObject({
      title: null,
      body: 'x',
    })
    expect(patched(TASK, { schedule: 'FREQ=DAILY' }, now).schedule).toBeNull()
    expect(patched(CHORE, { stage: 'done' }, now).stage).toBeNull()
    expect(patched(CHORE, { schedule: 'FREQ=HOURLY' }, now).anchor).toBe(0)
    const moved = patched(CHORE, { schedule: 'FREQ=DAILY' }, now)
    expect(moved).toMatchObject({ anchor: 120_000, after: 119_999 })
  })
})
