import { describe, expect, it } from 'vitest'
import { DEFAULT_COMPACTION, DEFAULT_LIMITS } from '../kernel/agent.ts'
import { ASK_BEFORE_CHANGES } from '../kernel/policy.ts'
import { agentOf } from './agent.ts'
import { checkAgentFile, readAgentFile, tellIssues } from './agent-file.ts'
import { assistant } from './assistant.ts'
import { durationMs } from './duration.ts'

const source = {
  name: 'a',
  soul: ' Be kind.\n',
  memory: '',
  skills: [],
  folder: '/a',
  revision: 'r',
}

/** A reference as it stands in a file. */
const ref = (name: string): string => ['$', '{', name, '}'].join('')

function read(value: Record<string, unknown>, given: Partial<typeof source> = {}) {
  const file = checkAgentFile(value)
  if (Array.isArray(file)) throw new Error(tellIssues(file))
  const secret = (name: string) => (name === 'KEY' ? 'hush' : null)
  return agentOf(file, { ...source, ...given }, secret)
}

describe('agentOf', () => {
  it('fills in everything that a file does not say', () => {
    expect(read({})).toEqual({
      problems: [],
      agent: {
        name: 'a',
        about: '',
        instructions: 'Be kind.',
        model: null,
        tools: { preset: 'full', allow: [], deny: [] },
        permissions: ASK_BEFORE_CHANGES,
        limits: DEFAULT_LIMITS,
        compaction: DEFAULT_COMPACTION,
        unknownOutcome: 'tell',
        askTimeoutMs: null,
        skills: [],
        servers: {},
        hooks: [],
        children: ['a'],
        folder: '/a',
        revision: 'r',
        extra: {},
      },
    })
  })

  it('has hooks of its own', () => {
    const hook = { name: 'guard', moments: ['tool.before'], command: './guard.sh' }
    expect(read({ hooks: [{ ...hook, tools: ['write'] }] }).agent.hooks).toEqual([
      {
        ...{ ...hook, tools: ['write'] },
        ...{ env: {}, cwd: null, timeoutMs: 30_000, form: null },
      },
    ])
    expect(() => read({ hooks: [hook, hook] })).toThrow()
    expect(() => read({ hooks: [{ ...hook, moments: ['never'] }] })).toThrow()
  })

  it('follows what Ownware writes', () => {
    const { agent } = read({
      name: 'coder',
      displayName: 'Coda',
      description: 'Writes code.',
      model: 'anthropic:claude-sonnet-4-6',
      temperature: 0.2,
      topP: 0.9,
      maxTokens: 4096,
      maxTurns: 7,
      thinking: { enabled: true, budgetTokens: 2048 },
      security: { hitlTimeoutMs: 60_000 },
      execution: { timeout: '2h', maxCostUsd: 5 },
      compaction: { trigger: { type: 'fraction', threshold: 0.6 }, retain: { count: 6 } },
      subagents: ['scout', { name: 'auditor', description: 'x', profile: 'security' }],
      tags: ['x'],
    })
    expect(agent).toMatchObject({
      name: 'coder',
      about: 'Writes code.',
      model: 'anthropic:claude-sonnet-4-6',
      temperature: 0.2,
      topP: 0.9,
      maxOutputTokens: 4096,
      thinking: { budgetTokens: 2048 },
      askTimeoutMs: 60_000,
      limits: { turns: 7, wallMs: 7_200_000, tokens: null, costUsd: 5 },
      compaction: { threshold: 0.6, keepExchanges: 3 },
      children: ['coder', 'scout', 'security'],
      extra: { displayName: 'Coda', tags: ['x'] },
    })
  })

  it('lets our own keys win over Ownware’s', () => {
    const { agent } = read({
      maxTurns: 7,
      execution: { timeout: '2h', maxCostUsd: 5 },
      limits: { turns: 3, wallMs: 1000, toolMs: 50, tokens: 10, costUsd: null },
      compaction: { threshold: null, keepExchanges: 1, trigger: { fraction: 0.5 } },
      unknownOutcome: 'ask',
      subagents: 'any',
    })
    const limits = { turns: 3, wallMs: 1000, toolMs: 50, tokens: 10, costUsd: null }
    expect(agent.limits).toEqual(limits)
    expect(agent.compaction).toEqual({ threshold: null, keepExchanges: 1 })
    expect(agent.unknownOutcome).toBe('ask')
    expect(agent.children).toBeNull()
  })

  it('puts memory and reminder after the prompt', () => {
    const value = { systemPrompt: 'Inline.', criticalReminder: 'Never lie.' }
    expect(read(value, { memory: 'Likes tea.\n' }).agent.instructions).toBe(
      'Inline.\n\n# What you remember\n\nLikes tea.\n\n# Never forget\n\nNever lie.',
    )
    const forgetful = { memory: { enabled: false } }
    expect(read(forgetful, { memory: 'Likes tea.' }).agent.instructions).toBe('Be kind.')
  })

  it('turns compaction off, and keeps its default where it cannot follow', () => {
    const threshold = (trigger: object) =>
      read({ compaction: { trigger } }).agent.compaction.threshold
    expect(threshold({ type: 'disabled' })).toBeNull()
    expect(threshold({ type: 'tokens', threshold: 90_000 })).toBe(DEFAULT_COMPACTION.threshold)
  })

  it('says what it will not do', () => {
    const hooks = { onStart: [{ action: 'webhook', url: 'https://x.test' }] }
    expect(read({ hooks, tools: { custom: [{ path: 'x.ts' }] } }).problems).toEqual([
      'tools.custom: tools written in code are not loaded; offer them over MCP',
      'hooks: only "approve" acts here, not webhook',
    ])
  })
})

