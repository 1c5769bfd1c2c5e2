/** Many tabs of one browser, which has six connections to a server: none keeps another from working. */

import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openProduct, type Product } from '../support/product.ts'
import { conversation, LIMITS, program, script, type Visit, visit } from './browser.ts'

describe.skipIf(program === null)('several tabs', LIMITS, () => {
  let product: Product
  let seen: Visit

  const open = async (path: string): Promise<Page> => {
    const page = await seen.page.context().newPage()
    await page.goto(`${product.url}/console${path}`)
    return page
  }
  const begin = async (title: string): Promise<string> =>
    (await product.ask('POST', '/manifold/v1/threads', { title })).body.id
  const feeds = async (): Promise<number> => product.manifold.engine.stats().readers ?? 0

  beforeAll(async () => {
    product = await openProduct({ model: 'scripted:x' })
  })
  afterEach(() => seen?.close())
  afterAll(() => product?.close())

  it('share the news, also when the one that reads them is closed', async () => {
    seen = await visit(`${product.url}/console/threads`)
    const tabs = await Promise.all(Array.from({ length: 8 }, () => open('/threads')))
    await begin('The first')
    for (const tab of [seen.page, ...tabs]) await tab.getByText('The first').waitFor()
    await seen.page.close()
    await begin('The second')
    for (const tab of tabs) await tab.getByText('The second').waitFor()
  })

  it('that nobody sees let go of their thread, and read on when somebody does', async () => {
    const thread = await begin('A talk')
    seen = await visit(`${product.url}/console/threads`)
    const page = await open('/threads')
    await page.clock.install()
    await page.goto(`${product.url}/console/threads/${thread}`)
    await page.getByRole('textbox', { name: 'Message', exact: true }).waitFor()
    await expect.poll(feeds).toBe(1)
    const look = (state: 'hidden' | 'visible') =>
      page.evaluate(`
        Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))
      `)
    await look('hidden')
    await page.clock.fastForward(30_000)
    await expect.poll(feeds).toBe(0)
    const input = script([{ say: 'Said behind its back.' }])
    await product.ask('POST', `/manifold/v1/threads/${thread}/submit`, { input })
    await look('visible')
    await conversation(page).getByText('Said behind its back.', { exact: true }).waitFor()
    await expect.poll(feeds).toBe(1)
  })
})
