import { describe, expect, it } from 'vitest'
import type { AskBody } from '../../kernel/event.ts'
import { answerIn, decisionIn, requestId, requestOf } from './question.ts'

const call = { call: 'c1', tool: 'write', input: { path: 'a' }, subject: 'a', reason: 'r' }

describe('decisionIn', () => {
  it.each([
    ['approve', { allow: true }],
    ['Approved', { allow: true }],
    [' YES. ', { allow: true }],
    ['ok, go ahead', { allow: true, reason: 'go ahead' }],
    ['{"decision":"approve"}', { allow: true }],
    ['{"decision":"approve","reason":" fine "}', { allow: true, reason: 'fine' }],
    ['{"approved":true}', { allow: true }],
    ['deny', { allow: false }],
    ['no, use another file', { allow: false, reason: 'use another file' }],
    ['Don’t', { allow: false }],
    ['{"decision":"deny","reason":"why"}', { allow: false, reason: 'why' }],
    ['{"approve":false}', { allow: false }],
    ['{}', { allow: false }],
  ])('%s', (content, decision) => expect(decisionIn(content)).toEqual(decision))

  it.each([
    'maybe',
    'what is it?',
    'yesterday',
    'nothing',
    'yes but not that one',
    'okay no',
    '{"colour":"red"}',
    '{"decision":"later"}',
    '{"decision":5}',
    '[true]',
    '1',
  ])('%s decides nothing', (content) => expect(decisionIn(content)).toBeNull())
})

describe('answerIn', () => {
  it.each([
    ['red', 'red'],
    [' red ', 'red'],
    ['{"c":"red"}', { c: 'red' }],
    ['{"c":', '{"c":'],
    ['[1]', '[1]'],
    ['{}', {}],
  ])('%s', (content, answer) => expect(answerIn(content)).toEqual(answer))
})

describe('requestOf', () => {
  it('a question is known by its call and asked in its own form, or in one field', () => {
    const schema = { type: 'object', properties: { c: { type: 'string' } } }
    const own: AskBody = { kind: 'question', call: 'c1', question: { text: 'Which?', schema } }
    expect(requestOf('a1', own)).toEqual({
      request_id: 'c1',
      message: 'Which?',
      requestedSchema: schema,
      kind: 'question',
    })
    const options = [{ label: 'red', about: 'like a rose' }, { label: 'blue' }]
    const plain: AskBody = { kind: 'question', call: 'c1', question: { text: 'Which?', options } }
    expect(requestOf('a1', plain).requestedSchema).toMatchObject({
      properties: {
        answer: {
          oneOf: [
            { const: 'red', title: 'red: like a rose' },
            { const: 'blue', title: 'blue' },
          ],
        },
      },
      required: ['answer'],
    })
  })

  it('all else is approved or denied, and known by its ask', () => {
    const bodies: AskBody[] = [
      { kind: 'approval', calls: [call] },
      { kind: 'recovery', calls: [call] },
      { kind: 'limit', limitUsd: 1, spentUsd: 1.5 },
    ]
    for (const body of bodies) {
      expect(requestId('a1', body)).toBe('a1')
      expect(requestOf('a1', body).requestedSchema).toMatchObject({
        properties: { decision: {}, reason: {} },
        required: ['decision'],
      })
    }
    expect(requestOf('a1', bodies[0] as AskBody).message).toContain('write: a')
  })
})
