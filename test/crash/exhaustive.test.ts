/**
 * The server stops dead after each append of a conversation with tools, approvals and a question,
 * and is started again: the same end, whatever the place, and no effect twice.
 */

import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Event } from '../../src/kernel/event.ts'
import { textOf } from '../support/world.ts'
import { twoLives } from './lives.ts'

const script = [
  [
    { think: 'Let me see.' },
    { say: 'I write it down. ', chunk: 6 },
    { call: 'shell', input: { command: 'echo effect >> effects.txt' } },
    { call: 'list', input: {} },
  ],
  [{ say: 'And which colour? ' }, { call: 'ask_user', input: { question: 'Which colour?' } }],
  [{ call: 'task', input: { prompt: `script ${JSON.stringify([[{ say: 'child done' }]])}` } }],
  [{ say: 'All done.' }],
]
const EXPECTED = 'I write it down. And which colour? All done.'

describe('a server that stops dead', () => {
  it('after any append, goes on to the same end', async () => {
    let appends = 1
    for (let died = true; died; appends++) {
      const life = await twoLives(appends, (world) => world.begin(script))
      died = life.died
      judge(life.events, life.folder, appends)
      rmSync(life.folder, { recursive: true, force: true })
    }
    expect(appends).toBeGreaterThan(20)
  }, 240_000)
})

function judge(events: Event[], folder: string, appends: number): void {
  const at = `after ${appends} appends`
  expect(
    events.map((e) => e.seq),
    at,
  ).toEqual(events.map((_, i) => i + 1))
  expect(textOf(events), at).toBe(EXPECTED)
  const ends = events.filter((e) => e.type === 'run.ended')
  expect(
    ends.map((e) => e.data),
    at,
  ).toMatchObject([{ outcome: 'completed' }])
  const results = events.flatMap((e) => (e.type === 'tool.ended' ? [e.data] : []))
  expect(results.map((r) => r.tool).sort(), at).toEqual(['ask_user', 'list', 'shell', 'task'])
  const file = join(folder, 'workspace', 'effects.txt')
  const effects = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0
  const shell = results.find((r) => r.tool === 'shell')
  expect(effects, at).toBeLessThanOrEqual(1)
  if (shell?.outcome === 'ok') expect(effects, at).toBe(1)
  else expect(shell?.outcome, at).toBe('unknown')
  const asks = events.flatMap((e) => (e.type === 'ask.opened' ? [e.data.ask] : []))
  const settled = events.flatMap((e) => (e.type === 'ask.settled' ? [e.data.ask] : []))
  expect(settled, at).toEqual(asks)
}
