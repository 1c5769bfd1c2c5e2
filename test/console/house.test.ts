/** Agents, jobs, usage, connect and health: what a person does on each, and whether all can use it. */

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openProduct, type Product } from '../support/product.ts'
import { framesUntil } from '../support/sse.ts'
import { ensureBuilt, LIMITS, program, script, type Visit, visit } from './browser.ts'
import { findings } from './findings.ts'

describe.skipIf(program === null)('the house', () => {
  let product: Product
  let seen: Visit

  const ask = async (method: string, path: string, body?: unknown) =>
    (await product.ask(method, `/manifold/v1${path}`, body)).body
  const told = (id: string, type: string) =>
    framesUntil(`${product.url}/manifold/v1/threads/${id}/stream`, (f) => f.event === type)
  const open = async (path: string) => {
    seen = await visit(`${product.url}/console${path}`)
    return seen.page
  }

  beforeAll(async () => {
    ensureBuilt()
    product = await openProduct({ model: 'scripted:x' })
    const writes = [{ call: 'write', input: { path: 'a.txt', content: 'x' } }]
    const { thread } = await ask('POST', '/runs', { input: script(writes, [{ say: 'Done.' }]) })
    await told(thread, 'ask.opened')
    const [asked] = (await ask('GET', '/asks')).items
    await ask('POST', `/asks/${asked.id}/answer`, { allow: true, remember: true })
    await told(thread, 'run.ended')
  })
  afterEach(() => seen?.close())
  afterAll(() => product?.close())

  it('an agent is made, edited, tried and removed; a mistake is refused in words', async () => {
    const page = await open('/agents')
    await page.getByRole('button', { name: 'New agent' }).click()
    await page.getByLabel('Name').fill('writer')
    await page.getByRole('button', { name: 'Make it' }).click()
    await page.getByRole('heading', { name: 'writer', exact: true }).waitFor()
    await page.getByLabel('Instructions').fill('Write well.')
    await page.getByLabel('Temperature').fill('9')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('alert').getByText('temperature').waitFor()
    await page.getByLabel('Temperature').fill('0.5')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect.poll(async () => (await ask('GET', '/agents/writer')).temperature).toBe(0.5)
    expect(readFileSync(join(product.folder, 'agents/writer/SOUL.md'), 'utf8')).toBe('Write well.')
    await page.getByRole('button', { name: 'Does it answer?' }).click()
    await page.getByText('answers', { exact: true }).waitFor()
    await page.getByText('All settings').click()
    await page.getByLabel('agent.json').fill('{"name":')
    await page.getByRole('alert').getByText('no valid JSON').waitFor()
    expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'Remove' }).click()
    await page.getByRole('button', { name: 'Remove the agent' }).click()
    await expect
      .poll(async () => (await product.ask('GET', '/manifold/v1/agents/writer')).status)
      .toBe(404)
    expect(seen.complaints).toEqual([])
  })

  it('what was allowed for good is taken back', async () => {
    const page = await open('/agents?agent=assistant')
    await page.getByRole('button', { name: /^Take back write/ }).click()
    const part = page.getByRole('region', { name: 'Allowed for good' })
    await part.getByText('Nothing.').waitFor()
    expect((await ask('GET', '/agents/assistant/grants')).items).toEqual([])
  })

  it('rules are made and put in order, and count when they are saved', async () => {
    await ask('POST', '/agents', { name: 'careful' })
    const page = await open('/agents?agent=careful')
    await page.getByRole('button', { name: 'Add a rule' }).click()
    await page.getByLabel('Rule 1: tool').fill('write')
    await page.getByLabel('Rule 1: what the call is about').fill('docs/*')
    await page.getByLabel('Rule 1: verdict').selectOption('allow')
    await page.getByRole('button', { name: 'Add a rule' }).click()
    await page.getByLabel('Rule 2: tool').fill('shell')
    await page.getByLabel('Rule 2: verdict').selectOption('deny')
    await page.getByRole('button', { name: 'Rule 2: ask it earlier' }).click()
    await page.getByLabel('network', { exact: true }).selectOption('allow')
    await page.getByRole('button', { name: 'Save' }).click()
    const rules = [
      { tool: 'shell', verdict: 'deny' },
      { tool: 'write', pattern: 'docs/*', verdict: 'allow' },
    ]
    const permissions = { rules, otherwise: { network: 'allow' } }
    await expect
      .poll(async () => (await ask('GET', '/agents/careful/source')).config.permissions)
      .toEqual(permissions)
    await page.getByRole('region', { name: 'What it may do' }).getByText('docs/*').waitFor()
    await page.getByRole('button', { name: 'Rule 1: remove it' }).click()
    expect(await page.getByLabel('Rule 1: tool').inputValue()).toBe('write')
    expect(await page.getByLabel('Rule 2: tool').count()).toBe(0)
    await ask('DELETE', '/agents/careful')
    expect(seen.complaints).toEqual([])
  })

  it('a chore is made, run now, switched off, archived and deleted', async () => {
    const page = await open('/jobs')
    await page.getByRole('button', { name: 'New job' }).click()
    await page.getByLabel('Kind').selectOption('chore')
    await page.getByLabel('Title').fill('Look around')
    await page.getByLabel('What is to be done').fill(script([{ say: 'Looked.' }]))
    await page.getByLabel('Schedule').fill('FREQ=OFTEN')
    await page.getByRole('button', { name: 'Make it' }).click()
    await page.getByRole('dialog').getByRole('alert').waitFor()
    await page.getByRole('button', { name: 'Every Monday at 08:00' }).click()
    await page.getByRole('button', { name: 'Make it' }).click()
    await page.getByRole('heading', { name: 'Look around' }).waitFor()
    await page.getByText('every week on Monday at 08:00 UTC').first().waitFor()
    await page.getByRole('button', { name: 'Run now' }).click()
    const became = page.getByRole('region', { name: 'Occurrences' })
    await became.getByText('by hand').waitFor()
    await became.getByText('completed').waitFor()
    await page.getByRole('button', { name: 'Switch off' }).click()
    await page.getByRole('button', { name: 'Switch on' }).waitFor()
    const [job] = (await ask('GET', '/jobs')).items
    expect(job).toMatchObject({ state: 'inactive', nextAt: null })
    await page.getByRole('article').getByRole('button', { name: 'Archive' }).click()
    await page.getByRole('button', { name: 'Delete' }).click()
    await expect
      .poll(async () => (await product.ask('GET', `/manifold/v1/jobs/${job.id}`)).status)
      .toBe(404)
    expect(seen.complaints).toEqual([])
  })

  it('usage says what was used, by what, and leads to the slowest call', async () => {
    const page = await open('/usage')
    await page.getByRole('img', { name: 'tokens by day' }).waitFor()
    const days = await ask('GET', '/usage?by=day')
    const { inputTokens, outputTokens } = days.items[0].usage
    const shown = page.getByRole('region', { name: 'By API' }).getByRole('row', { name: 'native' })
    await shown.getByText(String(inputTokens + outputTokens)).waitFor()
    await page.getByRole('row', { name: 'write' }).getByRole('link').click()
    await page.getByRole('heading', { name: 'tool.ended' }).waitFor()
  })

  it('usage hears of what is used while it is open', async () => {
    const page = await open('/usage')
    const runs = page.getByRole('term').filter({ hasText: /^Runs$/ })
    const shown = runs.locator('xpath=following-sibling::dd')
    await expect.poll(() => shown.innerText()).toMatch(/^\d+$/)
    const before = Number(await shown.innerText())
    await ask('POST', '/runs', { input: script([{ say: 'Once more.' }]) })
    await expect.poll(() => shown.innerText(), LIMITS).toBe(String(before + 1))
  })

  it('a snippet works as it is shown, and a token is shown when it is asked for', async () => {
    const page = await open('/connect?api=clotho')
    await page.getByRole('radio').nth(1).check()
    const code = await page
      .getByRole('figure', { name: 'List the chats' })
      .locator('pre')
      .innerText()
    const { stdout } = await promisify(execFile)('bash', ['-c', code])
    expect(JSON.parse(stdout)).toHaveProperty('chats')
    const { api_token: token } = JSON.parse(
      readFileSync(join(product.folder, 'clotho.json'), 'utf8'),
    )
    expect(await page.content()).not.toContain(token)
    await page.getByRole('button', { name: 'Show the token' }).click()
    await page.getByText(token).waitFor()
    expect(page.url()).not.toContain(token)
    await page.getByRole('button', { name: 'Hide' }).click()
    expect(await page.content()).not.toContain(token)
  })

  it('health says what the server stands on', async () => {
    const page = await open('/health')
    const store = page.getByRole('region', { name: 'Store' })
    await store.getByText('answers').waitFor()
    await store.getByText('sqlite').waitFor()
    await page.getByRole('region', { name: 'Models' }).getByText('scripted:x').waitFor()
  })

  const PAGES: [path: string, heading: string][] = [
    ['/agents', 'assistant'],
    ['/jobs', 'No jobs yet'],
    ['/usage', 'By day'],
    ['/connect', 'native'],
    ['/health', 'Store'],
  ]
  it.each([
    { width: 1280, scheme: 'light' },
    { width: 1280, scheme: 'dark' },
    { width: 400, scheme: 'light' },
  ] as const)('can be used by everybody at $width pixels, $scheme', async (look) => {
    seen = await visit(`${product.url}/console/health`, look)
    const found: Record<string, string[]> = {}
    for (const [path, heading] of PAGES) {
      await seen.page.goto(`${product.url}/console${path}`)
      await seen.page.getByRole('heading', { name: heading, exact: true }).first().waitFor()
      found[path] = await findings(seen.page)
    }
    expect(found).toEqual(Object.fromEntries(PAGES.map(([path]) => [path, []])))
  })
})
