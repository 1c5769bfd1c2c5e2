import { expect, test } from 'vitest'
import { endpointName, endpointOf, modelOf, needsEndpoint } from './profile.ts'
import { Profile } from './schema.ts'
import { limitsOf } from './window.ts'

const plain = Profile.parse({ provider: 'openai', model: 'gpt-4o' })
const own = Profile.parse({ ...plain, base_url: 'http://127.0.0.1:9/v1', api_key: 'k' })

test('only what the provider itself cannot know makes an endpoint', () => {
  expect(needsEndpoint(plain)).toBe(false)
  expect(needsEndpoint({ ...plain, max_output_tokens: 5, base_url: '', api_key: '' })).toBe(false)
  for (const more of [{ base_url: 'http://x' }, { api_key: 'k' }, { context_window: 5 }])
    expect(needsEndpoint({ ...plain, ...more })).toBe(true)
  expect(modelOf('fa', plain)).toBe('openai:gpt-4o')
  expect(modelOf('fa', own)).toBe('clotho-fa:gpt-4o')
})

test('names of endpoints have their form, and differ when the profiles do', () => {
  const names = ['fa', 'Fa', 'FA', 'f.a', `x${'y'.repeat(63)}`, `x${'y'.repeat(62)}`]
  const made = names.map(endpointName)
  for (const name of made) expect(name).toMatch(/^[a-z0-9][a-z0-9._-]{0,63}$/)
  expect(new Set(made).size).toBe(names.length)
})

test('a window that nobody gave is looked up: what is given, what the server knows, what is known', () => {
  const windowIn = (profile: Profile, window: number | null = null) => {
    const card = window === null ? null : ({ contextWindow: window, maxOutputTokens: 1 } as never)
    return endpointOf('fa', profile, card).models['gpt-4o']?.contextWindow
  }
  expect(windowIn({ ...own, context_window: 7 }, 8)).toBe(7)
  expect(windowIn(own, 8)).toBe(8)
  expect(windowIn(own)).toBe(128_000)
})

test('the longest known beginning of a name decides', () => {
  expect(limitsOf('gpt-4')?.window).toBe(8192)
  expect(limitsOf('gpt-4o-mini')?.window).toBe(128_000)
  expect(limitsOf('gpt-4-turbo-2024')?.window).toBe(128_000)
  expect(limitsOf('mistral-nemo')?.window).toBe(128_000)
  expect(limitsOf('claude-sonnet-4-5')?.window).toBe(200_000)
  expect(limitsOf('unheard-of')).toBeNull()
})