describe('servers', () => {
  it('are read from both places, with secrets from the environment', () => {
    const { agent, problems } = read({
      mcp: {
        files: {
          transport: 'stdio',
          command: 'files',
          args: ['-v'],
          env: { K: `a${ref('env:KEY')}b` },
        },
      },
      tools: {
        mcp: {
          web: {
            transport: 'streamable_http',
            url: 'https://x.test/mcp',
            headers: { Authorization: `Bearer ${ref('env:KEY')}` },
          },
        },
      },
    })
    expect(problems).toEqual([])
    expect(agent.servers).toEqual({
      files: { transport: 'stdio', command: 'files', args: ['-v'], env: { K: 'ahushb' } },
      web: {
        transport: 'http',
        url: 'https://x.test/mcp',
        headers: { Authorization: 'Bearer hush' },
      },
    })
  })

  it('are left out when the tools that are allowed are none of theirs', () => {
    const mcp = { a: { command: 'a' }, b: { command: 'b' } }
    const { agent, problems } = read({ mcp, tools: { allow: ['readFile', 'mcp__b__*'] } })
    expect(Object.keys(agent.servers)).toEqual(['b'])
    expect(problems).toEqual([expect.stringContaining('add "a__*" to use it')])
  })

  it('are left out when a variable is missing, and the problem names it', () => {
    const { agent, problems } = read({
      mcp: {
        a: { transport: 'sse', url: 'https://x.test', headers: { K: ref('env:NONE') } },
        b: { transport: 'websocket', url: 'wss://x.test' },
        c: { transport: 'stdio' },
        d: { command: 'd', env: { K: ref('PLAIN') } },
      },
    })
    expect(Object.keys(agent.servers)).toEqual(['d'])
    expect(agent.servers.d).toMatchObject({ env: { K: ref('PLAIN') } })
    expect(problems.join('\n')).toContain('NONE is not set')
    expect(problems.join('\n')).toContain(`write ${ref('env:PLAIN')}`)
    expect(problems).toHaveLength(5)
  })
})

describe('agent.json', () => {
  const wrong: [string, string, string][] = [
    ['a number as a name', '{"name": 5}', 'name: '],
    ['a path as a name', '{"name": "../x"}', 'name: must begin with'],
    ['a name that is too long', `{"name": "${'a'.repeat(65)}"}`, 'name: '],
    ['an unknown preset', '{"tools": {"preset": "all"}}', 'tools.preset: '],
    [
      'a bad timeout',
      '{"execution": {"timeout": "soon"}}',
      'execution.timeout: must be a duration',
    ],
    [
      'an unknown verdict',
      '{"permissions": {"otherwise": {"write": "yes"}}}',
      'permissions.otherwise.write',
    ],
    [
      'a misspelt kind of access',
      '{"permissions": {"otherwise": {"writes": "deny"}}}',
      'permissions.otherwise',
    ],
    ['a list', '[]', 'expected object'],
    ['half a file', '{\n  "name": "a",\n  "tools": }', 'is not valid JSON (line 3, column 12)'],
  ]
  it.each(wrong)('%s is told', (_, text, told) => {
    const issues = readAgentFile(text)
    expect(Array.isArray(issues) ? tellIssues(issues) : 'right').toContain(told)
  })

  it('never repeats a value, which may be a secret', () => {
    for (const text of [
      '{"model": "hush-hush" "x"}',
      '{"mcp": {"a": {"url": "hush-hush"}}}',
      'hush-hush',
    ]) {
      const issues = readAgentFile(text)
      expect(JSON.stringify(issues)).not.toContain('hush')
      expect(Array.isArray(issues)).toBe(true)
    }
  })

  it('may begin with a byte order mark', () => {
    expect(readAgentFile('\uFEFF{"name":"a"}')).toEqual({ name: 'a' })
  })
})

describe('durationMs', () => {
  const table: [string | number, number | null][] = [
    ['45s', 45_000],
    ['30m', 1_800_000],
    ['1.5 h', 5_400_000],
    ['2D', 172_800_000],
    ['250ms', 250],
    ['500', 500],
    [500, 500],
    ['0s', null],
    ['-1s', null],
    ['soon', null],
    ['', null],
    [Number.NaN, null],
  ]
  it.each(table)('%s', (text, ms) => {
    expect(durationMs(text)).toBe(ms)
  })
})

describe('the built-in assistant', () => {
  it('has every tool, asks before changes, and may give tasks to anybody', () => {
    const agent = assistant()
    expect(agent).toMatchObject({ name: 'assistant', model: null, folder: null, children: null })
    expect(agent.tools).toEqual({ preset: 'full', allow: [], deny: [] })
    expect(agent.permissions).toEqual(ASK_BEFORE_CHANGES)
    expect(agent.instructions.length).toBeGreaterThan(500)
    expect(agent.revision).toMatch(/^[0-9a-f]{64}$/)
  })
})
