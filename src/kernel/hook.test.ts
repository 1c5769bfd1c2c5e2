import { describe, expect, it } from 'vitest'
import { calling, facts, threadOf } from '../../test/given.ts'
import { DEFAULT_COMPACTION, DEFAULT_LIMITS } from './agent.ts'
import { type Draft, draft, type Facts } from './event.ts'
import { type Hook, type HookExit, hooksAt, type Occasion, PLAIN } from './hook.ts'
import { next, type Rules, type Step } from './next.ts'
import { contextOf } from './thread.ts'
import { NO_USAGE } from './usage.ts'

const { toolStarted, toolEnded, turnEnded, answered, turn, started, created, opened } = facts

const hook = (name: string, more: Partial<Hook> = {}): Hook => ({
  name,
  moments: ['tool.before'],
  tools: [],
  command: 'true',
  env: {},
  cwd: null,
  timeoutMs: 1_000,
  form: null,
  ...more,
})

const performed = (data: Partial<Facts['hook.ended']> = {}): Draft =>
  draft('hook.ended', 'r1', {
    hook: 'guard',
    moment: 'tool.before',
    turn: 0,
    call: 'c1',
    outcome: 'passed',
    durationMs: 1,
    ...data,
  })

const rules = (hooks: Hook[], over: Partial<Rules> = {}): Rules => ({
  now: 2_000,
  limits: DEFAULT_LIMITS,
  compaction: DEFAULT_COMPACTION,
  contextWindow: null,
  maxAttempts: 3,
  refusedTurns: null,
  unknownOutcome: 'tell',
  hooks,
  judge: () => 'allow',
  nature: () => ({ kind: 'plain', readOnly: false, replayable: false }),
  ...over,
})

const step = (drafts: Draft[], hooks: Hook[], over: Partial<Rules> = {}): Step =>
  next(threadOf(...drafts), rules(hooks, over))

describe('hooks of a call', () => {
  const calls = calling(['c1', 'write'], ['c2', 'shell'])

  it('are owed before anything is decided about it, once each', () => {
    const guard = hook('guard', { tools: ['sh*', 'write'] })
    const ask = { judge: () => 'ask' as const }
    const owed = { do: 'hooks', moment: 'tool.before', calls: ['c1', 'c2'] }
    expect(step(calls, [guard], ask)).toEqual(owed)
    expect(step([...calls, performed()], [guard], ask)).toEqual({ ...owed, calls: ['c2'] })
    const both = [...calls, performed(), performed({ call: 'c2' })]
    expect(step(both, [guard], ask)).toEqual({ do: 'rule', ask: ['c1', 'c2'], deny: [] })
    expect(step(both, [hook('other')])).toMatchObject({ do: 'hooks' })
    expect(step(calls, [hook('x', { tools: ['read'] })])).toMatchObject({ do: 'tools' })
  })

  it('are not troubled with calls that the policy refuses, or that no tool takes', () => {
    expect(step(calls, [hook('guard')], { judge: () => 'deny' })).toMatchObject({ do: 'rule' })
    expect(step(calls, [hook('guard')], { nature: () => null })).toMatchObject({ do: 'tools' })
  })

  it('can block it, also against a policy that allows', () => {
    const blocked = [...calls, performed({ outcome: 'blocked', reason: 'no' })]
    const owed = step([...blocked, performed({ call: 'c2' })], [hook('guard'), hook('guard')])
    expect(owed).toEqual({ do: 'rule', ask: [], deny: ['c1'] })
  })

  it('can change its input, which is judged as it is then', () => {
    const seen: unknown[] = []
    const judge: Rules['judge'] = (call) => {
      seen.push(call.input)
      return 'allow'
    }
    const drafts = [...calling(['c1', 'write']), performed({ input: { path: 'b' } })]
    expect(step(drafts, [hook('guard')], { judge })).toEqual({ do: 'tools', calls: ['c1'] })
    expect(new Set(seen.map((input) => JSON.stringify(input)))).toEqual(new Set(['{"path":"b"}']))
    const failed = performed({ outcome: 'failed', input: { path: 'x' } })
    expect(threadOf(...calling(['c1', 'write']), failed).active?.turn?.calls[0]?.input).toEqual({})
  })

  it('follow the result, and what they say is read with it', () => {
    const after = hook('after', { moments: ['tool.after'] })
    const done = [...calling(['c1', 'write']), toolStarted('r1', 'c1'), toolEnded('r1', 'c1')]
    expect(step(done, [after])).toEqual({ do: 'hooks', moment: 'tool.after', calls: ['c1'] })
    const heard = performed({ hook: 'after', moment: 'tool.after', context: 'Lint it.' })
    expect(step([...done, heard], [after])).toEqual({ do: 'end-turn' })
    const messages = contextOf(threadOf(...done, heard, turnEnded('r1')))
    expect(messages.at(-1)?.parts).toMatchObject([{ output: 'done\n\nLint it.' }])
    const denied = [...calling(['c1', 'write']), toolEnded('r1', 'c1', { outcome: 'denied' })]
    expect(step(denied, [after])).toEqual({ do: 'end-turn' })
  })
})

