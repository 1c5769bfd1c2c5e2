import { uuidv7 } from 'uuidv7'
import { describe, expect, it } from 'vitest'
import { isRunId, isThreadId, long, runId, runUuid, short, threadId, threadUuid } from './id.ts'

describe('an id', () => {
  it('is the whole UUID in the alphabet of the real system', () => {
    const uuids = [
      ...['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
      ...Array.from({ length: 200 }, () => uuidv7()),
    ]
    for (const uuid of uuids) {
      expect(short(uuid)).toMatch(/^[0-7][0-9abcdefghjkmnpqrstvwxyz]{25}$/)
      expect(long(short(uuid))).toBe(uuid)
      expect(runUuid(runId(uuid))).toBe(uuid)
      expect(threadUuid(threadId('task', uuid))).toBe(uuid)
    }
  })

  it('keeps the order in which ids were made', () => {
    const made = Array.from({ length: 50 }, () => uuidv7())
    expect(made.map(short).sort()).toEqual(made.map(short))
  })

  it('of another form is no id', () => {
    const other = [
      ...['', 'x', '8zzzzzzzzzzzzzzzzzzzzzzzzz', '01m816shs9ffx83kmee9t7z3ql'],
      ...['01M816SHS9FFX83KMEE9T7Z3Q6', '../../etc/passwd', '01m816shs9ffx83kmee9t7z3q6 '],
    ]
    for (const text of other) expect(long(text)).toBeNull()
    expect(runUuid('web_01m816shs9ffx83kmee9t7z3q6')).toBeNull()
    expect(threadUuid('run_01m816shs9ffx83kmee9t7z3q6')).toBeNull()
  })

  it('tells whose it is by its form', () => {
    expect(isRunId(runId(uuidv7()))).toBe(true)
    expect(isRunId('run_5b9k8mvc')).toBe(true)
    for (const other of [
      uuidv7(),
      `run_${uuidv7()}`,
      `run_${uuidv7().replaceAll('-', '')}`,
      'run_',
    ])
      expect(isRunId(other)).toBe(false)
    expect(isThreadId(threadId('web', uuidv7()))).toBe(true)
    for (const other of [uuidv7(), `thread_${uuidv7().replaceAll('-', '')}`, 'active'])
      expect(isThreadId(other)).toBe(false)
  })
})
