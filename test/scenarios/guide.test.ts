/** Every snippet that the server shows for its dialects works when it is pasted into a shell. */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openProduct, type Product } from '../support/product.ts'

interface Shown {
  dialect: string
  ways: { kind: string; url: string }[]
  credential: { isNeeded: boolean; file: string; print: string }
  snippets: { title: string; code: string }[]
}

let product: Product

beforeAll(async () => {
  product = await openProduct({ model: 'scripted:x' })
})

afterAll(() => product.close())

const run = promisify(execFile)

it('snippets answer at the root and below the name of the dialect', async () => {
  const { items } = (await product.ask('GET', '/manifold/v1/connect')).body as { items: Shown[] }
  expect(items.map((d) => d.dialect)).toEqual(product.manifold.dialects)
  for (const { dialect, ways, credential, snippets } of items) {
    expect(snippets.length, dialect).toBeGreaterThan(1)
    for (const { kind, url } of ways)
      for (const { title, code } of snippets) {
        const token = credential.isNeeded ? `TOKEN="$(${credential.print})"\n` : ''
        const { stdout } = await run('bash', ['-c', `BASE=${url}\n${token}${code}`])
        // curl shows the answer itself, the programs what the model said.
        const shown = title.includes('Node') ? 'You said: hello' : /^[[{]"?(?!code|error|detail)/
        expect(stdout, `${dialect} ${kind} ${title}`).toMatch(shown)
      }
  }
})

it('a token is told to its owner, and opens its dialect', async () => {
  const told = await product.ask('POST', '/manifold/v1/connect/clotho/token')
  expect(told.headers.get('cache-control')).toBe('no-store')
  const authorization = `Bearer ${told.body.token}`
  expect((await product.ask('GET', '/api/chats', undefined, { authorization })).status).toBe(200)
  expect((await product.ask('POST', '/manifold/v1/connect/nobody/token')).status).toBe(404)
})
