/** The pure parts under the components: changes of text, forms of schemas, text of machines. */

import { describe, expect, it } from 'vitest'
import { diffLines } from './diff.ts'
import { count, money, span } from './figure.ts'
import { exposed, readable, untwisted } from './plain.ts'
import { answerOf, formOf } from './schema-form.ts'

const marked = (before: string, after: string): string[] =>
  diffLines(before, after).map(
    ({ kind, text }) => `${{ same: ' ', old: '-', new: '+' }[kind]}${text}`,
  )

describe('a change', () => {
  it('is told line by line', () => {
    expect(marked('a\nb\nc', 'a\nx\nc\nd')).toEqual([' a', '-b', '+x', ' c', '+d'])
    expect(marked('', 'a')).toEqual(['+a'])
    expect(marked('a', '')).toEqual(['-a'])
    expect(marked('a', 'a')).toEqual([' a'])
  })

  it('gives both texts back, whatever they are', () => {
    const texts = ['', 'a', 'a\na\nb', 'b\na', 'x\ny\nz\na', '\n\n']
    for (const before of texts)
      for (const after of texts) {
        const lines = diffLines(before, after)
        const of = (kind: string) =>
          lines.filter((line) => line.kind === 'same' || line.kind === kind).map((l) => l.text)
        expect(of('old').join('\n')).toBe(before)
        expect(of('new').join('\n')).toBe(after)
      }
  })
})

describe('the form of a schema', () => {
  const form = formOf({
    type: 'object',
    required: ['name', 'age'],
    properties: {
      name: { type: 'string', title: 'Your name' },
      age: { type: 'integer' },
      size: { enum: ['S', 'M'] },
      tags: { type: 'array', items: { enum: ['a', 'b'] } },
      agrees: { type: 'boolean' },
      more: { type: 'object' },
    },
  })

  it('has a field for every property', () => {
    expect(form.fields.map((f) => [f.label, f.kind, f.isRequired])).toEqual([
      ['Your name', 'text', true],
      ['age', 'number', true],
      ['size', 'choice', false],
      ['tags', 'choices', false],
      ['agrees', 'boolean', false],
      ['more', 'json', false],
    ])
  })

  it('makes the answer, leaves out what was left out, and says what is wrong', () => {
    const texts = { name: 'Ana', age: '41', tags: '["b"]', agrees: 'true', more: '{"x":1}' }
    expect(answerOf(form, texts)).toEqual({
      answer: { name: 'Ana', age: 41, tags: ['b'], agrees: true, more: { x: 1 } },
    })
    expect(answerOf(form, { age: '1' })).toEqual({ problem: 'Your name is missing.' })
    expect(answerOf(form, { name: 'A', age: 'x' })).toEqual({ problem: 'age is not a number.' })
  })

  it('is one field where the answer is no object', () => {
    expect(answerOf(formOf({ type: 'string' }), { '': 'yes' })).toEqual({ answer: 'yes' })
    expect(answerOf(formOf(undefined), { '': 'yes' })).toEqual({ answer: 'yes' })
    expect(answerOf(formOf({ type: 'number' }), { '': '2.5' })).toEqual({ answer: 2.5 })
    expect(formOf({ oneOf: [{ const: 'a' }, { const: 'b' }] }).fields[0]?.options).toEqual([
      'a',
      'b',
    ])
  })
})

describe('text of machines', () => {
  it('shows what cannot be seen, where somebody decides', () => {
    expect(exposed('a\u202eb\u0007c\n\td')).toBe('a‹U+202E›b‹U+0007›c\n\td')
  })

  it('loses what steers a terminal, and what was overwritten', () => {
    expect(readable('\u001b[31mred\u001b[0m\r\nnext')).toBe('red\nnext')
    expect(readable('10%\r100%\ndone')).toBe('100%\ndone')
    expect(readable('\u001b]0;title\u0007text')).toBe('text')
  })

  it('keeps right-to-left writing in prose, and not the marks that turn all that follows', () => {
    expect(untwisted('שלום \u202eabc')).toBe('שלום ‹U+202E›abc')
  })
})

it('figures are short', () => {
  expect([money(null), money(0), money(0.0123), money(12.3)]).toEqual([
    '–',
    '$0',
    '$0.0123',
    '$12.30',
  ])
  expect([count(999), count(1500), count(2_000_000)]).toEqual(['999', '1.5k', '2.0M'])
  expect([span(12), span(1500), span(61_000), span(3_600_000)]).toEqual([
    ...['12 ms', '1.5 s', '1 min 1 s', '1 h 0 min'],
  ])
})
