import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Message, Part } from '../kernel/part.ts'
import type { ModelItem, ModelRequest } from '../kernel/ports.ts'
import { createModels } from './index.ts'

let fixtures = ''
beforeAll(async () => {
  fixtures = await mkdtemp(join(tmpdir(), 'manifold-scripts-'))
  await writeFile(join(fixtures, 'greet.json'), JSON.stringify([[{ say: 'From a file.' }]]))
})
afterAll(() => rm(fixtures, { recursive: true }))

const message = (role: Message['role'], parts: Part[], more: Partial<Message> = {}): Message => ({
  id: 'm',
  role,
  parts,
  run: 'r',
  turn: null,
  at: 0,
  ...more,
})
const says = (role: 'user' | 'assistant', text: string): Message =>
  message(role, [{ kind: 'text', text }])
const script = (...turns: unknown[][]): Message => says('user', `script ${JSON.stringify(turns)}`)

const ask = (messages: Message[], more: Partial<ModelRequest> = {}): ModelRequest => ({
  model: 'scripted:any',
  system: '',
  messages,
  continues: false,
  attempt: 1,
  tools: [],
  signal: new AbortController().signal,
  ...more,
})

async function hear(request: ModelRequest): Promise<ModelItem[]> {
  const items: ModelItem[] = []
  const models = createModels({ providers: {}, fixtures })
  for await (const item of models.stream(request)) items.push(item)
  return items
}

const textOf = (items: ModelItem[], kind: 'text' | 'thinking' = 'text'): string =>
  items.map((i) => (i.kind === kind ? i.text : '')).join('')
const endOf = (items: ModelItem[]) => items.at(-1) as ModelItem

describe('what is said', () => {
  test('words with their spaces, and the tokens they count', async () => {
    const items = await hear(ask([script([{ say: 'one two three' }])]))
    expect(items.slice(0, -1)).toEqual([
      { kind: 'text', text: 'one ' },
      { kind: 'text', text: 'two ' },
      { kind: 'text', text: 'three' },
    ])
    expect(endOf(items)).toEqual({
      kind: 'done',
      stop: 'end',
      model: 'any',
      usage: {
        inputTokens: 100,
        outputTokens: 3,
        cacheReadTokens: 0,
        cacheWriteTokens: 0,
        costUsd: 0,
      },
    })
  })

  test('pieces of a size, none through a character', async () => {
    const items = await hear(ask([script([{ say: 'ab\u{1f600}cd', chunk: 3 }])]))
    expect(items.slice(0, -1).map((i) => 'text' in i && i.text)).toEqual(['ab\u{1f600}', 'cd'])
  })

  test('thinking, stop and usage', async () => {
    const acts = [{ think: 'hm' }, { say: 'x' }, { stop: 'length' }, { usage: { costUsd: 2 } }]
    const items = await hear(ask([script(acts)]))
    expect(textOf(items, 'thinking')).toBe('hm')
    expect(endOf(items)).toMatchObject({ stop: 'length', usage: { costUsd: 2, inputTokens: 100 } })
  })

  test('calls, whole, in pieces and malformed', async () => {
    const acts = [
      { call: 'read', input: { path: 'a' } },
      { call: 'read', input: { path: 'b' }, chunk: 4, id: 'mine' },
      { call: 'read', raw: '{"path"' },
    ]
    const items = await hear(ask([script(acts)]))
    const calls = items.flatMap((i) => (i.kind === 'call' ? [i.call] : []))
    expect(new Set(calls).size).toBe(3)
    expect(calls[1]).toBe('mine')
    const inputs = calls.map((c) =>
      items.map((i) => (i.kind === 'args' && i.call === c ? i.text : '')).join(''),
    )
    expect(inputs).toEqual(['{"path":"a"}', '{"path":"b"}', '{"path"'])
    expect(endOf(items)).toMatchObject({ kind: 'done', stop: 'calls' })
  })

  test('without a script it repeats', async () => {
    expect(textOf(await hear(ask([says('user', 'hello there')])))).toBe('You said: hello there')
  })
})

