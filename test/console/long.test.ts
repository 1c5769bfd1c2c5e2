/** A thread of twenty thousand events: shown in a moment, with as few elements as a short one. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openProduct, type Product } from '../support/product.ts'
import { conversation, program, script, type Visit, visit } from './browser.ts'

const EVENTS = 20_000

describe.skipIf(program === null)('a long thread', () => {
  let product: Product
  let thread: string
  let seen: Visit

  beforeAll(async () => {
    product = await openProduct({ model: 'scripted:x' })
    const begun = await product.ask('POST', '/manifold/v1/runs', { input: said(0) })
    thread = begun.body.thread
    for (let n = 1, seq = 0; seq < EVENTS; n += 20) {
      for (let i = 0; i < 20; i++) {
        const input = said(n + i)
        await product.ask('POST', `/manifold/v1/threads/${thread}/submit`, { input })
      }
      const read = await product.ask('GET', `/manifold/v1/threads/${thread}?messages=0`)
      seq = read.body.seq
    }
    const status = async (): Promise<string> =>
      (await product.ask('GET', `/manifold/v1/threads/${thread}?messages=0`)).body.status
    await expect.poll(status, { timeout: 100_000, interval: 200 }).toBe('idle')
  })
  afterAll(async () => {
    await seen?.close()
    await product?.close()
  })

  const said = (n: number): string => script([{ say: `Answer ${n}.` }])

  it('is windowed, begins at its end, and can be read up to its beginning', async () => {
    seen = await visit(`${product.url}/console/threads/${thread}`)
    const { page, complaints } = seen
    const talk = conversation(page)
    await talk.getByRole('article', { name: 'Agent' }).first().waitFor()
    const rows = async (): Promise<number> => await talk.locator('[data-key]').count()
    expect(await rows()).toBeLessThan(80)
    expect(await talk.getByText('Answer 0.', { exact: true }).count()).toBe(0)
    expect(await talk.evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight)).toBeLessThan(
      50,
    )
    await talk.evaluate((element) => {
      element.scrollTop = 0
    })
    await talk.getByText('Answer 0.', { exact: true }).waitFor()
    expect(await rows()).toBeLessThan(80)
    await page.getByRole('button', { name: 'Newest' }).click()
    await page.getByRole('button', { name: 'Newest' }).waitFor({ state: 'hidden' })
    expect(complaints).toEqual([])
  })

  it('what was read does not move while new words come below it', async () => {
    const { page } = seen
    const talk = conversation(page)
    await talk.evaluate((element) => {
      element.scrollTop = element.scrollHeight / 2
    })
    const rows = talk.locator('[data-key]')
    await expect.poll(() => rows.count()).toBeGreaterThan(5)
    const place = async (): Promise<unknown> =>
      await talk.evaluate((element) => {
        const { top } = element.getBoundingClientRect()
        const rows = [...element.querySelectorAll('[data-key]')]
        const first = rows.find((row: typeof element) => row.getBoundingClientRect().top >= top)
        return first && [first.dataset.key, Math.round(first.getBoundingClientRect().top - top)]
      })
    // Rows that came into view are measured first; then nothing moves any more.
    let before = await place()
    await expect
      .poll(async () => {
        const was = before
        before = await place()
        return JSON.stringify(was) === JSON.stringify(before)
      })
      .toBe(true)
    await product.ask('POST', `/manifold/v1/threads/${thread}/submit`, {
      input: script([{ say: 'More words. '.repeat(400) }]),
    })
    await page.getByRole('log').getByText('More words.').first().waitFor({ state: 'attached' })
    expect(await place()).toEqual(before)
  })
})
