import { describe, expect, test } from 'vitest'
import type { AskBody } from '../kernel/event.ts'
import type { OpenAsk } from '../kernel/run.ts'
import { answerOf, nobodysAnswer } from './reply.ts'

const opened = (body: AskBody): OpenAsk => ({
  ask: 'a',
  turn: 0,
  body,
  open: [''],
  openedAt: 0,
  expiresAt: null,
})
const approval = opened({ kind: 'approval', calls: [] })
const limit = opened({ kind: 'limit', limitUsd: 1, spentUsd: 1 })
const question = (schema?: { type: string }) =>
  opened({
    kind: 'question',
    call: 'c',
    question: { text: '?', options: [{ label: 'red' }], ...(schema ? { schema } : {}) },
  })

describe('an approval', () => {
  test.each([
    ['y', { allow: true }],
    ['YES', { allow: true }],
    ['a', { allow: true, remember: true }],
    ['n', { allow: false }],
    ['no, use b.txt', { allow: false, reason: 'use b.txt' }],
  ])('is answered by %s', (words, answer) => {
    expect(answerOf(approval, words)).toEqual(answer)
  })

  test.each(['maybe', '', 'yeah sure', '1'])('is never given by %j', (words) => {
    expect(answerOf(approval, words)).toHaveProperty('hint')
  })
})

test('a limit cannot be raised for ever', () => {
  expect(answerOf(limit, 'always')).toHaveProperty('hint')
  expect(answerOf(limit, 'y')).toEqual({ allow: true })
})

test('a question takes words, the number of an option, or a value of its own type', () => {
  expect(answerOf(question(), 'green')).toEqual({ answer: 'green' })
  expect(answerOf(question(), '1')).toEqual({ answer: 'red' })
  expect(answerOf(question(), '2')).toEqual({ answer: '2' })
  expect(answerOf(question({ type: 'number' }), '42')).toEqual({ answer: 42 })
})

test('where nobody is, only approvals can be given in advance', () => {
  expect(nobodysAnswer(approval, true)).toEqual({ allow: true })
  expect(nobodysAnswer(approval, false)).toMatchObject({ allow: false })
  expect(nobodysAnswer(limit, true)).toMatchObject({ allow: false })
  expect(nobodysAnswer(question(), true)).toHaveProperty('answer')
})
