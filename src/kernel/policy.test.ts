import { describe, expect, it } from 'vitest'
import { ASK_BEFORE_CHANGES, globMatches, judge, type Permissions } from './policy.ts'

const shell = (subject: string) => ({ tool: 'shell', access: 'execute' as const, subject })
const permissions: Permissions = {
  rules: [
    { tool: 'shell', pattern: 'rm *', verdict: 'deny' },
    { tool: 'shell', pattern: 'git *', verdict: 'allow' },
    { tool: 'mcp__*', verdict: 'ask' },
  ],
  otherwise: ASK_BEFORE_CHANGES.otherwise,
}

describe('judge', () => {
  it('lets the first rule that matches decide, then the kind of access', () => {
    expect(judge(permissions, [], shell('git status'))).toBe('allow')
    expect(judge(permissions, [], shell('rm -rf x'))).toBe('deny')
    expect(judge(permissions, [], shell('ls'))).toBe('ask')
    expect(judge(permissions, [], { tool: 'read', access: 'read', subject: 'a' })).toBe('allow')
    expect(judge(permissions, [], { tool: 'mcp__x', access: 'read', subject: '' })).toBe('ask')
  })
  it('does not let a pattern that allows be stretched by the shell', () => {
    for (const line of [
      'git status; rm x',
      'git a && b',
      'git $(x)',
      'git `x`',
      'git a | sh',
      'git a > b',
      'git a\nrm b',
    ])
      expect(judge(permissions, [], shell(line))).toBe('ask')
  })
  it('lets a grant turn an ask into an allow, and never a deny', () => {
    const grants = [
      { agent: 'a', tool: 'shell', pattern: 'ls *' },
      { agent: 'a', tool: 'write', pattern: null },
      { agent: 'a', tool: 'shell', pattern: 'rm *' },
    ]
    expect(judge(permissions, grants, shell('ls -la'))).toBe('allow')
    expect(judge(permissions, grants, shell('ls -la; id'))).toBe('ask')
    expect(judge(permissions, grants, shell('rm x'))).toBe('deny')
    expect(judge(permissions, grants, { tool: 'write', access: 'write', subject: 'any' })).toBe(
      'allow',
    )
  })
  it('tells the files right in the workspace from those in its folders', () => {
    const grants = [
      { agent: 'a', tool: 'write', pattern: './*' },
      { agent: 'a', tool: 'edit', pattern: 'src/*' },
      { agent: 'a', tool: 'shell', pattern: './*' },
    ]
    const on = (tool: string, subject: string, access: 'write' | 'execute' = 'write') =>
      judge(permissions, grants, { tool, access, subject })
    expect([on('write', 'a.txt'), on('write', '.env')]).toEqual(['allow', 'allow'])
    for (const path of ['src/a.txt', '../a.txt', '/a.txt', ''])
      expect(on('write', path)).toBe('ask')
    expect([on('edit', 'src/a'), on('edit', 'src/b/c')]).toEqual(['allow', 'allow'])
    expect([on('edit', 'a'), on('edit', 'srcs/a')]).toEqual(['ask', 'ask'])
    expect([on('shell', './run', 'execute'), on('shell', 'ls', 'execute')]).toEqual([
      ...['allow', 'ask'],
    ])
  })
})

describe('globMatches', () => {
  it.each([
    ['*', '', true],
    ['git *', 'git', false],
    ['a*b*c', 'axxbyyc', true],
    ['a*b*c', 'axxbyy', false],
    ['*.ts', 'x.ts', true],
    ['a.c', 'abc', false],
  ])('%s on %s', (pattern, subject, is) => expect(globMatches(pattern, subject)).toBe(is))
  it('is not slowed by many stars', () => {
    expect(globMatches('*a'.repeat(500), 'a'.repeat(400))).toBe(false)
  })
})
