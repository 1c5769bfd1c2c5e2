/**
 * A shared policy can hold commands to a sandbox: no network, nothing written, a bounded time. Those
 * of guests are always held to one.
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Event } from '../src/kernel/event.ts'
import type { Json } from '../src/kernel/part.ts'
import { ALLOW_ALL } from '../src/kernel/policy.ts'
import { createRunner, openWorkspace } from '../src/sandbox/index.ts'
import { createToolbox } from '../src/tools/index.ts'
import { openWorld, type World } from './support/world.ts'

const { isolated } = await createRunner().describe()

describe('where there are no walls', () => {
  let world: World
  afterEach(() => world.close())

  async function shell(account: string): Promise<string> {
    const plain = createToolbox({ runner: createRunner({ mode: 'plain' }), openWorkspace })
    world = await openWorld({ wrapToolbox: () => plain })
    const rest = { refusedTurns: null, askTimeoutMs: null, compaction: null, confinement: null }
    const body = { permissions: ALLOW_ALL, ...rest } as unknown as Json
    await world.store.put({ kind: 'policy', key: 'free', body })
    const script = [[{ call: 'shell', input: { command: 'echo ran' } }]]
    const { thread } = await world.begin(script, { policy: 'free', account })
    const events = await world.ended(thread)
    return events.flatMap((e) => (e.type === 'tool.ended' ? [e.data.output] : [])).join()
  }

  it('the owner of the machine runs commands', async () => {
    expect(await shell('local')).toBe('ran')
  })
  it('other accounts, which would see all that the server keeps, run none', async () => {
    expect(await shell('guest')).toContain('only run in a sandbox')
  })
})

describe.skipIf(!isolated)('a confined thread', () => {
  let world: World
  afterEach(() => world.close())

  async function shell(command: string, confinement: Json): Promise<string> {
    world = await openWorld()
    const rest = {
      permissions: ALLOW_ALL,
      refusedTurns: null,
      askTimeoutMs: null,
      compaction: null,
    }
    const body = { ...rest, confinement } as unknown as Json
    await world.store.put({ kind: 'policy', key: 'held', body })
    writeFileSync(join(world.files, 'a.txt'), 'there')
    const { thread } = await world.begin([[{ call: 'shell', input: { command } }]], {
      policy: 'held',
    })
    const ended = (e: Event): e is Extract<Event, { type: 'tool.ended' }> => e.type === 'tool.ended'
    return (await world.ended(thread)).find(ended)?.data.output ?? ''
  }
  const walls = { network: false, readOnly: true, memoryBytes: null, timeoutMs: null }

  it('reads its workspace and cannot write there', async () => {
    const output = await shell('cat a.txt; echo x > a.txt || echo refused', walls)
    expect(output).toContain('there')
    expect(output).toContain('refused')
  })
  it('writes when it may', async () => {
    const output = await shell('echo new > a.txt && cat a.txt', { ...walls, readOnly: false })
    expect(output).toContain('new')
  })
  it('is ended when its time is over', async () => {
    expect(await shell('sleep 60', { ...walls, timeoutMs: 200 })).toContain('200 ms')
  })
})
