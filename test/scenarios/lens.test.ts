/**
 * What a lens shows is what clients read: for one thread, the frames that the native API tells of each
 * dialect are, byte for byte, those of the dialect's own stream.
 */

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { tokenFile } from '../../src/dialects/clotho/index.ts'
import { openProduct, type Product } from '../support/product.ts'
import { framesUntil } from '../support/sse.ts'

const AT = '/manifold/v1'
let product: Product

beforeAll(async () => {
  product = await openProduct({ model: 'scripted:x' })
})

afterAll(() => product.close())

const script = (...turns: unknown[]): string => `script ${JSON.stringify(turns)}`
const ask = async (method: string, path: string, body?: unknown) => {
  const answer = await product.ask(method, AT + path, body)
  if (answer.status >= 400) throw new Error(JSON.stringify(answer.body))
  return answer.body
}
const told = (thread: string, type: string, after = 0) =>
  framesUntil(
    `${product.url}${AT}/threads/${thread}/stream?after=${after}`,
    (f) => f.event === type,
  )

/** Blocks of a stream up to the first that holds `last`; comments and what has no number left out. */
async function blocks(url: string, last: string, headers: Record<string, string> = {}) {
  const stop = new AbortController()
  const response = await fetch(url, { headers, signal: stop.signal })
  expect(response.status).toBe(200)
  const seen: string[] = []
  let rest = ''
  const decoder = new TextDecoder()
  for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
    const parts = (rest + decoder.decode(piece, { stream: true })).split('\n\n')
    rest = parts.pop() ?? ''
    seen.push(...parts.map((part) => `${part}\n\n`))
    if (seen.some((block) => block.includes(last))) break
  }
  stop.abort()
  return seen.filter((b) => !b.startsWith(':') && !/^event: (stream\.|ready|bye)|^retry:/.test(b))
}

interface Frames {
  dialects: { dialect: string; stream: string; carrier: string }[]
  items: { seq: number; type: string; frames: { text: string; bytes: number }[][] }[]
  next: number | null
}

async function lensOf(thread: string, limit: number): Promise<Map<string, string[]>> {
  const shown = new Map<string, string[]>()
  let from: number | null = 1
  let expected = 1
  while (from !== null) {
    const path: string = `/threads/${thread}/frames?from=${from}&limit=${limit}`
    const page = (await ask('GET', path)) as Frames
    for (const { seq, frames } of page.items) {
      expect(seq).toBe(expected++)
      page.dialects.forEach(({ dialect }, i) => {
        const texts = frames[i]?.map((frame) => frame.text) ?? []
        shown.set(dialect, [...(shown.get(dialect) ?? []), ...texts])
      })
    }
    from = page.next
  }
  return shown
}

/** Everything that Clotho's socket is told, from before the run until it ends. */
function openSocket(thread: string) {
  const { api_token: token } = JSON.parse(readFileSync(tokenFile(product.folder), 'utf8'))
  const at = product.url.replace('http', 'ws')
  const socket = new WebSocket(`${at}/ws/${thread}?token=${token}`)
  const seen: string[] = []
  socket.on('message', (data) => seen.push(String(data)))
  const ready = new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))
  return { seen, ready, close: () => socket.close() }
}

it('shows of every dialect exactly what its clients read', async () => {
  const { id: thread } = await ask('POST', '/threads', {})
  const socket = openSocket(thread)
  await socket.ready
  const turns = [
    [{ think: 'Hm.' }, { say: 'I write.' }, { call: 'write', input: { path: 'a', content: 'x' } }],
    [{ say: 'Done & <b>written</b>.' }],
  ]
  await ask('POST', `/threads/${thread}/submit`, { input: script(...turns) })
  await told(thread, 'ask.opened')
  const [asked] = (await ask('GET', `/asks?thread=${thread}`)).items
  await ask('POST', `/asks/${asked.id}/answer`, { allow: true })
  await told(thread, 'run.ended')
  const { seq } = await ask('GET', `/threads/${thread}`)
  await ask('POST', `/threads/${thread}/submit`, { input: script([{ say: 'Again.' }]) })
  await told(thread, 'run.ended', seq)
  await ask('PATCH', `/threads/${thread}`, { title: 'A title' })
  await expect.poll(() => socket.seen.filter((t) => t.includes('turn_complete')).length).toBe(2)
  socket.close()

  const shown = await lensOf(thread, 7)
  expect(await lensOf(thread, 500)).toEqual(shown)
  const of = (dialect: string): string[] => shown.get(dialect) ?? []
  const last = (dialect: string): string => of(dialect).at(-1) ?? 'nothing'
  for (const [dialect, texts] of shown) expect(texts.length, dialect).toBeGreaterThan(7)
  const hex = thread.replaceAll('-', '')
  const native = await blocks(`${product.url}${AT}/threads/${thread}/stream`, 'thread.changed')
  expect(of('native')).toEqual(native)
  const own = `${product.url}/api/v1/threads/thread_${hex}/agents/root/events?since=0`
  expect(of('ownware')).toEqual(await blocks(own, last('ownware').trim()))
  const session = `${product.url}/api/v1/sessions/ses_${hex}/events`
  expect(of('oah')).toEqual(await blocks(session, last('oah').trim()))
  expect(of('clotho')).toEqual(socket.seen)

  const { id } = (await product.ask('GET', '/toolang/api/v1/threads')).body.items[0]
  const toolang = `${product.url}/toolang/api/v1/threads/${id}/stream`
  expect(of('toolang')).toEqual(await blocks(toolang, last('toolang').trim()))

  const { token } = await ask('POST', '/connect/arkloop/token')
  const { items } = await ask('GET', `/runs?thread=${thread}`)
  const arkloop: string[] = []
  for (const { id: run } of items.reverse()) {
    const ends = run === items.at(-1).id ? 'thread.title.updated' : 'event: run.completed'
    const url = `${product.url}/v1/runs/${run}/events`
    arkloop.push(...(await blocks(url, ends, { authorization: `Bearer ${token}` })))
  }
  expect(of('arkloop')).toEqual(arkloop)
})
