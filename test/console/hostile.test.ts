/** What models and tools say is shown and does nothing. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openProduct, type Product } from '../support/product.ts'
import { conversation, LIMITS, program, script, type Visit, visit } from './browser.ts'

const MARKUP =
  '<script>window.hurt = 1</script><img src=x onerror="window.hurt = 2"><iframe src="javascript:parent.hurt=3"></iframe>'
const LINKS =
  '[a](javascript:window.hurt=4) [b](https://elsewhere.test/x) ![pixel](https://spy.test/p.png)'

describe.skipIf(program === null)('hostile output', LIMITS, () => {
  let product: Product
  let seen: Visit

  beforeAll(async () => {
    product = await openProduct({ model: 'scripted:x' })
  })
  afterEach(() => seen?.close())
  afterAll(() => product?.close())

  const open = async (...turns: unknown[]): Promise<Visit> => {
    const body = { input: 'go', model: 'scripted:x' }
    const { thread } = (
      await product.ask('POST', '/manifold/v1/runs', { ...body, input: script(...turns) })
    ).body
    seen = await visit(`${product.url}/console/threads/${thread}`)
    return seen
  }

  it('markup is text, addresses of scripts are no links, and nothing is loaded from elsewhere', async () => {
    const { page, complaints } = await open([
      { think: MARKUP },
      { say: `${MARKUP}\n\n${LINKS}\n\n\`\`\`html\n${MARKUP}\n\`\`\`\n\nThe end.` },
    ])
    const outward: string[] = []
    page.on('request', (request) => {
      if (!request.url().startsWith(product.url)) outward.push(request.url())
    })
    await page.reload()
    const answer = conversation(page).getByRole('article', { name: 'Agent' })
    await answer.getByText('The end.').waitFor()
    expect(await answer.textContent()).toContain(MARKUP)
    expect(await page.locator('main script, main iframe, main img').count()).toBe(0)
    const links = await answer.locator('.prose a').all()
    const told = await Promise.all(
      links.map(async (link) => [await link.getAttribute('href'), await link.getAttribute('rel')]),
    )
    expect(told).toEqual([
      ['https://elsewhere.test/x', 'noopener noreferrer nofollow'],
      ['https://spy.test/p.png', 'noopener noreferrer nofollow'],
    ])
    expect(await page.evaluate('window.hurt')).toBeUndefined()
    expect(outward).toEqual([])
    expect(complaints).toEqual([])
  })

  it('a line of a million letters neither stops the page nor widens it', async () => {
    const { page, complaints } = await open([{ say: `${'x'.repeat(1_000_000)}\n\nBehind it.` }])
    await conversation(page).getByText('Behind it.').waitFor()
    const wide = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
    expect(wide).toBe(0)
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    expect(complaints).toEqual([])
  })

  it('marks that turn the direction of text are seen where somebody decides', async () => {
    const command = 'echo safe \u202e; mr -fr ~\u202c # \u200bdone'
    const { page } = await open([{ call: 'shell', input: { command } }], [{ say: 'So.' }])
    const card = page.getByRole('article', { name: 'May this be done?' })
    const shown = await card.getByRole('figure', { name: 'Command' }).textContent()
    expect(shown).toBe('$ echo safe ‹U+202E›; mr -fr ~‹U+202C› # ‹U+200B›done')
  })

  it('what steers a terminal is not shown, and what was overwritten is not either', async () => {
    const print = String.raw`printf '\033[31mred\033[0m \033]0;title\007\rdone  10%%\rdone 100%%\n'`
    const { page } = await open([{ call: 'shell', input: { command: print } }], [{ say: 'Ran.' }])
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    await conversation(page).getByText('Ran.', { exact: true }).waitFor()
    const output = conversation(page).getByRole('figure', { name: 'Output' })
    if ((await output.count()) === 0)
      await conversation(page)
        .getByRole('button', { name: /^shell/ })
        .click()
    expect((await output.first().textContent())?.trim()).toMatch(/^done 100%/)
  })
})
