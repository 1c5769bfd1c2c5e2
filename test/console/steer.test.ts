/** What a person does to a run from the console: answers what is asked, and orders what waits. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { tokenOf } from '../scenarios/clotho-gateway.ts'
import { openProduct, type Product } from '../support/product.ts'
import {
  conversation,
  LIMITS,
  message,
  program,
  say,
  script,
  type Visit,
  visit,
} from './browser.ts'

const lasts = [{ say: 'Going on' }, { hang: true }]
const writes = (path: string, content: string) => [{ call: 'write', input: { path, content } }]

describe.skipIf(program === null)('a run that is steered from the console', LIMITS, () => {
  let product: Product
  let seen: Visit

  beforeAll(async () => {
    product = await openProduct({ model: 'scripted:x' })
  })
  afterEach(async () => {
    await seen?.close()
    for (const { id } of (await product.ask('GET', '/manifold/v1/threads')).body.items)
      await product.ask('DELETE', `/manifold/v1/threads/${id}`)
  })
  afterAll(() => product?.close())

  const begin = async (input: string): Promise<string> =>
    (await product.ask('POST', '/manifold/v1/runs', { input })).body.thread
  const open = async (thread: string): Promise<Visit> => {
    seen = await visit(`${product.url}/console/threads/${thread}`)
    return seen
  }
  const queueOf = async (thread: string): Promise<string[]> => {
    const { body } = await product.ask('GET', `/manifold/v1/threads/${thread}/queue`)
    return body.items.map((item: { input: { text: string }[] }) => item.input[0]?.text)
  }

  it('is approved in the inbox after it was started over the WebSocket of Clotho', async () => {
    await product.ask('GET', '/api/chats')
    const token = tokenOf(product.folder)
    const authorization = `Bearer ${token}`
    const made = await product.ask('POST', '/api/chats', {}, { authorization })
    const at = `${product.url.replace('http', 'ws')}/ws/${made.body.chat_id}?token=${token}`
    const socket = new WebSocket(at)
    const told: { type: string }[] = []
    socket.on('message', (text) => told.push(JSON.parse(String(text)) as { type: string }))
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))

    seen = await visit(`${product.url}/console/inbox`)
    const { page, complaints } = seen
    await page.getByRole('heading', { name: 'Nothing waits for you' }).waitFor()
    const content = script(writes('from-clotho.txt', 'one\ntwo'), [{ say: 'Written.' }])
    socket.send(JSON.stringify({ type: 'user_message', content, stream: true }))
    const card = page.getByRole('article', { name: 'May this be done?' })
    await card.getByText('from-clotho.txt').waitFor()
    await card.getByRole('region', { name: 'Change' }).getByText('two').waitFor()
    await page.waitForFunction("document.title.startsWith('(1) Inbox')")
    await card.getByRole('button', { name: 'Allow', exact: true }).click()
    await page.getByRole('heading', { name: 'Nothing waits for you' }).waitFor()
    await expect
      .poll(() => told.map((frame) => frame.type), { timeout: 30_000 })
      .toContain('agent.turn_complete')
    socket.close()
    expect(complaints).toEqual([])
    const [thread] = (await product.ask('GET', '/manifold/v1/threads')).body.items
    expect(thread).toMatchObject({ dialect: 'clotho', status: 'idle', preview: 'Written.' })
  })

  it('is refused with a reason, by keys, and the agent is told it', async () => {
    const thread = await begin(script(writes('no.txt', 'x'), [{ say: 'Very well.' }]))
    const { page } = await open(thread)
    await page.getByRole('article', { name: 'May this be done?' }).waitFor()
    await page.keyboard.press('d')
    await page.keyboard.type('Not in this folder')
    await page.keyboard.press('Enter')
    await conversation(page).getByText('Very well.', { exact: true }).waitFor()
    await conversation(page).getByText('Denied: Not in this folder').waitFor()
    const { body } = await product.ask('GET', `/manifold/v1/threads/${thread}`)
    const result = body.messages.find((m: { role: string }) => m.role === 'tool').parts[0]
    expect(result).toMatchObject({ outcome: 'denied' })
    expect(result.output).toContain('Not in this folder')
  })

  it('gets the answer to a question from its form', async () => {
    const options = [{ label: 'Red', about: 'as fire' }, { label: 'Blue' }]
    const asks = [{ call: 'ask_user', input: { question: 'Which colour?', options } }]
    const { page } = await open(await begin(script(asks, [{ say: 'Thanks.' }])))
    const card = page.getByRole('article', { name: 'A question' })
    await card.getByText('Which colour?').waitFor()
    await card.getByRole('button', { name: 'Red as fire' }).click()
    const talk = conversation(page)
    await talk.getByText('Thanks.', { exact: true }).waitFor()
    await talk.getByText('Red', { exact: true }).waitFor()
  })

  it('has a queue that is edited, reordered by keys and by drag, dropped and run now', async () => {
    const thread = await begin(script(lasts))
    const { page, complaints } = await open(thread)
    await conversation(page).getByText('Going on', { exact: true }).waitFor()
    const says = (text: string) => script([{ say: text }])
    for (const text of ['alpha', 'beta', 'gamma', 'delta']) {
      await say(page, says(text))
      await page.getByRole('complementary').getByText(`"${text}"`).waitFor()
    }
    const beside = page.getByRole('complementary')
    const row = (text: string) => beside.getByRole('group').filter({ hasText: text })
    const shows = (...texts: string[]) =>
      expect
        .poll(() => queueOf(thread), { timeout: 20_000 })
        .toEqual(texts.map((text) => says(text)))
    await shows('alpha', 'beta', 'gamma', 'delta')

    await row('"gamma"').focus()
    await page.keyboard.press('Alt+ArrowUp')
    await shows('alpha', 'gamma', 'beta', 'delta')
    await row('"delta"').dragTo(row('"alpha"'))
    await shows('delta', 'alpha', 'gamma', 'beta')

    await row('"alpha"').getByRole('button', { name: 'Edit' }).click()
    await beside.getByRole('textbox', { name: 'Waiting message' }).fill(says('omega'))
    await beside.getByRole('button', { name: 'Save' }).click()
    await shows('delta', 'omega', 'gamma', 'beta')
    await row('"gamma"').focus()
    await page.keyboard.press('Delete')
    await shows('delta', 'omega', 'beta')

    await row('"beta"').getByRole('button', { name: 'Run now' }).click()
    for (const text of ['beta', 'delta', 'omega'])
      await conversation(page).getByText(text, { exact: true }).waitFor()
    expect(await queueOf(thread)).toEqual([])
    expect(complaints).toEqual([])
  })

  it('is steered, stopped, done again and forked', async () => {
    const turns = [writes('a.txt', 'x'), [{ say: 'Both read.' }]]
    const thread = await begin(script(...turns))
    const { page, complaints } = await open(thread)
    const talk = conversation(page)
    const card = page.getByRole('article', { name: 'May this be done?' })
    await card.waitFor()
    await page.getByRole('radio', { name: 'Steer' }).check()
    await say(page, 'Mind the gap')
    await talk.getByRole('article', { name: 'You, into the run' }).waitFor()
    await card.getByRole('button', { name: 'Allow', exact: true }).click()
    await talk.getByText('Both read.', { exact: true }).waitFor()

    await message(page).fill(script(lasts))
    await message(page).press('Enter')
    await talk.getByText('Going on', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Stop' }).click()
    await talk.getByText('cancelled', { exact: true }).waitFor()

    await talk.getByRole('button', { name: 'Again' }).last().click()
    await talk.getByText('earlier entries no longer count').waitFor()
    await page.getByRole('button', { name: 'Stop' }).click()
    await talk.getByText('cancelled', { exact: true }).waitFor()

    await talk.getByRole('button', { name: 'Fork' }).first().click()
    await page.getByText('another thread, at').waitFor()
    expect(page.url()).not.toContain(thread)
    expect(complaints).toEqual([])
  })

  it('is given an image, which is shown', async () => {
    const { page, complaints } = await open(await begin(script([{ say: 'Show me.' }])))
    const talk = conversation(page)
    await talk.getByText('Show me.', { exact: true }).waitFor()
    const dot =
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
    const file = { name: 'dot.png', mimeType: 'image/png', buffer: Buffer.from(dot, 'base64') }
    await page.getByLabel('Attach an image or a file').setInputFiles(file)
    await page.getByRole('img', { name: 'dot.png' }).waitFor()
    await say(page, script([{ say: 'Seen.' }]))
    await talk.getByText('Seen.', { exact: true }).waitFor()
    const image = talk.getByRole('img', { name: 'dot.png' })
    expect(await image.evaluate((element) => element.naturalWidth)).toBe(1)
    expect(complaints).toEqual([])
  })

  it('shows a sub-agent in its place, and what it waits for', async () => {
    const child = script(writes('child.txt', 'x'), [{ say: 'The child is done.' }])
    const calls = [{ call: 'task', input: { prompt: child, name: 'Write a file' } }]
    const { page } = await open(await begin(script(calls, [{ say: 'All done.' }])))
    const talk = conversation(page)
    const card = page.getByRole('article', { name: 'May this be done?' })
    await card.getByText('child.txt').waitFor()
    await card.getByRole('button', { name: 'Allow', exact: true }).click()
    await talk.getByText('All done.', { exact: true }).waitFor()
    await talk.getByRole('button', { name: 'assistant Write a file' }).click()
    await talk.getByRole('article').getByText('The child is done.', { exact: true }).waitFor()
    await talk.getByRole('link', { name: 'Open as a thread of its own' }).waitFor()
  })
})
