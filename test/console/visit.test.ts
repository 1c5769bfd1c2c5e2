/** From a first visit to a first answer, by mouse and by keys, and what a screen reader is told. */

import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openProduct, type Product } from '../support/product.ts'
import {
  BUILT,
  conversation,
  ensureBuilt,
  LIMITS,
  message,
  program,
  say,
  script,
  type Visit,
  visit,
} from './browser.ts'

describe.skipIf(program === null)('a first visit', LIMITS, () => {
  let product: Product
  let seen: Visit

  beforeAll(async () => {
    ensureBuilt()
    product = await openProduct({ model: 'scripted:x' })
  })
  afterEach(() => seen?.close())
  afterAll(() => product?.close())

  it('ends with an answer', async () => {
    seen = await visit(product.url)
    const { page, complaints } = seen
    await page.getByRole('heading', { name: 'Say something to an agent' }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/console/threads')
    await say(page, script([{ think: 'Hm.' }, { say: 'It is **done**, see\n\n- one\n- two' }]))
    const talk = conversation(page)
    await talk.getByRole('listitem').getByText('two').waitFor()
    expect(await talk.locator('strong').textContent()).toBe('done')
    await talk.getByRole('button', { name: 'Thought for' }).click()
    await talk.getByText('Hm.', { exact: true }).waitFor()
    expect(page.url()).toMatch(/\/console\/threads\/[0-9a-f-]{36}$/)
    // What comes while the page is open is read out when it is complete.
    await say(page, script([{ say: 'Aloud.' }]))
    await page.getByRole('log').getByText('Aloud.').waitFor({ state: 'attached' })
    // The address is the page: whoever opens it sees the same.
    await page.reload()
    await talk.getByRole('listitem').getByText('two').waitFor()
    expect(complaints).toEqual([])
  })

  it('can be done by keys alone', async () => {
    await product.ask('POST', '/manifold/v1/runs', { input: script([{ say: 'Earlier.' }]) })
    seen = await visit(`${product.url}/console/threads`)
    const { page, complaints } = seen
    const keys = async (...list: string[]) => {
      for (const key of list) await page.keyboard.press(key)
    }
    await page.getByRole('link', { name: 'Earlier.' }).first().waitFor()
    await keys('n')
    const dialog = page.getByRole('dialog', { name: 'New thread' })
    await dialog.waitFor()
    await page.keyboard.type(script([{ say: 'Typed.' }]))
    await keys('Enter')
    await conversation(page).getByText('Typed.', { exact: true }).waitFor()
    await keys('Escape', 'g', 'i')
    await page.getByRole('heading', { name: 'Nothing waits for you' }).waitFor()
    await keys('?')
    await page.getByRole('dialog', { name: 'Keys' }).getByText('Go to Inbox').waitFor()
    await keys('Escape', 'g', 't', '/')
    await page.keyboard.type('Typed')
    await keys('Escape')
    await page.getByText('1 conversation').waitFor()
    await keys('j', 'Enter')
    await conversation(page).getByText('Typed.', { exact: true }).waitFor()
    await keys('r')
    expect(
      await message(page).evaluate((field) => field === field.ownerDocument.activeElement),
    ).toBe(true)
    await keys('Escape', 'u')
    await page.getByRole('heading', { name: 'Threads' }).waitFor()
    expect(complaints).toEqual([])
  })

  it('an address that nobody knows says so, within the console and without', async () => {
    seen = await visit(`${product.url}/console/nowhere`)
    await seen.page.getByRole('heading', { name: 'There is no such page' }).waitFor()
    await seen.page.goto(`${product.url}/console/threads/01a202ca-6840-7a26-bb10-d1d77cc20bf7`)
    await seen.page.getByRole('heading', { name: 'There is no such thread' }).waitFor()
    const file = await product.ask('GET', '/console/assets/gone.js')
    expect(file.status).toBe(404)
  })

  it('chooses its colours, and keeps the choice', async () => {
    seen = await visit(`${product.url}/console/threads`, { scheme: 'dark' })
    const { page } = seen
    const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor')
    await page.getByRole('heading', { name: 'Threads' }).waitFor()
    const dark = await ground()
    await page.getByRole('button', { name: 'Colours: system' }).click()
    const light = await ground()
    expect(light).not.toBe(dark)
    await page.reload()
    await page.getByRole('button', { name: 'Colours: light' }).waitFor()
    expect(await ground()).toBe(light)
  })
})

describe('what is sent to a browser', () => {
  it('is less than 250 KB, packed', async () => {
    ensureBuilt()
    const folder = join(BUILT, 'assets')
    expect(existsSync(folder)).toBe(true)
    const files = await readdir(folder)
    const sizes = await Promise.all(
      files.map(async (name) => gzipSync(await readFile(join(folder, name))).length),
    )
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(250 * 1024)
  })

  it('runs no script but its own, and loads nothing from elsewhere', async () => {
    const product = await openProduct({ model: 'scripted:x' })
    try {
      for (const path of ['/', '/console', '/console/threads/x', '/console/agents/a.b']) {
        const { status, headers, body } = await product.ask('GET', path)
        expect([path, status]).toEqual([path, 200])
        const policy = headers.get('content-security-policy') ?? ''
        expect(policy).toContain("default-src 'none'")
        expect(policy).toContain("frame-ancestors 'none'")
        expect(policy).not.toMatch(/unsafe|https?:|\*/)
        expect(headers.get('x-content-type-options')).toBe('nosniff')
        expect(headers.get('cache-control')).toBe('no-cache')
        expect(body).not.toMatch(/<script(?![^>]*\ssrc=)|\sstyle=|\son\w+=/)
      }
      const [name] = (await readdir(join(BUILT, 'assets'))).filter((file) => file.endsWith('.js'))
      const asset = await product.ask('GET', `/console/assets/${name}`)
      expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
      expect(asset.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
      const outside = await product.ask('GET', '/console/assets/..%2f..%2fmain.js')
      expect(outside.status).toBe(404)
    } finally {
      await product.close()
    }
  })
})
