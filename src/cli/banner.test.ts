import { expect, test } from 'vitest'
import { type BannerFacts, banner } from './banner.ts'

const facts: BannerFacts = {
  urls: ['http://127.0.0.1:3011'],
  listens: [{ dialect: 'ownware', url: 'http://127.0.0.1:4000' }],
  dialects: ['native', 'ownware'],
  agents: ['assistant'],
  model: 'demo:small',
  dataDir: '/home/me/.manifold',
  warnings: ['no sandbox'],
}

test('the address stands on a line of its own, first, without colour', () => {
  expect(banner(facts, true).split('\n')[0]).toBe('listening on http://127.0.0.1:3011')
})

test('it is said when only the demo answers, and what to do', () => {
  expect(banner(facts, false)).toContain('no language model; set an API key')
  expect(banner({ ...facts, model: 'openai:gpt-4o' }, false)).not.toContain('API key')
})

test('the chat command is the one that works for this port', () => {
  expect(banner(facts, false)).toMatch(/main\.js chat\n/)
  expect(banner({ ...facts, urls: ['http://127.0.0.1:40001'] }, false)).toContain(
    'chat --url http://127.0.0.1:40001',
  )
  // Nobody can connect to all addresses at once.
  expect(banner({ ...facts, urls: ['https://0.0.0.0:3011'] }, false)).toContain(
    'chat --url https://localhost:3011',
  )
})
