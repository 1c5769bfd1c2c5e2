import { expect, test } from 'vitest'
import { parseYaml } from './yaml.ts'

test('plain data comes back as it is', async () => {
  expect(await parseYaml('a: 1\nb: [x, {c: null}]')).toEqual({
    value: { a: 1, b: ['x', { c: null }] },
  })
})

test.each([
  ['a: 1\nb: {c: 1, d: 2, c: 3}', 'DUPLICATE_KEY'],
  ['a: [1', 'BAD_INDENT|MISSING_CHAR|FLOW'],
  ['a: &x [1]\nb: *x', 'references'],
])('%j is refused with a reason', async (text, reason) => {
  expect(await parseYaml(text)).toEqual({ problem: expect.stringMatching(reason) })
})

test('as many keys as a file may have', async () => {
  const text = Array.from({ length: 60_000 }, (_, i) => `key${i}: v`).join('\n')
  const parsed = await parseYaml(text)
  expect('value' in parsed && Object.keys(parsed.value as object)).toHaveLength(60_000)
})
