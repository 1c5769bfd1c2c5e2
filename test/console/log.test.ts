/** The log page: every event, the fold at it, and its frames in each dialect; by mouse and by keys. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openProduct, type Product } from '../support/product.ts'
import { framesUntil } from '../support/sse.ts'
import { ensureBuilt, program, script, type Visit, visit } from './browser.ts'
import { findings } from './findings.ts'

describe.skipIf(program === null)('the log of a thread', () => {
  let product: Product
  let seen: Visit
  let thread = ''

  const ask = async (method: string, path: string, body?: unknown) =>
    (await product.ask(method, `/manifold/v1${path}`, body)).body
  const told = (id: string, type: string) =>
    framesUntil(`${product.url}/manifold/v1/threads/${id}/stream`, (f) => f.event === type)
  const at = (query = '') => `${product.url}/console/log/${thread}${query}`

  beforeAll(async () => {
    ensureBuilt()
    product = await openProduct({ model: 'scripted:x' })
    const input = script(
      [{ say: 'I look.' }, { call: 'list', input: {} }],
      [{ say: 'Nothing is there.' }],
    )
    thread = (await ask('POST', '/threads', { title: 'A short log', input })).id
    await told(thread, 'run.ended')
  })
  afterEach(() => seen?.close())
  afterAll(() => product?.close())

  it('shows an event, what the fold was then, and its frames in every dialect', async () => {
    const { items } = await ask('GET', `/threads/${thread}/events`)
    const ended = items.find((e: { type: string }) => e.type === 'tool.ended')
    seen = await visit(at())
    const { page, complaints } = seen
    // It stands at the end; the last event is the end of the run.
    await page.getByRole('heading', { name: `${items.length} run.ended` }).waitFor()
    await page.getByRole('button', { name: 'tool.ended' }).click()
    await page.getByRole('heading', { name: `${ended.seq} tool.ended` }).waitFor()
    expect(new URL(page.url()).searchParams.get('seq')).toBe(String(ended.seq))
    await page.getByRole('list', { name: 'What it changed' }).getByText('list ok').waitFor()
    for (const dialect of product.manifold.dialects)
      await page.getByRole('region', { name: `${dialect}: ` }).waitFor()
    const ownware = page.getByRole('region', { name: /^ownware: [1-9]/ })
    await ownware.getByText('tool.call.end').first().waitFor()
    await page.getByRole('button', { name: 'Raw bytes' }).click()
    const { dialects } = await ask('GET', `/threads/${thread}/moments/${ended.seq}`)
    const raw = dialects.find((d: { dialect: string }) => d.dialect === 'ownware').frames[0].text
    expect(await ownware.locator('pre').first().textContent()).toBe(raw.trimEnd())
    expect(complaints).toEqual([])
  })

  it('is walked by keys, and scrubbed', async () => {
    seen = await visit(at('?seq=1'))
    const { page } = seen
    await page.getByRole('heading', { name: '1 thread.opened' }).waitFor()
    await page.keyboard.press('ArrowRight')
    await page.getByRole('heading', { name: '2 run.created' }).waitFor()
    await page.keyboard.press('j')
    await page.getByRole('heading', { name: '3 run.started' }).waitFor()
    const slider = page.getByRole('slider', { name: 'Place in the log' })
    expect(await slider.getAttribute('aria-valuenow')).toBe('3')
    await slider.focus()
    await page.keyboard.press('End')
    await page.getByRole('heading', { name: 'run.ended' }).waitFor()
    const box = await slider.boundingBox()
    if (!box) throw new Error('the slider is not in the page')
    await page.mouse.click(box.x + 1, box.y + box.height / 2)
    await page.getByRole('heading', { name: '1 thread.opened' }).waitFor()
    await page.keyboard.press('o')
    await page.getByRole('region', { name: 'Conversation' }).waitFor()
    expect(page.url()).toContain(`/console/threads/${thread}`)
  })

  it('shows only what is asked for', async () => {
    seen = await visit(at())
    const { page } = seen
    const list = page.getByRole('region', { name: 'Events' })
    await list.getByText('turn.started').first().waitFor()
    await page.getByRole('button', { name: 'tools', exact: true }).click()
    await list.getByText('turn.started').first().waitFor({ state: 'detached' })
    expect(await list.getByRole('button').allTextContents()).toEqual([
      expect.stringContaining('tool.started'),
      expect.stringContaining('tool.ended'),
    ])
  })

  it('follows what is going on', async () => {
    seen = await visit(at())
    const { page } = seen
    await page.getByText('· live').waitFor()
    const { seq } = await ask('GET', `/threads/${thread}`)
    const run = await ask('POST', `/threads/${thread}/submit`, {
      input: script([{ say: 'More.' }]),
    })
    await expect
      .poll(() => page.getByRole('slider').getAttribute('aria-valuenow'), { timeout: 20_000 })
      .not.toBe(String(seq))
    await expect
      .poll(async () => (await ask('GET', `/runs/${run.run}`)).status, { timeout: 20_000 })
      .toBe('completed')
    const now = await ask('GET', `/threads/${thread}`)
    await page.getByRole('heading', { name: `${now.seq} run.ended` }).waitFor()
  })

  it('shows what a model made up as text and nothing else', async () => {
    const evil = '<img src=x onerror=alert(1)>\u202ehello\u0007</script><script>alert(2)</script>'
    const id = (await ask('POST', '/threads', { input: script([{ say: evil }]) })).id
    await told(id, 'run.ended')
    seen = await visit(`${product.url}/console/log/${id}?seq=5`)
    const { page, complaints } = seen
    await page.getByRole('heading', { name: '5 text.delta' }).waitFor()
    await page.getByText('‹U+202E›').first().waitFor()
    expect(await page.locator('main img, main script').count()).toBe(0)
    expect(complaints).toEqual([])
  })

  it.each([
    { width: 1280, scheme: 'light' },
    { width: 1280, scheme: 'dark' },
    { width: 400, scheme: 'light' },
  ] as const)('can be read by everybody at $width pixels, $scheme', async (look) => {
    seen = await visit(at('?seq=6'), look)
    await seen.page.getByRole('heading', { name: /^6 / }).waitFor()
    expect(await findings(seen.page)).toEqual([])
    await seen.page.goto(`${product.url}/console/log`)
    await seen.page.getByRole('link', { name: 'A short log' }).waitFor()
    expect(await findings(seen.page)).toEqual([])
  })
})
