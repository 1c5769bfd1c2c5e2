import { describe, expect, it } from 'vitest'
import { ASK_BEFORE_CHANGES, type Judged, judge, type Verdict } from '../kernel/policy.ts'
import { type AgentFile, checkAgentFile } from './agent-file.ts'
import { permissionsOf } from './permission.ts'

const file = (value: Record<string, unknown>): AgentFile => {
  const checked = checkAgentFile(value)
  if (Array.isArray(checked)) throw new Error(JSON.stringify(checked))
  return checked
}

const verdicts = (value: Record<string, unknown>) =>
  permissionsOf(file(value)).permissions.otherwise

const shell = (subject: string): Judged => ({ tool: 'shell', access: 'execute', subject })
const verdictOn = (value: Record<string, unknown>, about: Judged): Verdict =>
  judge(permissionsOf(file(value)).permissions, [], about)

describe('security', () => {
  it('asks before changes when nothing is said', () => {
    expect(permissionsOf(file({}))).toEqual({ permissions: ASK_BEFORE_CHANGES, problems: [] })
    expect(verdicts({ security: { level: 'standard' } })).toEqual(ASK_BEFORE_CHANGES.otherwise)
  })

  const table: [string, Record<string, unknown>, string][] = [
    ['permissive', { level: 'permissive' }, 'allow allow ask allow allow allow'],
    ['strict', { level: 'strict' }, 'allow ask ask ask ask allow'],
    ['paranoid', { level: 'paranoid' }, 'ask ask ask ask ask allow'],
    [
      'a zone of its own',
      { zones: { maxAutoZone: 'machine' } },
      'allow allow allow allow allow allow',
    ],
    [
      'build',
      { level: 'strict', zones: { maxAutoZone: 'build' } },
      'allow allow ask ask allow allow',
    ],
    ['deny', { permissionMode: 'deny' }, 'allow deny deny deny allow allow'],
    ['auto within zones', { permissionMode: 'auto' }, 'allow ask ask ask allow allow'],
    [
      'auto without zones',
      { permissionMode: 'auto', zones: { enabled: false } },
      'allow allow allow allow allow allow',
    ],
    [
      'ask without zones',
      { level: 'permissive', zones: { enabled: false } },
      'allow ask ask ask allow allow',
    ],
  ]
  it.each(table)('%s', (_, security, expected) => {
    const { read, write, execute, network, agent, none } = verdicts({ security })
    expect([read, write, execute, network, agent, none].join(' ')).toBe(expected)
  })

  it('runs what an allow list names, and refuses the rest without asking', () => {
    const value = {
      security: { permissionMode: 'allowlist' },
      tools: { allow: ['readFile', 'shell_*'] },
    }
    expect(verdictOn(value, shell('ls'))).toBe('allow')
    expect(verdictOn(value, { tool: 'write', access: 'write', subject: 'a' })).toBe('deny')
  })

  it('puts a tool into the zone that it is pinned to', () => {
    const overrides = [
      { tool: 'shell_execute', zone: 'safe' },
      { tool: 'web_*', zone: 'never' },
    ]
    const value = { security: { level: 'permissive', zones: { overrides } } }
    expect(verdictOn(value, shell('ls'))).toBe('allow')
    expect(verdictOn(value, { tool: 'web_fetch', access: 'network', subject: 'x' })).toBe('ask')
  })
})

describe('permissions', () => {
  it('lays its verdicts over those of the level, and tries its rules in order', () => {
    const permissions = {
      rules: [
        { tool: 'shell_execute', pattern: 'git *', verdict: 'allow' },
        { tool: 'writeFile', pattern: 'secret/*', verdict: 'deny' },
      ],
      otherwise: { write: 'allow' },
    }
    const value = { security: { level: 'strict' }, permissions }
    expect(verdicts(value).write).toBe('allow')
    expect(verdicts(value).network).toBe('ask')
    expect(verdictOn(value, shell('git status'))).toBe('allow')
    expect(verdictOn(value, shell('git status; rm x'))).toBe('ask')
    expect(verdictOn(value, { tool: 'write', access: 'write', subject: 'secret/a' })).toBe('deny')
  })
})

describe('policies', () => {
  const policy = { kind: 'shell', tool: 'shell_execute' }

  it('refuse what a pattern denies, whatever else allows it', () => {
    const value = {
      policies: [{ ...policy, denyPatterns: ['^rm ', '^sudo\\b'] }],
      permissions: { rules: [{ tool: 'shell', verdict: 'allow' }] },
    }
    expect(verdictOn(value, shell('rm -rf x'))).toBe('deny')
    expect(verdictOn(value, shell('sudo ls'))).toBe('deny')
    expect(verdictOn(value, shell('ls'))).toBe('allow')
  })

  it('let only the listed commands through, and those are still asked about', () => {
    const value = { policies: [{ ...policy, allowPrefixes: ['ls', 'git status', './run-'] }] }
    expect(verdictOn(value, shell('ls'))).toBe('ask')
    expect(verdictOn(value, shell('ls -la'))).toBe('ask')
    expect(verdictOn(value, shell('./run-it'))).toBe('ask')
    expect(verdictOn(value, shell('lsof'))).toBe('deny')
    expect(verdictOn(value, shell('git push'))).toBe('deny')
    const open = { ...value, permissions: { otherwise: { execute: 'allow' } } }
    expect(verdictOn(open, shell('ls -la'))).toBe('allow')
    expect(verdictOn(open, shell('ls; rm -rf .'))).toBe('deny')
  })

  it('ask about everything when a pattern cannot be followed', () => {
    const value = {
      policies: [{ ...policy, denyPatterns: ['\\w+'] }],
      permissions: { otherwise: { execute: 'allow' } },
    }
    expect(verdictOn(value, shell('ls'))).toBe('ask')
    expect(permissionsOf(file(value)).problems).toHaveLength(1)
    const policies = [{ ...policy, denyPatterns: ['\\w+', '^rm '], allowPrefixes: ['ls', 'rm'] }]
    const listed = { ...value, policies }
    expect(verdictOn(listed, shell('rm x'))).toBe('deny')
    expect(verdictOn(listed, shell('ls -l'))).toBe('ask')
    expect(verdictOn(listed, shell('date'))).toBe('deny')
  })

  it('of a kind nobody knows make the file wrong', () => {
    expect(checkAgentFile({ policies: [{ kind: 'path', tool: 'write' }] })).toBeInstanceOf(Array)
  })
})

describe('approve hooks', () => {
  it('ask about the named tools, or about all', () => {
    const open = { permissions: { otherwise: { execute: 'allow', read: 'allow' } } }
    const named = { ...open, hooks: { onToolCall: [{ action: 'approve', tools: ['shell_*'] }] } }
    expect(verdictOn(named, shell('ls'))).toBe('ask')
    expect(verdictOn(named, { tool: 'read', access: 'read', subject: 'a' })).toBe('allow')
    const all = { ...open, hooks: { onToolCall: [{ action: 'approve' }] } }
    expect(verdictOn(all, { tool: 'read', access: 'read', subject: 'a' })).toBe('ask')
  })
})
