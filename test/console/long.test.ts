/** A thread of twenty thousand events: shown in a moment, with as few elements as a short one. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openProduct, type Product } from '../support/product.ts'
import { conversation, LIMITS, program, script, type Visit, visit } from './browser.ts'

describe.skipIf(program === null)('a long thread', LIMITS, () => {
  let product: Product
  let thread: string
  let seen: Visit

  beforeAll(async () => {
    product = await openProduct({ model: 'scripted:x' })
    const calls = Array.from({ length: 250 }, () => ({ call: 'todo', input: { items: [] } }))
    const turns = Array.from({ length: 21 }, (_, n) => [{ say: `Part ${n}.` }, ...calls])
    const begun = await product.ask('POST', '/manifold/v1/runs', { input: script(...turns) })
    thread = begun.body.thread
    // The stream of a run ends with the run.
    await (await fetch(`${product.url}/manifold/v1/runs/${begun.body.run}/stream`)).text()
    const { body } = await product.ask('GET', `/manifold/v1/threads/${thread}?messages=0`)
    expect(body.seq).toBeGreaterThan(20_000)
  }, 300_000)
  afterAll(async () => {
    await seen?.close()
    await product?.close()
  })

  it('is windowed, begins at its end, and can be read up to its beginning', async () => {
    seen = await visit(`${product.url}/console/threads/${thread}`)
    const { page, complaints } = seen
    const talk = conversation(page)
    await talk.getByRole('button', { name: /^todo/ }).first().waitFor()
    const rows = async (): Promise<number> => await talk.locator('[data-key]').count()
    expect(await rows()).toBeLessThan(80)
    const first = talk.getByRole('article', { name: 'You', exact: true })
    expect(await first.count()).toBe(0)
    expect(await talk.evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight)).toBeLessThan(
      50,
    )
    await talk.evaluate((element) => {
      element.scrollTop = 0
    })
    await first.waitFor()
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
