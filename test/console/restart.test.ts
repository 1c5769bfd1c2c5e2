/** A server that dies while somebody reads along: the page says so, heals, and shows what the log says. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type ServerProcess, spawnServer } from '../support/process.ts'
import { conversation, ensureBuilt, program, script, type Visit, visit } from './browser.ts'

/** Every word is another, so that one that is lost or doubled is seen. */
const words = Array.from({ length: 400 }, (_, i) => `word${i}`).join(' ')

describe.skipIf(program === null)('a server that is killed', { timeout: 150_000 }, () => {
  let folder: string
  let server: ServerProcess
  let seen: Visit

  beforeAll(ensureBuilt)
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'manifold-console-'))
  })
  afterEach(async () => {
    await seen?.close()
    await server?.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  /** `rate` is in words a second; 0: at once. */
  const start = async (port = 0, rate = 0): Promise<void> => {
    const args = ['--model', 'scripted:x', '--scripted-rate', String(rate)]
    server = await spawnServer({ dataDir: folder, port, args })
  }

  it('in the middle of an answer is read on from where it stopped, without a lost or doubled word', async () => {
    // Slow enough that the answer is far from its end when it is broken off, however slow the page.
    await start(0, 12)
    const begun = await fetch(`${server.url}/manifold/v1/runs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input: script([{ say: words }]) }),
    })
    const { thread } = (await begun.json()) as { thread: string }
    seen = await visit(`${server.url}/console/threads/${thread}`)
    const { page } = seen
    const answer = conversation(page).getByRole('article', { name: 'Agent' })
    for (const [mark, rate] of [
      ['word20 ', 12],
      ['word80 ', 0],
    ] as const) {
      await answer.getByText(mark).waitFor()
      const { port } = server
      await server.kill()
      await page.getByText('Reconnecting').waitFor()
      await start(port, rate)
    }
    await conversation(page).getByText('tokens').waitFor({ timeout: 60_000 })
    const shown = (await answer.allTextContents()).join('').replace(/\s+/g, ' ').trim()
    expect(shown).toBe(words)
    await page.getByText('Reconnecting').waitFor({ state: 'hidden' })
    await conversation(page).getByText('The server was restarted here').first().waitFor()

    const log = await fetch(`${server.url}/manifold/v1/threads/${thread}/events?limit=2000`)
    const { items } = (await log.json()) as { items: { type: string; data: { text: string } }[] }
    const told = items.filter((event) => event.type === 'text.delta').map((e) => e.data.text)
    expect(told.join('')).toBe(words)
  })

  it('still asks what it asked, and takes the answer', async () => {
    await start()
    const input = script(
      [{ call: 'write', input: { path: 'a.txt', content: 'x' } }],
      [{ say: 'So be it.' }],
    )
    await fetch(`${server.url}/manifold/v1/runs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input }),
    })
    seen = await visit(`${server.url}/console/inbox`)
    const { page } = seen
    const card = page.getByRole('article', { name: 'May this be done?' })
    await card.waitFor()
    const { port } = server
    await server.kill()
    await page.getByText('The server does not answer').waitFor()
    await start(port)
    await page.getByText('The server does not answer').waitFor({ state: 'hidden' })
    await card.getByRole('button', { name: 'Allow', exact: true }).click()
    await page.getByRole('heading', { name: 'Nothing waits for you' }).waitFor()
    await page.goto(`${server.url}/console/threads`)
    await page.getByText('So be it.').first().waitFor()
  })
})
