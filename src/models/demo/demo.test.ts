import { describe, expect, test } from 'vitest'
import type { Json, Message, Outcome, Part } from '../../kernel/part.ts'
import type { ModelItem, ModelRequest, ToolFace } from '../../kernel/ports.ts'
import { demo } from './demo.ts'

const NAMES = 'read write edit list glob grep shell web_fetch ask_user todo task skill db.query'
const TOOLS: ToolFace[] = NAMES.split(' ').map((name) => ({
  name,
  about: '',
  input: { type: 'object' },
}))

const message = (role: Message['role'], parts: Part[]): Message => ({
  id: 'm',
  role,
  parts,
  run: 'r',
  turn: null,
  at: Date.UTC(2026, 10, 22, 14, 3),
})
const user = (text: string): Message => message('user', [{ kind: 'text', text }])

const ask = (messages: Message[], more: Partial<ModelRequest> = {}): ModelRequest => ({
  model: 'demo:assistant',
  system: '',
  messages,
  continues: false,
  attempt: 1,
  tools: TOOLS,
  signal: new AbortController().signal,
  ...more,
})

async function hear(request: ModelRequest): Promise<ModelItem[]> {
  const items: ModelItem[] = []
  for await (const item of demo(request, 0)) items.push(item)
  return items
}

const textOf = (items: ModelItem[]): string =>
  items.map((i) => (i.kind === 'text' ? i.text : '')).join('')

function callOf(items: ModelItem[]): { tool: string; input: Json } | null {
  const call = items.find((i) => i.kind === 'call')
  const args = items.map((i) => (i.kind === 'args' ? i.text : '')).join('')
  return call?.kind === 'call' ? { tool: call.tool, input: JSON.parse(args) as Json } : null
}

const COLOURS = [{ label: 'Red' }, { label: 'Green' }, { label: 'Blue' }]

test.each<[string, string, Json]>([
  ['list the files', 'list', {}],
  ['Please list the files in src.', 'list', { path: 'src' }],
  ['What files are there?', 'list', {}],
  ['list', 'list', {}],
  ['read a.txt', 'read', { path: 'a.txt' }],
  ['Could you please read the file notes?', 'read', { path: 'notes' }],
  ['what is in docs/a.md?', 'read', { path: 'docs/a.md' }],
  ['look at docs/a.md', 'read', { path: 'docs/a.md' }],
  ['look for TODO', 'grep', { pattern: 'TODO' }],
  ['create a.txt with hello', 'write', { path: 'a.txt', content: 'hello' }],
  ['delete notes.txt', 'shell', { command: 'rm -- notes.txt' }],
  ['ask for approval', 'shell', { command: 'date' }],
  ['use a subagent', 'task', { prompt: 'list the files' }],
  [
    'make a plan: buy milk, bake bread',
    'todo',
    {
      items: [
        { text: 'buy milk', status: 'pending' },
        { text: 'bake bread', status: 'pending' },
      ],
    },
  ],
  ['write hello to a.txt', 'write', { path: 'a.txt', content: 'hello' }],
  ['Write "back to you" to the file b/c.txt', 'write', { path: 'b/c.txt', content: 'back to you' }],
  ['create a file x.md with some text', 'write', { path: 'x.md', content: 'some text' }],
  ['replace one with two in a.txt', 'edit', { path: 'a.txt', old: 'one', new: 'two' }],
  ['replace all a with b in a.txt', 'edit', { path: 'a.txt', old: 'a', new: 'b', all: true }],
  ['run date', 'shell', { command: 'date' }],
  ['run `ls -la .`', 'shell', { command: 'ls -la .' }],
  ['run ls .', 'shell', { command: 'ls .' }],
  ['search for foo bar', 'grep', { pattern: 'foo bar' }],
  ['search for foo in src', 'grep', { pattern: 'foo', path: 'src' }],
  ['find *.ts', 'glob', { pattern: '*.ts' }],
  ['find all files named *.ts in src', 'glob', { pattern: '*.ts', path: 'src' }],
  ['fetch http://example.com/x', 'web_fetch', { url: 'http://example.com/x' }],
  [
    'ask me a question',
    'ask_user',
    { question: 'Which colour do you like best?', options: COLOURS },
  ],
  ['ask me where to go', 'ask_user', { question: 'where to go?' }],
  [
    'make a todo list: milk, bread',
    'todo',
    {
      items: [
        { text: 'milk', status: 'pending' },
        { text: 'bread', status: 'pending' },
      ],
    },
  ],
  ["give the task 'list the files' to a helper", 'task', { prompt: 'list the files' }],
  ['delegate a review to checker', 'task', { prompt: 'a review', agent: 'checker' }],
  ['use skill pdf', 'skill', { name: 'pdf' }],
  ['call tool db.query with {"sql":"select 1"}', 'db.query', { sql: 'select 1' }],
])('%s', async (text, tool, input) => {
  const items = await hear(ask([user(text)]))
  expect(callOf(items)).toEqual({ tool, input })
  expect(textOf(items)).not.toBe('')
  expect(items.at(-1)).toMatchObject({ kind: 'done', stop: 'calls', usage: { costUsd: 0 } })
})

