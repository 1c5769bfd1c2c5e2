/**
 * The server stops dead after each append of a run with hooks that another agent takes over, and of
 * a run that is a call: the same end, no effect twice, and no hook whose outcome is known again.
 */

import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { EventOf, EventType } from '../../src/kernel/event.ts'
import { hook, hooked, withSwitch } from '../support/hooks.ts'
import { ORIGIN, textOf, type WorldOptions } from '../support/world.ts'
import { type Lives, twoLives } from './lives.ts'

const otherwise = { write: 'allow', execute: 'allow' }
const open = { model: 'scripted:x', permissions: { rules: [], otherwise } }
const agents = { open, other: { ...open, model: 'scripted:other' } }
const effect = { call: 'shell', input: { command: 'echo effect >> effects.txt' } }
const HOOKS = [
  hook('before', 'true', { tools: ['shell'] }),
  hook('after', `echo '{"context": "Seen."}'`, { tools: ['shell'], moments: ['tool.after'] }),
  hook('bell', 'true', { moments: ['run.completed'] }),
]
const options: WorldOptions = {
  agents,
  wrapToolbox: withSwitch,
  wrapCatalog: hooked(HOOKS),
}

const only = <T extends EventType>({ events }: Lives, type: T): EventOf<T>[] =>
  events.filter((e) => e.type === type) as EventOf<T>[]

const effectsOf = (folder: string): number => {
  const file = join(folder, 'workspace', 'effects.txt')
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0
}

async function everyLife(
  begin: Parameters<typeof twoLives>[1],
  judge: (lives: Lives) => void,
): Promise<number> {
  let appends = 1
  for (let died = true; died; appends++) {
    const lives = await twoLives(appends, begin, options)
    died = lives.died
    judge(lives)
    rmSync(lives.folder, { recursive: true, force: true })
  }
  return appends
}

/** The tool did its work once and said so, or nobody knows and it was not done again. */
function judgeShell(lives: Lives): void {
  const shell = only(lives, 'tool.ended').find((e) => e.data.tool === 'shell')
  expect(['ok', 'unknown']).toContain(shell?.data.outcome)
  expect(effectsOf(lives.folder)).toBeLessThanOrEqual(1)
  if (shell?.data.outcome === 'ok') expect(effectsOf(lives.folder)).toBe(1)
}

describe('a server that stops dead', () => {
  it('with hooks and a switch goes on to the same end', async () => {
    const script = [
      [effect, { call: 'hand_over', input: { to: 'other' } }],
      [{ say: 'The other is here.' }],
    ]
    const count = await everyLife(
      (world) => world.begin(script, { agent: 'open' }),
      (lives) => {
        judgeShell(lives)
        expect(textOf(lives.events)).toBe('The other is here.')
        const hooks = only(lives, 'hook.ended').map((e) => e.data)
        expect(hooks.map((h) => h.hook)).toEqual(['before', 'after', 'bell'])
        expect(only(lives, 'run.switched')).toHaveLength(1)
        expect(only(lives, 'turn.started').at(-1)?.data.model).toBe('scripted:other')
        expect(only(lives, 'run.ended').map((e) => e.data.outcome)).toEqual(['completed'])
      },
    )
    expect(count).toBeGreaterThan(10)
  }, 240_000)

  it('in a run that is a call ends it as the call ends', async () => {
    const call = { tool: 'shell', input: effect.input }
    const submit = { do: 'submit', busy: 'queue', call, origin: ORIGIN } as const
    const thread = { agent: 'open', account: 'local', origin: ORIGIN }
    await everyLife(
      (world) => world.engine.begin(thread, { ...submit, input: [] }),
      (lives) => {
        judgeShell(lives)
        const [shell] = only(lives, 'tool.ended')
        const [end] = only(lives, 'run.ended')
        expect(only(lives, 'run.ended')).toHaveLength(1)
        if (shell?.data.outcome === 'ok') expect(end?.data.outcome).toBe('completed')
        else expect(end?.data.trouble?.code).toBe('unknown_outcome')
      },
    )
  }, 240_000)
})
