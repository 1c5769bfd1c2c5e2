import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { createHookPost } from './hook-post.ts'

const never = new AbortController().signal
const at = (url: string, headers = {}) => ({ url, headers, timeoutMs: 5_000 })

test('an answer is bounded, and an own header wins over ours', async () => {
  const seen: (string | undefined)[] = []
  const server = createServer((request, response) => {
    seen.push(request.headers['content-type'])
    response.writeHead(201).end('x'.repeat(3 * 1024 * 1024))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const ask = createHookPost({ allowPrivateFetch: true })
  const { status, text } = await ask(at(url, { 'Content-Type': 'text/x' }), '{}', never)
  expect([status, text.length, seen]).toEqual([201, 1024 * 1024, ['text/x']])
  server.close()
})

test.each([
  ['http://127.0.0.1:9/', 'forbidden'],
  ['http://[::1]:9/', 'forbidden'],
  ['http://169.254.169.254/latest', 'forbidden'],
  ['file:///etc/passwd', 'invalid'],
  ['nonsense', 'invalid'],
])('%s is not asked unless that was allowed', async (url, code) => {
  await expect(createHookPost({})(at(url), '{}', never)).rejects.toMatchObject({ code })
})

test('a header that cannot be sent is a Fault, too', async () => {
  const ask = createHookPost({ allowPrivateFetch: true })
  const asked = ask(at('http://127.0.0.1:9/', { a: 'b\nc' }), '{}', never)
  await expect(asked).rejects.toMatchObject({ code: 'unavailable' })
})
