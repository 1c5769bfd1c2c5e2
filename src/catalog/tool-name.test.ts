import { describe, expect, it } from 'vitest'
import { mayUseServer, toolChoice, toolGlobs } from './tool-name.ts'

describe('toolGlobs', () => {
  const table: [string, string[]][] = [
    ['readFile', ['read']],
    ['shell_execute', ['shell']],
    ['agent_spawn', ['task']],
    ['grep', ['grep']],
    ['*File', ['*File', 'read', 'write', 'edit']],
    ['shell_*', ['shell_*', 'shell']],
    ['*', ['*']],
    ['mcp__github__*', ['github__*']],
    ['mcp__github__search', ['github__search']],
    ['mcp__*', ['*__*']],
    ['constructor', ['constructor']],
  ]
  it.each(table)('%s', (glob, globs) => {
    expect(toolGlobs(glob)).toEqual(globs)
  })
})

describe('toolChoice', () => {
  it('is everything when nothing is said', () => {
    expect(toolChoice({})).toEqual({ preset: 'full', allow: [], deny: [] })
  })

  it('keeps a preset and takes away what is denied', () => {
    expect(toolChoice({ preset: 'coding', deny: ['shell_execute'] })).toEqual({
      preset: 'coding',
      allow: [],
      deny: ['shell'],
    })
  })

  it('reads allow as what remains', () => {
    const kept = (asked: Parameters<typeof toolChoice>[0]) => {
      const { preset, allow } = toolChoice(asked)
      expect(preset).toBe('none')
      return allow.join(' ')
    }
    expect(kept({ allow: ['readFile', 'web_*'] })).toBe('read web_* skill')
    expect(kept({ preset: 'readonly', allow: ['*File', 'shell', 'mcp__x__*'] })).toBe(
      'read *File x__* skill',
    )
    expect(kept({ preset: 'readonly', allow: ['*'] })).toBe('read list glob grep skill')
    expect(kept({ preset: 'coding', allow: ['shell_execute', 'web_fetch'] })).toBe('shell skill')
  })

  it('lets a list be written by hand from nothing', () => {
    const asked = { preset: 'none' as const, allow: ['read', 'shell'], deny: ['skill'] }
    const allow = ['read', 'shell', 'skill']
    expect(toolChoice(asked)).toEqual({ preset: 'none', allow, deny: ['skill'] })
  })
})

describe('mayUseServer', () => {
  const table: [string[], boolean][] = [
    [[], true],
    [['*'], true],
    [['gith*'], true],
    [['mcp__*'], true],
    [['mcp__github__search'], true],
    [['github__*', 'readFile'], true],
    [['readFile'], false],
    [['git__*'], false],
    [['mcp__gitlab__*'], false],
    [['github'], false],
  ]
  it.each(table)('with %j', (allow, may) => {
    expect(mayUseServer('github', allow)).toBe(may)
  })
})