describe('which turn', () => {
  const turns = script([{ say: 'first' }, { call: 'read', input: {} }], [{ say: 'got {{result}}' }])

  test('counts the answers after the script', async () => {
    const messages = [
      says('user', 'before'),
      says('assistant', 'before'),
      turns,
      message('assistant', [{ kind: 'call', call: 'c', tool: 'read', input: {} }]),
      message('tool', [{ kind: 'result', call: 'c', tool: 'read', output: 'A', outcome: 'ok' }]),
    ]
    expect(textOf(await hear(ask(messages)))).toBe('got A')
    expect(textOf(await hear(ask([...messages, says('assistant', 'x')])))).toBe('Done.')
  })

  test('the latest words of the person', async () => {
    const messages = [
      script([{ say: 'a' }], [{ say: 'heard {{input}}' }]),
      says('assistant', 'a'),
      says('user', 'this'),
    ]
    expect(textOf(await hear(ask(messages)))).toBe('heard this')
  })

  test('the last script counts', async () => {
    const messages = [script([{ say: 'old' }]), says('assistant', 'old'), script([{ say: 'new' }])]
    expect(textOf(await hear(ask(messages)))).toBe('new')
  })

  test('a file, named in the prompt or by the model', async () => {
    const byPrompt = await hear(ask([says('user', 'script-file greet')]))
    const byModel = await hear(ask([says('user', 'hi')], { model: 'scripted:greet' }))
    expect([textOf(byPrompt), textOf(byModel)]).toEqual(['From a file.', 'From a file.'])
  })

  test.each([
    ['script [', 'no JSON'],
    ['script [{"say":"x"}]', 'Turn 1'],
    ['script [[{"sing":"x"}]]', 'turn 1, act 1'],
    ['script [[{"say":1}]]', '"say" is not right'],
    ['script-file nosuch', 'nosuch.json'],
    ['script-file ../../etc/passwd', 'no script file'],
  ])('%s is refused', async (text, why) => {
    const [end] = await hear(ask([says('user', text)]))
    expect(end).toMatchObject({
      kind: 'failed',
      failure: { code: 'invalid_request', retryable: false },
    })
    expect(JSON.stringify(end)).toContain(why.replaceAll('"', '\\"'))
  })
})

describe('going on', () => {
  const acts = [
    { think: 'deep thought' },
    { say: 'alpha beta ' },
    { pause: 60_000 },
    { say: 'gamma delta' },
    { call: 'read', input: {} },
  ]

  test('from any point on, exactly the rest is said', async () => {
    const whole = 'alpha beta gamma delta'
    for (let cut = 'alpha beta g'.length; cut <= whole.length; cut++) {
      const partial = says('assistant', whole.slice(0, cut))
      const items = await hear(ask([script(acts), partial], { continues: true, attempt: 2 }))
      expect(whole.slice(0, cut) + textOf(items)).toBe(whole)
      expect(textOf(items, 'thinking')).toBe('')
      expect(items.filter((i) => i.kind === 'call')).toHaveLength(1)
    }
  })

  test('thinking that broke off is gone on with', async () => {
    const partial = message('assistant', [{ kind: 'thinking', text: 'deep th' }])
    const quick = [{ think: 'deep thought' }, { say: 'x' }]
    const items = await hear(ask([script(quick), partial], { continues: true, attempt: 2 }))
    expect([textOf(items, 'thinking'), textOf(items)]).toEqual(['ought', 'x'])
  })

  test('a cut happens as often as it says', async () => {
    const messages = [script([{ say: 'one ' }, { cut: true, attempts: 1 }, { say: 'two' }])]
    const first = await hear(ask(messages))
    expect(textOf(first)).toBe('one ')
    expect(endOf(first)).toMatchObject({ failure: { code: 'cut_off', retryable: true } })
    const partial = [...messages, says('assistant', 'one ')]
    const second = await hear(ask(partial, { continues: true, attempt: 2 }))
    expect(textOf(second)).toBe('two')
    expect(endOf(second)).toMatchObject({ kind: 'done' })
  })

  test('a failure happens as often as it says, with all it says', async () => {
    const fail = {
      code: 'rate_limited',
      message: 'slow down',
      status: 429,
      retryable: true,
      retryAfterMs: 10,
      attempts: 2,
    }
    const messages = [script([{ fail }, { say: 'ok' }])]
    for (const attempt of [1, 2]) {
      const { attempts: _, ...told } = fail
      expect(endOf(await hear(ask(messages, { attempt })))).toMatchObject({ failure: told })
    }
    expect(textOf(await hear(ask(messages, { attempt: 3 })))).toBe('ok')
  })
})

describe('being stopped', () => {
  test.each([
    ['a pause', [{ say: 'x' }, { pause: 600_000 }]],
    ['a hang', [{ say: 'x' }, { hang: true }]],
    [
      'a slow word',
      [
        { say: 'x y', everyMs: 300 },
        { say: 'z', everyMs: 600_000 },
      ],
    ],
  ])('%s ends at once', async (_name, acts) => {
    const stop = new AbortController()
    const items: ModelItem[] = []
    const models = createModels({ providers: {} })
    for await (const item of models.stream(ask([script(acts)], { signal: stop.signal }))) {
      items.push(item)
      if (textOf(items).length > 0) stop.abort('cancel')
    }
    expect(endOf(items)).toMatchObject({ kind: 'failed', failure: { code: 'aborted' } })
  })

  test('what was stopped before it began says nothing', async () => {
    const items = await hear(ask([script([{ say: 'x' }])], { signal: AbortSignal.abort('cancel') }))
    expect(items).toHaveLength(1)
    expect(items[0]).toMatchObject({ kind: 'failed', failure: { code: 'aborted' } })
  })
})