describe('hooks of a run', () => {
  const begun = [opened(), created('r1'), started('r1')]
  const spoke = [...begun, turn('r1'), answered('r1'), turnEnded('r1')]
  const ofRun = (data: Partial<Facts['hook.ended']>): Draft => performed({ call: null, ...data })

  it('come before every turn, and can end the run', () => {
    const gate = hook('gate', { moments: ['model.before'] })
    const owed = { do: 'hooks', moment: 'model.before', calls: [] }
    expect(step(begun, [gate])).toEqual(owed)
    const passed = ofRun({ hook: 'gate', moment: 'model.before', context: 'Be brief.' })
    expect(step([...begun, passed], [gate])).toMatchObject({ do: 'model' })
    expect(threadOf(...begun, passed).active?.remarks).toEqual(['Be brief.'])
    const later = [...begun, passed, ...calling(['c1', 'write']).slice(3)]
    const ended = [...later, toolEnded('r1', 'c1'), turnEnded('r1')]
    expect(step(ended, [gate])).toEqual(owed)
    expect(threadOf(...ended).active?.remarks).toEqual([])
    const stop = ofRun({ hook: 'gate', moment: 'model.before', outcome: 'blocked', reason: 'no' })
    expect(step([...begun, stop], [gate])).toEqual({
      do: 'end',
      outcome: 'failed',
      stop: 'blocked',
      trouble: { code: 'hook_blocked', message: 'no' },
    })
  })

  it('follow an answer, and are owed anew by the next', () => {
    const ear = hook('ear', { moments: ['model.after'] })
    const owed = { do: 'hooks', moment: 'model.after', calls: [] }
    const heard = ofRun({ hook: 'ear', moment: 'model.after', context: 'is not read' })
    expect(step(spoke, [ear])).toEqual(owed)
    expect(step([...spoke, heard], [ear])).toMatchObject({ do: 'end' })
    expect(threadOf(...spoke, heard).active?.remarks).toEqual([])
    const calls = calling(['c1', 'write'])
    expect(step(calls, [ear])).toEqual(owed)
    const first = [...calls, heard, toolEnded('r1', 'c1'), turnEnded('r1')]
    expect(step(first, [ear])).toMatchObject({ do: 'model', turn: 1 })
    const second = [...first, turn('r1', 1), answered('r1', 1), turnEnded('r1', 1)]
    expect(step(second, [ear])).toEqual(owed)
  })

  it('are told of a compaction, before and after', () => {
    const watch = hook('watch', { moments: ['compaction.before', 'compaction.after'] })
    const asked = [opened(), created('r1', '', { kind: 'compact', input: [] }), started('r1')]
    const owed = (moment: string) => ({ do: 'hooks', moment, calls: [] })
    expect(step(asked, [watch])).toEqual(owed('compaction.before'))
    const told = [...asked, ofRun({ hook: 'watch', moment: 'compaction.before' })]
    expect(step(told, [watch])).toMatchObject({ do: 'compact' })
    const nothing = draft('context.uncompacted', 'r1', { reason: 'nothing', usage: NO_USAGE })
    expect(step([...told, nothing], [watch])).toEqual(owed('compaction.after'))
    const over = [...told, nothing, ofRun({ hook: 'watch', moment: 'compaction.after' })]
    expect(step(over, [watch])).toMatchObject({ do: 'end', outcome: 'completed' })
  })

  it('come before its end, which they cannot prevent', () => {
    const bell = hook('bell', { moments: ['run.completed', 'run.failed'] })
    expect(step(spoke, [bell])).toEqual({ do: 'hooks', moment: 'run.completed', calls: [] })
    const rung = ofRun({ hook: 'bell', moment: 'run.completed', outcome: 'blocked', reason: 'no' })
    expect(step([...spoke, rung], [bell])).toMatchObject({ do: 'end', outcome: 'completed' })
    const over = { limits: { ...DEFAULT_LIMITS, turns: 0 } }
    expect(step(begun, [bell], over)).toMatchObject({ do: 'hooks', moment: 'run.failed' })
  })
})

describe('a plain hook', () => {
  const read = (exit: Partial<HookExit>) =>
    PLAIN.read({ code: 0, stdout: '', stderr: '', ...exit }, {} as Occasion)

  it.each([
    [{}, { outcome: 'passed' }],
    [{ stdout: 'all is well' }, { outcome: 'passed' }],
    [{ stdout: '{"input": {"a": 1}, "context": "x"}' }, { input: { a: 1 }, context: 'x' }],
    [{ stdout: '{"input": 7, "context": 8}' }, { outcome: 'passed' }],
    [{ stdout: '{"decision": "block", "reason": "no"}' }, { outcome: 'blocked', reason: 'no' }],
    [
      { code: 2, stderr: 'never\n' },
      { outcome: 'blocked', reason: 'never' },
    ],
    [
      { code: 1, stderr: 'oops' },
      { outcome: 'failed', reason: 'oops' },
    ],
    [{ code: null }, { outcome: 'failed' }],
  ])('%j', (exit, saying) => {
    expect(read(exit)).toMatchObject(saying)
  })

  it('is meant by its moments and tools', () => {
    const hooks = [hook('a'), hook('b', { tools: ['wr*'] }), hook('c', { moments: ['run.failed'] })]
    const names = (...at: [Hook['moments'][number], string | null]) =>
      hooksAt(hooks, ...at).map((h) => h.name)
    expect(names('tool.before', 'write')).toEqual(['a', 'b'])
    expect(names('tool.before', 'read')).toEqual(['a'])
    expect(names('run.failed', null)).toEqual(['c'])
  })
})
