import { expect, test } from 'vitest'
import { moved, type Rule, rulesIn, verdictIn, withRules, withVerdict } from './rules.ts'

const rules: Rule[] = [
  { tool: 'write', pattern: 'src/*', verdict: 'allow' },
  { tool: 'shell', verdict: 'deny' },
]

test('rules are read, written, and leave nothing behind when the last one goes', () => {
  expect(rulesIn({})).toEqual([])
  const config = withRules({ model: null }, rules)
  expect(config).toEqual({ model: null, permissions: { rules } })
  expect(rulesIn(config)).toEqual(rules)
  expect(withRules(config, [])).toEqual({ model: null })
})

test('what is no plain rule is left to the text', () => {
  expect(rulesIn({ permissions: { rules: 'all' } })).toBeNull()
  expect(rulesIn({ permissions: { rules: [{ tool: 'a', verdict: 'maybe' }] } })).toBeNull()
  const more = { ...rules[1], note: 'kept' }
  expect(rulesIn({ permissions: { rules: [more] } })).toBeNull()
})

test('a verdict for a kind of access stands beside the rules', () => {
  const config = withVerdict(withRules({}, rules), 'network', 'allow')
  expect(config).toEqual({ permissions: { rules, otherwise: { network: 'allow' } } })
  expect([verdictIn(config, 'network'), verdictIn(config, 'write')]).toEqual(['allow', null])
  expect(withVerdict(config, 'network', null)).toEqual({ permissions: { rules } })
})

test('a rule changes its place', () => {
  expect(moved(['a', 'b', 'c'], 2, 0)).toEqual(['c', 'a', 'b'])
  expect(moved(['a', 'b', 'c'], 0, 1)).toEqual(['b', 'a', 'c'])
})
