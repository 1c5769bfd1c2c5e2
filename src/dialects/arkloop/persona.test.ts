import { describe, expect, it } from 'vitest'
import { type Agent, DEFAULT_COMPACTION, DEFAULT_LIMITS } from '../../kernel/agent.ts'
import { ASK_BEFORE_CHANGES } from '../../kernel/policy.ts'
import type { Catalog } from '../../kernel/ports.ts'
import { cast, selectable } from './persona.ts'

const agent = (name: string, extra: Agent['extra'] = {}): Agent => ({
  name,
  about: '',
  instructions: '',
  model: null,
  tools: { preset: 'full', allow: [], deny: [] },
  permissions: ASK_BEFORE_CHANGES,
  limits: DEFAULT_LIMITS,
  compaction: DEFAULT_COMPACTION,
  unknownOutcome: 'tell',
  askTimeoutMs: null,
  skills: [],
  servers: {},
  children: null,
  folder: null,
  revision: '',
  extra,
})

const kept = (key: string, version: string, isActive: boolean, account: string | null = null) => ({
  arkloop: { key, version, isActive, account, scope: 'user', id: null, fields: {} },
})

/** As much of a catalog as is looked at. */
const catalogOf = (agents: Agent[]): Catalog =>
  ({
    agents: () => agents,
    agent: (name: string) => agents.find((a) => a.name === name) ?? null,
  }) as Partial<Catalog> as Catalog

const catalog = catalogOf([
  agent('assistant'),
  agent('dated', { version: '2.1' }),
  agent('poet', kept('poet', '2', true)),
  agent('poet.v1', kept('poet', '1', false)),
  agent('theirs', kept('theirs', '1', true, 'other')),
])

describe('who a persona id means', () => {
  it.each([
    ['assistant', { agent: 'assistant' }],
    ['assistant@1', { agent: 'assistant' }],
    ['assistant@2', { agent: 'assistant@2', available: '1' }],
    ['dated@2.1', { agent: 'dated' }],
    ['poet', { agent: 'poet' }],
    ['poet@1', { agent: 'poet.v1' }],
    ['poet@3', { agent: 'poet@3', available: '2' }],
    ['normal', { agent: 'assistant' }],
    ['work', { agent: 'assistant' }],
    ['normal@7', { agent: 'normal@7' }],
    ['nobody', { agent: 'nobody' }],
    // There is an agent of that name, and it is not for this account.
    ['theirs', { agent: 'theirs@' }],
    ['theirs@1', { agent: 'theirs@1' }],
  ])('%s', (id, casting) => expect(cast(catalog, 'local', id)).toEqual(casting))

  it('its owner may use it', () => {
    expect(cast(catalog, 'other', 'theirs@1')).toEqual({ agent: 'theirs' })
  })
})

it('to choose from are the versions in force, and the names the clients know by heart', () => {
  const keys = (account: string) => selectable(catalog, account).map((p) => p.persona_key)
  expect(keys('local')).toEqual(['assistant', 'dated', 'poet', 'normal', 'work'])
  expect(keys('other')).toEqual(['assistant', 'dated', 'poet', 'theirs', 'normal', 'work'])
})
