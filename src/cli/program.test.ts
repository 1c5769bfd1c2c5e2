import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Fault } from '../kernel/fault.ts'
import type { Config } from './config.ts'
import { runCli } from './program.ts'
import type { Env } from './setting.ts'
import { version } from './version.ts'

let out: string
let err: string

beforeEach(() => {
  out = ''
  err = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text
    return true
  })
})
afterEach(() => vi.restoreAllMocks())

const run = (
  words: string[],
  { serve = async () => {}, env = {} }: { serve?: (c: Config) => Promise<void>; env?: Env } = {},
): Promise<number> => runCli(words, env, { serve, doctor: async () => 3 })

describe('the command line', () => {
  test('says its version', async () => {
    expect(await run(['--version'])).toBe(0)
    expect(out).toBe(`${version()}\n`)
    expect(version()).toMatch(/^\d+\.\d+\.\d+$/)
  })

  test('hands a parsed configuration to serve', async () => {
    const seen: Config[] = []
    const serve = async (config: Config): Promise<void> => {
      seen.push(config)
    }
    const env = { MANIFOLD_HOME: '/somewhere' }
    expect(await run(['serve', '--port', '0'], { serve, env })).toBe(0)
    expect(seen).toMatchObject([{ port: 0, dataDir: '/somewhere' }])
  })

  test('hands on the exit code of doctor', async () => {
    expect(await run(['doctor', '--rebuild'])).toBe(3)
  })

  test('tells an expected failure in one line, a bug with its stack, neither with secrets', async () => {
    const serve = (error: Error) => () => Promise.reject(error)
    expect(
      await run(['serve'], { serve: serve(new Fault('unavailable', 'The port is taken.')) }),
    ).toBe(1)
    expect(err).toBe('manifold: The port is taken.\n')
    err = ''
    const bug = new TypeError('no x of postgres://me:hunter2@db/x')
    expect(await run(['serve'], { serve: serve(bug) })).toBe(1)
    expect(err).toMatch(/^manifold: TypeError: no x[\s\S]*\n {4}at /)
    expect(err).not.toContain('hunter2')
  })

  test('refuses what it does not know', async () => {
    expect(await run(['serve', '--prot', '1'])).toBe(1)
    expect(err).toContain('--port')
  })
})

describe('a list', () => {
  let server: Server
  let url: string
  let asked: string[]
  let page: unknown

  beforeEach(async () => {
    asked = []
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`)
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(page))
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterEach(
    () =>
      new Promise((done) => {
        server.close(done)
        server.closeAllConnections()
      }),
  )

  test('has aligned columns and says what it leaves out', async () => {
    const thread = { agent: 'assistant', status: 'idle', updatedAt: Date.now(), title: 'One\nline' }
    page = {
      items: [
        { ...thread, id: 't1' },
        { ...thread, id: 't22', status: 'waiting' },
      ],
      total: 5,
    }
    expect(await run(['threads', '--url', url, '--agent', 'assistant'])).toBe(0)
    expect(asked).toEqual(['GET /manifold/v1/threads?agent=assistant&parent=none&limit=20'])
    expect(out.replace(/\d+s/g, '0s')).toBe(
      'THREAD  AGENT      STATUS   AGE  TITLE\n' +
        't1      assistant  idle     0s   One line\n' +
        't22     assistant  waiting  0s   One line\n' +
        '3 more; --limit and --offset show them\n',
    )
  })

  test('is the JSON of the server when asked for', async () => {
    page = { items: [{ id: 'r1', anything: 1 }], total: 1 }
    await run(['runs', '--json'], { env: { MANIFOLD_URL: url } })
    expect(JSON.parse(out)).toEqual(page)
  })

  test('of asks says what is asked', async () => {
    const body = { kind: 'question', call: 'c', question: { text: 'Which colour?' } }
    page = { items: [{ id: 'a1', agent: 'x', openedAt: Date.now(), body }], total: 1 }
    await run(['asks', '--url', url])
    expect(out).toContain('Which colour?')
  })

  test('of events goes on until the log is complete', async () => {
    const event = (seq: number) => ({ thread: 't', seq, at: 0, type: 'note', run: null, data: {} })
    page = { items: [event(1), event(2)], next: 2, isComplete: true }
    await run(['events', 't', '--url', url, '--json'])
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).seq),
    ).toEqual([1, 2])
    expect(asked).toEqual(['GET /manifold/v1/threads/t/events?after=0&limit=1000'])
  })

  test('an ask is answered by words', async () => {
    page = { id: 'a1', agent: 'x', openedAt: 0, open: ['c'], body: { kind: 'approval', calls: [] } }
    expect(await run(['asks', 'answer', 'a1', 'maybe', '--url', url])).toBe(1)
    expect(err).toContain('y for yes')
    expect(await run(['asks', 'answer', 'a1', 'no', 'other', 'file', '--url', url])).toBe(0)
    expect(asked.at(-1)).toBe('POST /manifold/v1/asks/a1/answer')
  })
})