test.each([
  ['Who are you?', /not a language model/],
  ['are you an AI?', /not a language model/],
  ['hello', /Hello!/],
  ['help', /"run date"/],
  ['thank you!', /welcome/],
  ['what time is it?', /14:03 UTC/],
  ['what is the date?', /22 November 2026/],
  ['what is 2 + 3 * (4 - 1)?', /= 11$/],
  ['2 ^ 3 ^ 2', /= 512$/],
  ['1,000 divided by 8', /= 125$/],
  ['say good luck', /^good luck$/],
  ['count to 5', /^1, 2, 3, 4, 5\.$/],
  ['what do you think of Kant?', /no language model/],
])('%s', async (text, answer) => {
  const items = await hear(ask([user(text)]))
  expect(textOf(items)).toMatch(answer)
  expect(callOf(items)).toBeNull()
  expect(items.at(-1)).toMatchObject({ kind: 'done', stop: 'end' })
})

test('it remembers a name', async () => {
  const messages = [
    user('My name is Ada.'),
    message('assistant', [{ kind: 'text', text: 'Hello' }]),
    user('what is my name?'),
  ]
  expect(textOf(await hear(ask(messages)))).toContain('Ada')
})

test('a long text is as long as asked for', async () => {
  for (const text of ['give me a long answer', 'say something long'])
    expect(textOf(await hear(ask([user(text)]))).split(/\s+/).length).toBeGreaterThan(900)
  expect(textOf(await hear(ask([user('write 500 words')]))).split(/\s+/)).toHaveLength(500)
  const story = textOf(await hear(ask([user('Tell me a long story')])))
  expect(story.split(/\s+/).length).toBeGreaterThan(900)
})

test('a text that would take long to understand is not tried', async () => {
  for (const text of [`write ${' '.repeat(100_000)}b c`, 'tell '.repeat(100_000)]) {
    const items = await hear(ask([user(text)]))
    expect(callOf(items)).toBeNull()
    expect(textOf(items)).toContain('more than I can read')
  }
})

test.each([
  ['make a plan', 'Find out what this needs'],
  ['plan a trip to Rome', 'Find out what a trip to Rome needs'],
  ['make a todo list', 'Say hello'],
])('%s has steps though none were named', async (text, first) => {
  const call = callOf(await hear(ask([user(text)])))
  expect(call).toMatchObject({ tool: 'todo', input: { items: [{ text: first }, {}, {}] } })
})

test('a tool that is not offered is not called', async () => {
  const items = await hear(ask([user('run date')], { tools: [] }))
  expect(callOf(items)).toBeNull()
  expect(textOf(items)).toContain('`shell`')
})

test('options in the form that the tool takes', async () => {
  const input = { type: 'object', properties: { options: { items: { type: 'string' } } } }
  const tools = [{ name: 'ask_user', about: '', input }]
  const call = callOf(await hear(ask([user('ask me a question')], { tools })))
  expect(call?.input).toMatchObject({ options: ['Red', 'Green', 'Blue'] })
})

const resultOf = (text: string, tool: string, output: string, outcome: Outcome): Message[] => [
  user(text),
  message('assistant', [{ kind: 'call', call: 'c', tool, input: {} }]),
  message('tool', [{ kind: 'result', call: 'c', tool, output, outcome }]),
]

describe('results', () => {
  test.each<[Outcome, string, RegExp]>([
    ['ok', 'a.txt\nb.txt', /There you are:[\s\S]*a\.txt/],
    ['failed', 'No such folder.', /failed: No such folder\./],
    ['denied', 'The person said no.', /not allowed[\s\S]*The person said no\./],
    ['unknown', '', /nobody knows/],
    ['cancelled', '', /cancelled/],
  ])('%s', async (outcome, output, expected) => {
    const items = await hear(ask(resultOf('list the files', 'list', output, outcome)))
    expect(textOf(items)).toMatch(expected)
    expect(items.at(-1)).toMatchObject({ kind: 'done', stop: 'end' })
  })

  test('then comes the next step', async () => {
    const items = await hear(
      ask(resultOf('list the files, then read a.txt', 'list', 'a.txt', 'ok')),
    )
    expect(textOf(items)).toContain('There you are')
    expect(callOf(items)).toEqual({ tool: 'read', input: { path: 'a.txt' } })
  })
})

test('an answer that broke off is gone on with, from every word', async () => {
  const whole = textOf(await hear(ask([user('who are you?')])))
  for (let cut = 0; cut <= whole.length; cut += 7) {
    const partial = message('assistant', [{ kind: 'text', text: whole.slice(0, cut) }])
    const rest = await hear(ask([user('who are you?'), partial], { continues: true, attempt: 2 }))
    expect(whole.slice(0, cut) + textOf(rest)).toBe(whole)
  }
})

test('a call that was lost is made again after the words that were said', async () => {
  const partial = message('assistant', [{ kind: 'text', text: 'I will run' }])
  const items = await hear(ask([user('run date'), partial], { continues: true, attempt: 2 }))
  expect(textOf(items)).toBe(' `date`.')
  expect(callOf(items)).toEqual({ tool: 'shell', input: { command: 'date' } })
})

test('it says honestly that it cannot sum up', async () => {
  const system = 'You write the summary of a conversation.'
  const items = await hear(ask([user('User: hello\nAssistant: hi')], { system, tools: [] }))
  expect(textOf(items)).toContain('- User: hello')
})

test('stopping ends it at once, whatever its rate', async () => {
  const stop = new AbortController()
  const items: ModelItem[] = []
  for await (const item of demo(ask([user('count to 100')], { signal: stop.signal }), 0.001)) {
    items.push(item)
    stop.abort('cancel')
  }
  expect(textOf(items)).toBe('1, ')
  expect(items.at(-1)).toMatchObject({ kind: 'failed', failure: { code: 'aborted' } })
})
