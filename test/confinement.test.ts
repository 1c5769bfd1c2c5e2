/** A shared policy can hold commands to a sandbox: no network, nothing written, a bounded time. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Event } from '../src/kernel/event.ts'
import type { Json } from '../src/kernel/part.ts'
import { ALLOW_ALL } from '../src/kernel/policy.ts'
import { createRunner } from '../src/sandbox/index.ts'
import { openWorld, type World } from './support/world.ts'

const { isolated } = await createRunner().describe()

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
