/** Lists that are longer than a page: shown as far as a person wants, and fresh while they are. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openProduct, type Product } from '../support/product.ts'
import { LIMITS, program, script, type Visit, visit } from './browser.ts'

const THREADS = 450
const ASKS = 205

describe.skipIf(program === null)('a long list', LIMITS, () => {
  let product: Product
  let seen: Visit

  const ask = async (method: string, path: string, body?: unknown) =>
    (await product.ask(method, `/manifold/v1${path}`, body)).body
  const times = (n: number, act: (i: number) => Promise<unknown>) =>
    Promise.all(Array.from({ length: n }, (_, i) => act(i)))

  beforeAll(async () => {
    product = await openProduct({ model: 'scripted:x' })
    await times(THREADS, (i) => ask('POST', '/threads', { title: `Thread ${i}` }))
  })
  afterEach(() => seen?.close())
  afterAll(() => product?.close())

  it('of threads goes on to its end, and what is new stands at its top', async () => {
    seen = await visit(`${product.url}/console/threads`)
    const { page } = seen
    const list = page.getByRole('region', { name: 'Threads', exact: true })
    const more = page.getByRole('button', { name: /Show more/ })
    await page.getByText(`200 of ${THREADS} are shown`).waitFor()
    await more.click()
    await page.getByText(`400 of ${THREADS} are shown`).waitFor()
    await more.click()
    await more.waitFor({ state: 'hidden' })
    const last = (await ask('GET', `/threads?limit=1&offset=${THREADS - 1}`)).items[0].title
    await list.focus()
    await page.keyboard.press('End')
    await list.getByText(last, { exact: true }).waitFor()
    await ask('POST', '/threads', { title: 'The newest of all' })
    await page.getByText(`${THREADS + 1} conversations`).waitFor()
    await page.keyboard.press('Home')
    await list.getByText('The newest of all').waitFor()
    await list.getByText(last, { exact: true }).waitFor({ state: 'detached' })
    expect(seen.complaints).toEqual([])
  })

  it('of asks goes on to its end, and the count is of all', async () => {
    const writes = [{ call: 'write', input: { path: 'a.txt', content: 'x' } }]
    await times(ASKS, () => ask('POST', '/runs', { input: script(writes, [{ say: 'Done.' }]) }))
    await expect.poll(async () => (await ask('GET', '/asks')).total, LIMITS).toBe(ASKS)
    seen = await visit(`${product.url}/console/inbox`)
    const { page } = seen
    await page.getByText(`200 of ${ASKS} are shown`).waitFor()
    expect(await page.title()).toContain(`(${ASKS})`)
    await page.getByRole('button', { name: /Show more/ }).click()
    await page.getByRole('button', { name: /Show more/ }).waitFor({ state: 'hidden' })
    const { items } = await ask('GET', `/asks?limit=1&offset=${ASKS - 1}`)
    await page.getByRole('region', { name: 'Open asks' }).focus()
    await page.keyboard.press('End')
    await page.locator(`[data-ask="${items[0].id}"]`).waitFor()
    expect(seen.complaints).toEqual([])
  })
})
