import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { AskBody } from '../../kernel/event.ts'
import { answerRequest, cancelRequest, frameOf, type Pending, ruleRequests } from './commands.ts'

const frame = (value: unknown) => frameOf(JSON.stringify(value))
const origin = { dialect: 'clotho', principal: 'local' }

test('both forms of a message are the same thing', () => {
  const input = [{ kind: 'text', text: 'hi' }]
  expect(frame({ type: 'run', data: { message: 'hi', stream: true, more: 1 } })).toEqual({
    do: 'say',
    input,
    isStreamed: true,
  })
  expect(frame({ type: 'user_message', content: 'hi', stream: true })).toEqual({
    do: 'say',
    input,
    isStreamed: true,
  })
  expect(frame({ type: 'run', data: { message: 'hi' } })).toMatchObject({ isStreamed: false })
  expect(frame({ type: 'user_message', content: 'hi' })).toMatchObject({ isStreamed: false })
})

test('blocks stand in place of the message, and a bad one is an error of the run', () => {
  const content = [
    { type: 'text', text: 'look' },
    { type: 'image', source_type: 'base64', media_type: 'image/gif', data: 'aGk=' },
    { type: 'image', source_type: 'url', data: 'http://x.test/a.png' },
    { type: 'tool_result', tool_use_id: 'a', tool_name: 'bash', content: 'out' },
  ]
  const input = [
    { kind: 'text', text: 'look' },
    { kind: 'image', media: 'image/gif', data: 'aGk=' },
    { kind: 'image', media: 'image/png', url: 'http://x.test/a.png' },
    { kind: 'text', text: '[bash: out]' },
  ]
  expect(frame({ type: 'run', data: { message: 'x', content } })).toMatchObject({ input })
  expect(frame({ type: 'user_message', content })).toMatchObject({ input })
  expect(frame({ type: 'run', data: { message: 'x', content: [] } })).toMatchObject({
    input: [{ kind: 'text', text: 'x' }],
  })
  expect(frame({ type: 'run', data: { message: 'x', content: [{ type: 'nope' }] } })).toMatchObject(
    {
      do: 'complain',
      code: 'internal_error',
    },
  )
})

test('both forms of an approval; neither takes a word for a yes', () => {
  const rule = (approved: unknown) => frame({ type: 'tool_approval', data: { approved } })
  expect(rule(true)).toEqual({ do: 'rule', verdict: { all: true } })
  expect(rule(false)).toEqual({ do: 'rule', verdict: { all: false } })
  for (const wrong of ['false', 'true', 0, 1, null, [], {}])
    expect(rule(wrong)).toMatchObject({ do: 'complain', code: 'invalid_event' })
  const verdicts = { a: 'allow', b: 'deny' }
  expect(frame({ type: 'tool_approval', verdicts })).toEqual({
    do: 'rule',
    verdict: { each: verdicts },
  })
  expect(frame({ type: 'tool_approval', verdicts: { a: true } })).toMatchObject({ do: 'complain' })
  expect(frame({ type: 'tool_approval' })).toMatchObject({ do: 'complain' })
})

test('cancel and panic need no data', () => {
  expect(frame({ type: 'cancel', data: null })).toEqual({ do: 'cancel' })
  expect(frame({ type: 'panic' })).toEqual({ do: 'panic' })
  expect(cancelRequest('drop', origin)).toEqual({
    do: 'cancel',
    reason: null,
    when: 'now',
    queue: 'drop',
    origin,
  })
})

test('what is no event is said so, in the words of the real gateway where it has any', () => {
  const words = (told: ReturnType<typeof frameOf>) => (told.do === 'complain' ? told.message : null)
  expect(words(frame({ type: 'ping' }))).toBe('Unknown client event type: ping')
  expect(words(frame({}))).toBe('Unknown client event type: None')
  expect(words(frame({ type: 'x'.repeat(1000) }))?.length).toBeLessThan(200)
  for (const text of [null, '', 'hello', '[1]', 'null', '"run"', '{"type":"run","data":null}'])
    expect(frameOf(text)).toMatchObject({ do: 'complain', code: 'invalid_event' })
  expect(frame({ type: 'run', data: { message: '' } })).toMatchObject({ do: 'complain' })
})

test('an event that is nested too deeply is no event either', () => {
  const deep = '['.repeat(100_000) + ']'.repeat(100_000)
  const call = `{"type":"tool_use","id":"a","name":"read","arguments":{"x":${deep}}}`
  for (const text of [
    `{"type":${deep}}`,
    `{"type":"run","data":{"message":"x","content":[${call}]}}`,
    `{"type":"user_message","content":[${call}]}`,
  ])
    expect(frameOf(text)).toMatchObject({ do: 'complain', code: 'invalid_event' })
})

