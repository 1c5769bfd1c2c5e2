/** For everybody: axe finds nothing serious on any page, and a token opens a server that wants one. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openProduct, type Product } from '../support/product.ts'
import { conversation, LIMITS, program, script, type Visit, visit } from './browser.ts'
import { findings } from './findings.ts'

describe.skipIf(program === null)('everybody', LIMITS, () => {
  let product: Product
  let thread: string
  let seen: Visit

  beforeAll(async () => {
    product = await openProduct({ model: 'scripted:x' })
    const input = script(
      [
        { think: 'Let me see.' },
        { say: '# A title\n\n- one\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n`x`' },
        { call: 'list', input: {} },
      ],
      [{ call: 'shell', input: { command: 'echo hello' } }],
    )
    thread = (await product.ask('POST', '/manifold/v1/runs', { input })).body.thread
    await product.ask('POST', `/manifold/v1/threads/${thread}/submit`, { input: 'Then this' })
  })
  afterEach(() => seen?.close())
  afterAll(() => product?.close())

  const looks = [
    { width: 1280, scheme: 'light' },
    { width: 1280, scheme: 'dark' },
    { width: 400, scheme: 'light' },
  ] as const
  it.each(looks)('can use every page at $width pixels, $scheme', async (look) => {
    seen = await visit(`${product.url}/console/threads`, look)
    const { page, complaints } = seen
    const found: Record<string, string[]> = {}
    const narrow = async (name: string) => {
      found[name] = await findings(page)
    }
    await page.getByText('Then this').or(page.getByText('A title')).first().waitFor()
    await narrow('threads')
    await page.getByRole('button', { name: 'New thread' }).click()
    await page.getByRole('dialog').waitFor()
    await narrow('new thread')
    await page.goto(`${product.url}/console/inbox`)
    await page.getByRole('article', { name: 'May this be done?' }).waitFor()
    await narrow('inbox')
    await page.goto(`${product.url}/console/threads/${thread}`)
    await conversation(page).getByRole('article', { name: 'May this be done?' }).waitFor()
    await conversation(page).getByRole('button', { name: /^list/ }).click()
    await narrow('thread')
    expect(found).toEqual({ threads: [], 'new thread': [], inbox: [], thread: [] })
    expect(complaints).toEqual([])
  })
})

describe.skipIf(program === null)('a server that wants a token', LIMITS, () => {
  let product: Product
  let seen: Visit

  beforeAll(async () => {
    product = await openProduct({ model: 'scripted:x', behindProxy: true })
  })
  afterEach(() => seen?.close())
  afterAll(() => product?.close())

  it('is entered with it, and it is never in the address', async () => {
    const token = readFileSync(join(product.folder, 'gateway-token'), 'utf8').trim()
    seen = await visit(`${product.url}/console/inbox`)
    const { page, complaints } = seen
    const field = page.getByLabel('Token')
    await field.fill('wrong')
    await field.press('Enter')
    await page.getByRole('alert').getByText('not the token').waitFor()
    expect(await findings(page)).toEqual([])
    await field.fill(token)
    await field.press('Enter')
    await page.getByRole('heading', { name: 'Nothing waits for you' }).waitFor()
    expect(page.url()).toBe(`${product.url}/console/inbox`)
    const kept = await page.evaluate('[JSON.stringify(localStorage), document.cookie]')
    expect(kept).toEqual(['{}', ''])
    await page.reload()
    await page.getByRole('heading', { name: 'Nothing waits for you' }).waitFor()
    await page.getByRole('button', { name: 'Forget the token' }).click()
    await field.waitFor()
    expect(await page.evaluate('JSON.stringify(sessionStorage)')).not.toContain(token)
    expect(complaints).toEqual([])
  })
})
