/** A task goes to an agent of the same account or of the server, never to one that others have made. */

import { afterEach, expect, it } from 'vitest'
import { openWorld, type World } from './support/world.ts'

let world: World
afterEach(() => world.close())

async function outcome(account: string): Promise<{ outcome: string; output: string } | undefined> {
  const theirs = { account: 'theirs', instructions: 'Their words.' }
  world = await openWorld({ agents: { assistant: { subagents: 'any' }, hidden: theirs } })
  const task = { call: 'task', input: { prompt: 'script [[{"say":"ok"}]]', agent: 'hidden' } }
  const { thread } = await world.begin([[task]], { account })
  const events = await world.ended(thread)
  return events.flatMap((e) => (e.type === 'tool.ended' ? [e.data] : []))[0]
}

it('its own account may', async () => {
  expect(await outcome('theirs')).toMatchObject({ outcome: 'ok' })
})

it.each(['guest', 'local'])('%s may not, and is not told of it', async (account) => {
  expect(await outcome(account)).toMatchObject({
    outcome: 'failed',
    output: 'There is no agent hidden. The agents are: assistant.',
  })
})
