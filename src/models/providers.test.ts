/** The wires against somebody else's idea of them: a mock server that we did not write. */

import { LLMock } from '@copilotkit/aimock'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Message } from '../kernel/part.ts'
import type { ModelItem } from '../kernel/ports.ts'
import { createModels } from './index.ts'
import type { ModelSettings } from './settings.ts'

const mock = new LLMock({ port: 0 })

beforeAll(async () => {
  mock.onMessage('hello', { content: 'Hi there, how are you?' })
  mock.onMessage('weather', { toolCalls: [{ name: 'weather', arguments: '{"city":"Bonn"}' }] })
  await mock.start()
})

afterAll(() => mock.stop())

const access = () => ({ apiKey: 'mock-key', baseUrl: mock.url })

const WIRES: [string, string, () => Partial<ModelSettings>][] = [
  ['anthropic', 'anthropic:claude-sonnet-4-6', () => ({ providers: { anthropic: access() } })],
  [
    'openai responses',
    'openai:gpt-6-luna',
    () => ({ providers: { openai: access() }, openaiApi: 'responses' }),
  ],
  ['openai chat', 'openai:gpt-4o', () => ({ providers: { openai: access() } })],
  ['google', 'google:gemini-2.5-flash', () => ({ providers: { google: access() } })],
  ['openrouter', 'openrouter:kimi', () => ({ providers: { openrouter: access() } })],
]

async function hear(settings: Partial<ModelSettings>, model: string, text: string) {
  const message: Message = {
    id: 'm',
    role: 'user',
    parts: [{ kind: 'text', text }],
    run: 'r',
    turn: null,
    at: 0,
  }
  const items: ModelItem[] = []
  const stream = createModels({ providers: {}, ...settings }).stream({
    model,
    system: 'Be brief.',
    messages: [message],
    continues: false,
    attempt: 1,
    tools: [{ name: 'weather', about: 'Tells the weather.', input: { type: 'object' } }],
    signal: new AbortController().signal,
  })
  for await (const item of stream) items.push(item)
  return items
}

describe.each(WIRES)('%s', (_name, model, settings) => {
  test('says a text', async () => {
    const items = await hear(settings(), model, 'hello')
    const text = items.map((i) => (i.kind === 'text' ? i.text : '')).join('')
    expect(text).toBe('Hi there, how are you?')
    expect(items.at(-1)).toMatchObject({ kind: 'done', stop: 'end' })
  })

  test('calls a tool', async () => {
    const items = await hear(settings(), model, 'weather')
    const args = items.map((i) => (i.kind === 'args' ? i.text : '')).join('')
    expect(items.filter((i) => i.kind === 'call')).toMatchObject([{ tool: 'weather' }])
    expect(JSON.parse(args)).toEqual({ city: 'Bonn' })
    expect(items.at(-1)).toMatchObject({ kind: 'done', stop: 'calls' })
  })
})
