import { expect, test } from 'vitest'
import { inputProblem } from './action-input.ts'
import { patternless } from './patternless.ts'

test('expressions are gone, wherever they stand, and nothing else is', () => {
  const inner = { type: 'string', pattern: '^(a+)+$', const: { pattern: 'x' } }
  const plain = { type: 'string', const: { pattern: 'x' } }
  expect(
    patternless({
      properties: { pattern: inner, properties: inner },
      anyOf: [inner, { $defs: { patternProperties: inner } }],
    }),
  ).toEqual({
    properties: { pattern: plain, properties: plain },
    anyOf: [plain, { $defs: { patternProperties: plain } }],
  })
})

test('what a pattern would have allowed stays allowed', async () => {
  const schema = {
    properties: { pattern: { type: 'string' } },
    patternProperties: { '^x-': { type: 'number' } },
    additionalProperties: false,
  }
  expect(await inputProblem(schema, { pattern: '*.ts', 'x-depth': 2 })).toBeNull()
  const closed = { properties: schema.properties, additionalProperties: false }
  expect(await inputProblem(closed, { pattern: '*.ts' })).toBeNull()
  expect(await inputProblem(closed, { other: 1 })).toContain('additional')
})
