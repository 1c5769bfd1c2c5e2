import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createRunner, openWorkspace } from '../sandbox/index.ts'
import { type Address, isPublic } from './address.ts'
import { type Bench, type Last, openBench } from './fixtures/bench.ts'
import { readable } from './readable.ts'
import type { FetchSettings } from './web-fetch.ts'

const sandbox = { runner: createRunner(), openWorkspace }

let server: Server
let port: number
let answer: RequestListener
let asked: { host: string | undefined; path: string | undefined }[]

beforeEach(async () => {
  asked = []
  server = createServer((request, response) => {
    asked.push({ host: request.headers.host, path: request.url })
    answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
})

afterEach(() => {
  server.closeAllConnections()
  server.close()
})

async function fetched(url: string, settings: FetchSettings, more = {}): Promise<Last> {
  const bench: Bench = await openBench({ ...sandbox, ...settings })
  try {
    return await bench.use('web_fetch', { url, ...more })
  } finally {
    await bench.close()
  }
}

const says =
  (body: string | Buffer, headers: Record<string, string> = {}, status = 200): RequestListener =>
  (_request, response) =>
    response.writeHead(status, headers).end(body)

const home = [{ address: '127.0.0.1', family: 4 }] as Address[]

describe('guards', () => {
  test.each([
    'http://127.0.0.1:PORT/',
    'http://localhost:PORT/',
    'http://[::1]:PORT/',
    'http://0.0.0.0:PORT/',
    'http://2130706433:PORT/',
    'http://0x7f.1:PORT/',
    'http://017700000001:PORT/',
    'http://127.1:PORT/',
    'http://[::ffff:127.0.0.1]:PORT/',
    'http://[::ffff:7f00:1]:PORT/',
    'http://[64:ff9b::7f00:1]:PORT/',
    'http://[2002:7f00:1::]:PORT/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[fd00:ec2::254]/',
    'http://10.0.0.1/',
    'http://192.168.1.1/',
    'http://172.31.255.255/',
    'http://100.100.100.200/',
    'http://[fe80::1]/',
    'http://127.0.0.1.:PORT/',
    'http://LOCALHOST:PORT/',
    'http://168.63.129.16/',
  ])('%s is refused', async (url) => {
    answer = says('inside')
    const item = await fetched(url.replace('PORT', String(port)), {})
    expect(item.kind).toBe('failed')
    expect(item.output).not.toContain('inside')
    expect(asked).toEqual([])
  })

  test.each([
    'ftp://example.com/',
    'file:///etc/passwd',
    'data:text/plain,x',
    'javascript:1',
    'no address',
    'http://user:pass@127.0.0.1:PORT/',
    'http://*/',
  ])('%s is no address to fetch', async (url) => {
    const settings = { allowPrivateFetch: true }
    expect((await fetched(url.replace('PORT', String(port)), settings)).kind).toBe('failed')
    expect(asked).toEqual([])
  })

  test('a name is resolved once, and the connection goes to what was checked', async () => {
    answer = says('inside', { 'content-type': 'text/plain' })
    let times = 0
    const resolve = async (): Promise<Address[]> => {
      times++
      return home
    }
    const item = await fetched(`http://name.example:${port}/x`, {
      allowPrivateFetch: true,
      resolve,
    })
    expect(item).toMatchObject({ kind: 'done', output: `http://name.example:${port}/x\n\ninside` })
    expect(times).toBe(1)
    expect(asked).toEqual([{ host: `name.example:${port}`, path: '/x' }])
    const refused = await fetched(`http://name.example:${port}/x`, { resolve })
    expect(refused.output).toContain('does not allow')
    const both = async (): Promise<Address[]> => [{ address: '8.8.8.8', family: 4 }, ...home]
    expect((await fetched(`http://name.example:${port}/x`, { resolve: both })).kind).toBe('failed')
    expect(asked).toHaveLength(1)
  })

  test('every hop of a redirect is checked again', async () => {
    const settings = { allowPrivateFetch: ['first.example'], resolve: async () => home }
    for (const inside of [
      `http://127.0.0.1:${port}/in`,
      `http://second.example:${port}/in`,
      'file:///etc/passwd',
      '//localhost/',
    ]) {
      asked = []
      answer = says('', { location: inside }, 302)
      const item = await fetched(`http://first.example:${port}/`, settings)
      expect(item.kind, inside).toBe('failed')
      expect(asked).toHaveLength(1)
    }
    answer = (request, response) =>
      request.url === '/end'
        ? response.end('there')
        : response.writeHead(307, { location: 'end' }).end()
    expect((await fetched(`http://first.example:${port}/a`, settings)).output).toContain('there')
    answer = says('', { location: '/again' }, 301)
    expect((await fetched(`http://first.example:${port}/`, settings)).output).toContain('too often')
  })

  test.each([
    ['8.8.8.8', true],
    ['1.1.1.1', true],
    ['172.32.0.1', true],
    ['2606:4700::1111', true],
    ['::ffff:8.8.8.8', true],
    ['64:ff9b::808:808', true],
    ['100.64.0.1', false],
    ['192.0.0.192', false],
    ['::', false],
    ['::1', false],
    ['fc00::1', false],
    ['ff02::1', false],
    ['2001:db8::1', false],
    ['2001::1', false],
    ['fe80::1%eth0', false],
    ['224.0.0.1', false],
    ['255.255.255.255', false],
    ['x', false],
    ['::127.0.0.1', false],
    ['2002:a9fe:a9fe::', false],
  ])('%s is public: %s', (address, is) => {
    expect(isPublic(address)).toBe(is)
  })

  test('an always covers the host and its port only', async () => {
    const bench = await openBench(sandbox)
    const tool = await bench.tool('web_fetch')
    expect(tool.grant({ url: 'HTTPS://Example.com/a?b' })).toBe('https://example.com/*')
    expect(tool.grant({ url: 'http://example.com:81/a' })).toBe('http://example.com:81/*')
    expect(tool.subject({ url: 'HTTPS://Example.com' })).toBe('https://example.com/')
    for (const url of ['https://*/', 'nonsense', 'ftp://x/']) expect(tool.grant({ url })).toBe('\0')
    await bench.close()
  })
})

describe('pages', () => {
  const allowed = { allowPrivateFetch: true }
  const url = (): string => `http://127.0.0.1:${port}/dir/page`

  test('come as text, whatever their coding and charset', async () => {
    const html =
      '<html><head><title>T &amp; t</title><style>x{}</style></head><body><h1>Hi</h1><p>A <a href="../b">link</a>.</p><script>if (a < b) x("</p>")</script><ul><li>one<li>two</ul></body>'
    for (const [body, coding] of [
      [Buffer.from(html), ''],
      [gzipSync(html), 'gzip'],
      [brotliCompressSync(html), 'br'],
    ] as const) {
      answer = says(body, {
        'content-type': 'text/html',
        ...(coding && { 'content-encoding': coding }),
      })
      const { output } = await fetched(url(), allowed)
      expect(output).toBe(
        `${url()}\n\n# T & t\n\n# Hi\n\nA [link](http://127.0.0.1:${port}/b).\n\n- one\n- two`,
      )
    }
    answer = says(Buffer.from([0xe4]), { 'content-type': 'text/plain; charset=iso-8859-1' })
    expect((await fetched(url(), allowed)).output).toContain('\u00e4')
    answer = says(Buffer.from([0, 1]), { 'content-type': 'image/png' })
    expect((await fetched(url(), allowed)).output).toContain('[image/png content of 2 bytes')
  })

  test('are bounded, also when they are large only after decompression', async () => {
    answer = says(gzipSync(Buffer.alloc(200_000_000, 'x')), {
      'content-encoding': 'gzip',
      'content-type': 'text/plain',
    })
    const item = await fetched(url(), allowed, { maxBytes: 1000 })
    expect(item.output.length).toBeLessThan(1300)
    expect(item.meta).toMatchObject({ truncated: true, rawBytes: 3 * 1024 * 1024 })
  })

  test('that fail, hang up or hang are told as such', async () => {
    answer = says('gone', { 'content-type': 'text/plain' }, 404)
    expect(await fetched(url(), allowed)).toMatchObject({
      kind: 'failed',
      output: `${url()} answered 404.\n\ngone`,
    })
    answer = (request) => request.socket.destroy()
    expect((await fetched(url(), allowed)).output).toContain('could not be read')
    answer = (_request, response) => void response.writeHead(200).write('x')
    const bench = await openBench({ ...sandbox, ...allowed })
    const controller = new AbortController()
    const work = bench.use('web_fetch', { url: url() }, { signal: controller.signal })
    while (asked.length < 3) await new Promise((resolve) => setTimeout(resolve, 5))
    controller.abort()
    expect(await work).toEqual({ kind: 'failed', output: 'Cancelled.' })
    await bench.close()
  })

  test('that are written to be slow are not', () => {
    const page = (html: string): string => readable(html, 'http://x/').text
    for (const html of [
      '<',
      '<a ',
      '<a href="',
      '<!--',
      '<script>',
      '<div>',
      '&amp',
      '<p x=\'"',
      '</',
      '<svg>',
    ])
      expect(page(html.repeat(50_000)).length).toBeLessThan(1_000_000)
    expect(page('a < b <c')).toContain('a < b')
    expect(page('<pre>a\n  b</pre><td>1</td>')).toBe('a\n  b\n| 1')
    expect(page('<svg><title>no</title><svg></svg></svg>x<img alt="cat">')).toBe('x[image: cat]')
    expect(page('<a href="javascript:x">t</a>&#x41;&#0;&unknown;')).toBe('tA&unknown;')
  })
})
