import { expect, test } from 'vitest'
import { type Access, judge, type Verdict } from '../../kernel/policy.ts'
import { DEFAULT_PERMISSIONS, MODES, permissionsOf, policyOf } from './permission.ts'
import { DEFAULT_SANDBOX } from './record.ts'
import { toKernel, toWire, wireText } from './tool-name.ts'

const ACCESS: Access[] = ['read', 'write', 'execute', 'network', 'agent', 'none']

const verdicts = (mode: (typeof MODES)[number], tool_overrides: Record<string, Verdict> = {}) =>
  ACCESS.map((access) =>
    judge(permissionsOf({ mode, tool_overrides }), [], { tool: 'shell', access, subject: 'x' }),
  )

test('the mode table', () => {
  expect(verdicts('interactive')).toEqual(['ask', 'ask', 'ask', 'ask', 'ask', 'allow'])
  expect(verdicts('autonomous')).toEqual(Array(6).fill('allow'))
  expect(verdicts('readonly')).toEqual(['allow', 'deny', 'deny', 'deny', 'deny', 'allow'])
})

test('an override wins over the mode, by either name of the shell', () => {
  for (const mode of MODES)
    for (const name of ['bash', 'shell'])
      for (const verdict of ['allow', 'ask', 'deny'] as const)
        expect(verdicts(mode, { [name]: verdict })).toEqual(Array(6).fill(verdict))
  expect(verdicts('interactive', { read: 'deny' })).toEqual(verdicts('interactive'))
})

test('an override is for the whole tool, whatever the command', () => {
  const permissions = permissionsOf({ mode: 'interactive', tool_overrides: { bash: 'allow' } })
  const about = { tool: 'shell', access: 'execute' as const, subject: 'a; rm -rf .' }
  expect(judge(permissions, [], about)).toBe('allow')
})

test('the policy says what Clotho fixes', () => {
  expect(policyOf({ mode: 'readonly', tool_overrides: {} }, DEFAULT_SANDBOX, 5)).toMatchObject({
    refusedTurns: 3,
    askTimeoutMs: 5,
    compaction: { threshold: 0.75, keepExchanges: 4 },
    confinement: null,
  })
})

test('the sandbox, when it is on, is what commands are held to', () => {
  const sandbox = { ...DEFAULT_SANDBOX, enabled: true, workspace_mode: 'ro' as const }
  expect(policyOf(DEFAULT_PERMISSIONS, sandbox, 5).confinement).toEqual({
    network: false,
    readOnly: true,
    memoryBytes: 512 * 1024 * 1024,
    timeoutMs: 30_000,
  })
})

test('the shell has another name on the wire, in results too', () => {
  expect([toWire('shell'), toWire('read'), toKernel('bash'), toKernel('read')]).toEqual([
    'bash',
    'read',
    'shell',
    'read',
  ])
  expect(wireText('shell', "Tool 'shell' denied")).toBe("Tool 'bash' denied")
  expect(wireText('read', "Tool 'shell' denied")).toBe("Tool 'shell' denied")
})