/** The captured complaints, without the validator's own postscript. */
const told = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !/For further information/.test(line))
    .map((line) => line.replace(/ \[type=.*$/, ''))
    .join('\n')

test('golden: bad frames are answered as the real gateway answers them', () => {
  const file = readFileSync(join(import.meta.dirname, 'golden/errors.txt'), 'utf8')
  const [, section = ''] = file.split('# unknown type / no type')
  const lines = section.split('\n# ')[0]?.split('\n').slice(1) ?? []
  const pairs = lines.flatMap((line, i) =>
    line.startsWith('-> ') ? [[line.slice(3), (lines[i + 1] ?? '').slice(3)] as const] : [],
  )
  expect(pairs).toHaveLength(5)
  for (const [sent, answer] of pairs) {
    const { data } = JSON.parse(answer) as { data: { code: string; message: string } }
    expect(frameOf(sent)).toEqual({
      do: 'complain',
      code: data.code,
      message: told(data.message),
    })
  }
})

// ---- rulings ------------------------------------------------------------------------------------

const call = (id: string) => ({ call: id, tool: 'shell', input: {}, subject: '', reason: '' })

const pending = (ask: string, body: AskBody, thread = 't'): Pending => ({
  thread,
  ask,
  body,
  open: 'calls' in body ? body.calls.map((c) => c.call) : [''],
})

const approval = pending('q1', { kind: 'approval', calls: [call('a'), call('b')] })
const question = pending('q2', { kind: 'question', call: 'c', question: { text: '?' } })
const limit = pending('q3', { kind: 'limit', limitUsd: 1, spentUsd: 1 })
const childs = pending('q4', { kind: 'approval', calls: [call('d')] }, 'child')
const everything = [approval, question, limit, childs]

const rulings = (
  asks: Pending[],
  verdict: Parameters<typeof ruleRequests>[1],
  asked = ['q1', 'q2', 'q3', 'q4'],
) =>
  ruleRequests(asks, verdict, { asked: new Set(asked), origin }).map(({ thread, request }) => {
    const { do: _, origin: __, ...rest } = request as unknown as Record<string, unknown>
    return { thread, ...rest }
  })

test('one answer for all is an answer to everything the client has been asked', () => {
  expect(rulings(everything, { all: true })).toEqual([
    { thread: 't', ask: 'q1', allow: true },
    { thread: 't', ask: 'q2', answer: 'yes' },
    { thread: 't', ask: 'q3', allow: true },
    { thread: 'child', ask: 'q4', allow: true },
  ])
  expect(rulings(everything, { all: false }).map((r) => 'allow' in r && r.allow)).toEqual([
    false,
    false,
    false,
    false,
  ])
  expect(rulings(everything, { all: true }, ['q4'])).toEqual([
    { thread: 'child', ask: 'q4', allow: true },
  ])
})

test('verdicts: what is allowed by name runs, what is missing is refused, strangers are ignored', () => {
  const each = (verdicts: Record<string, string>) => rulings([approval], { each: verdicts })
  const of = (a: boolean, b: boolean) => [
    { thread: 't', ask: 'q1', rulings: { a: { allow: a }, b: { allow: b } } },
  ]
  expect(each({ a: 'allow' })).toEqual(of(true, false))
  expect(each({ a: 'allow', b: 'allow', x: 'allow' })).toEqual(of(true, true))
  expect(each({ a: 'policy_deny', b: 'Allow' })).toEqual(of(false, false))
  expect(each({ x: 'allow' })).toEqual(of(false, false))
  expect(each({})).toEqual(of(false, false))
})

test('verdicts about one ask leave another one open', () => {
  expect(rulings(everything, { each: { d: 'allow' } })).toEqual([
    { thread: 'child', ask: 'q4', rulings: { d: { allow: true } } },
  ])
  expect(rulings(everything, { each: { c: 'allow', q3: 'deny' } })).toEqual([
    { thread: 't', ask: 'q2', answer: 'yes' },
    { thread: 't', ask: 'q3', allow: false },
  ])
})

test('a message answers the question that waits, and only in words', () => {
  const text = [{ kind: 'text' as const, text: 'green' }]
  expect(answerRequest([approval, question], text, origin)).toEqual({
    thread: 't',
    request: { do: 'answer', ask: 'q2', answer: 'green', origin },
  })
  expect(answerRequest([approval, limit], text, origin)).toBeNull()
  expect(answerRequest([question], [{ kind: 'image', media: 'image/png' }], origin)).toBeNull()
})
