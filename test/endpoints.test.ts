/** Endpoints that last: their keys are sealed, shown as a hint only, and can be kept unread. */

import { afterEach, expect, it } from 'vitest'
import type { Endpoint } from '../src/kernel/ports.ts'
import { openWorld, type World } from './support/world.ts'

let world: World
afterEach(() => world.close())

const endpoint = (more: Partial<Endpoint> = {}): Endpoint => ({
  name: 'work',
  kind: 'openai',
  baseUrl: null,
  apiKey: null,
  models: {},
  ...more,
})

it('an edit keeps the key that is there, unless it brings another', async () => {
  world = await openWorld()
  const { endpoints, models } = world.engine
  const hint = async () => (await endpoints.list())[0]?.keyHint
  await endpoints.put(endpoint(), { keepsKey: true })
  expect((await models.check('work:m'))?.code).toBe('no_credentials')
  await endpoints.put(endpoint({ apiKey: 'a-long-key-1234' }))
  await endpoints.put(endpoint({ models: { m: { contextWindow: 9, maxOutputTokens: 9 } } }), {
    keepsKey: true,
  })
  expect(await models.check('work:m')).toBeNull()
  expect(models.card('work:m')).toMatchObject({ contextWindow: 9 })
  expect(await hint()).toBe('...1234')
  const kept = JSON.stringify(await world.store.list('endpoint'))
  expect(kept).not.toContain('a-long-key')
  await endpoints.put(endpoint())
  expect(await hint()).toBeNull()
  expect((await models.check('work:m'))?.code).toBe('no_credentials')
})
